"""Saving edits: what is stored, retried, in conflict, undone, and who else has the image open."""
# ruff: noqa: F811 - pytest finds the imported fixtures by name

from __future__ import annotations

import json
import threading

import pytest
from sqlalchemy import func, insert, select, update

from tator.editing import rows as annotations
from tator.editing.edits import open_image, redo, save_edits, undo
from tator.editing.leases import renew_lease
from tator.editing.rows import add_many
from tator.storage import schema
from tator.types import BadInput, Conflict
from tests.saving import HEIGHT, WIDTH, add, box, change, client, edit, image, new_image, rows, save, store  # noqa: F401


def test_a_save_is_stored_counted_and_opened_again(store, image):
    polygon = [[[1, 2, 30, 2, 30, 40]]]
    told = save(
        store,
        image,
        0,
        edit(1, add(f"a{image}", polygons=polygon), add(f"b{image}", status="candidate", confidence=0.5), label="Draw"),
        user="ann",
    )
    assert told == {"revision": 1, "acknowledged": [1], "annotation_count": 1}
    opened = open_image(store, image)
    assert {name: opened[name] for name in ("image_id", "dataset", "width", "height", "revision", "state")} == {
        "image_id": image,
        "dataset": "set1",
        "width": WIDTH,
        "height": HEIGHT,
        "revision": 1,
        "state": "new",
    }
    first, second = opened["annotations"]
    assert first == box(f"a{image}") | {
        "polygons": polygon,
        "confidence": None,
        "source": "human",
        "status": "accepted",
        "author": "ann",
    }
    assert (second["status"], second["confidence"]) == ("candidate", 0.5)
    (entry,) = opened["undo"]
    assert entry["label"] == "Draw" and opened["redo"] == []
    assert entry["inverse"] == [{"op": "delete", "id": f"b{image}"}, {"op": "delete", "id": f"a{image}"}]
    json.dumps(opened)


def test_annotations_are_read_in_the_order_they_were_drawn(store, image):
    keys = [f"{letter}{image}" for letter in "qwertyuiop"]
    save(store, image, 0, *(edit(i, add(key)) for i, key in enumerate(keys, 1)))
    save(
        store,
        image,
        10,
        edit(11, {"op": "delete", "id": keys[4]}),
        edit(12, change(keys[0], class_id=1)),
        edit(13, kind="undo"),
    )
    undo(store, image, client(image), 14)
    assert [row["id"] for row in rows(store, image)] == keys


def test_boxes_of_one_edit_keep_their_order_too(store, image):
    keys = [f"{letter}{image}" for letter in "qwertyuiop"]
    save(store, image, 0, edit(1, *(add(key) for key in keys)))
    assert [row["id"] for row in rows(store, image)] == keys


def test_boxes_within_a_pixel_of_the_image_are_clipped(store, image):
    save(
        store,
        image,
        0,
        edit(1, add(f"c{image}", xyxy=[-0.9, -1, WIDTH + 1, HEIGHT + 0.5], polygons=[[[-1, 0, 101, 0, 50, 80.5]]])),
    )
    (row,) = rows(store, image)
    assert row["xyxy"] == [0, 0, WIDTH, HEIGHT]
    assert row["polygons"] == [[[0, 0, 100, 0, 50, 80]]]


def test_an_image_of_unknown_size_bounds_nothing(store):
    image = new_image(store, size=(0, 0))
    save(store, image, 0, edit(1, add(f"u{image}", xyxy=[5, 5, 9000, 9000])))
    assert rows(store, image)[0]["xyxy"] == [5, 5, 9000, 9000]


def test_a_retry_changes_nothing_and_is_acknowledged_again(store, image):
    request = (edit(1, add(f"r{image}")), edit(2, change(f"r{image}", class_id=1)))
    first = save(store, image, 0, *request)
    assert save(store, image, 0, *request) == first
    longer = save(store, image, 0, *request, edit(3, change(f"r{image}", xyxy=[0, 0, 5, 5])))
    assert longer == {"revision": 3, "acknowledged": [1, 2, 3], "annotation_count": 1}
    assert (
        save(store, image, 2, *request, edit(3, {"op": "delete", "id": f"r{image}"})) == longer
    )  # a newer base, all known
    with store.read() as conn:
        assert (
            conn.execute(select(func.count()).select_from(schema.edit).where(schema.edit.c.image_id == image)).scalar()
            == 3
        )


def test_a_retry_on_a_newer_base_may_carry_new_edits(store, image):
    known = (edit(1, add(f"r{image}")), edit(2, change(f"r{image}", class_id=1)))
    save(store, image, 0, *known)
    told = save(store, image, 2, *known, edit(3, change(f"r{image}", class_id=0)))
    assert (told["revision"], told["acknowledged"]) == (3, [1, 2, 3])


def test_an_edit_ends_what_could_be_redone_also_within_a_request(store, image):
    first, undone = edit(1, add(f"r{image}")), edit(2, kind="undo")
    with pytest.raises(BadInput, match="nothing to redo"):
        save(store, image, 0, first, undone, edit(3, add(f"s{image}")), edit(4, kind="redo"))
    save(store, image, 0, first, undone, edit(3, add(f"s{image}")))
    with pytest.raises(BadInput, match="nothing to redo"):
        redo(store, image, client(image), 4)
    assert [row["id"] for row in rows(store, image)] == [f"s{image}"]


def test_a_retried_prefix_conflicts_when_somebody_else_came_between(store, image):
    save(store, image, 0, edit(1, add(f"p{image}")))
    save(store, image, 1, edit(1, change(f"p{image}", class_id=1)), who="other", user="bob")
    assert save(store, image, 0, edit(1, add(f"p{image}")))["acknowledged"] == [1]  # the lost answer
    with pytest.raises(Conflict):
        save(store, image, 0, edit(1, add(f"p{image}")), edit(2, change(f"p{image}", class_id=0)))
    assert rows(store, image)[0]["class_id"] == 1


def test_a_new_edit_before_a_known_one_is_refused(store, image):
    save(store, image, 0, edit(5, add(f"k{image}")))
    with pytest.raises(BadInput, match="4 .* is new, but a later one"):
        save(store, image, 0, edit(4, add(f"l{image}")), edit(5, add(f"k{image}")))


def test_a_stale_save_conflicts_and_carries_what_is_there(store, image):
    save(store, image, 0, edit(1, add(f"s{image}"), {"op": "image", "changes": {"state": "in_progress"}}), user="ann")
    with pytest.raises(Conflict, match="revision 1, last edited by ann; .* on revision 0") as caught:
        save(store, image, 0, edit(1, add(f"t{image}")), who="other", user="bob")
    details = caught.value.details
    assert details["revision"] == 1 and details["state"] == "in_progress" and details["author"]["user"] == "ann"
    assert details["annotations"] == rows(store, image)
    assert [row["id"] for row in rows(store, image)] == [f"s{image}"]
    with pytest.raises(Conflict):
        save(store, image, 7, edit(2, add(f"t{image}")), who="other")


def test_a_request_with_one_bad_edit_saves_none(store, image):
    with pytest.raises(
        BadInput, match=r"edits\[seq 2\]\.ops\[0\]\.changes\.class_id must be a class of the dataset, is 9"
    ):
        save(store, image, 0, edit(1, add(f"n{image}")), edit(2, change(f"n{image}", class_id=9)))
    opened = open_image(store, image)
    assert (opened["annotations"], opened["revision"], opened["undo"]) == ([], 0, [])


def test_rows_of_another_image_or_dataset_are_out_of_reach(store):
    mine, theirs = new_image(store), new_image(store, dataset_id=2)
    save(store, theirs, 0, edit(1, add(f"v{theirs}")))
    before = rows(store, theirs)
    for op in (add(f"v{theirs}"), change(f"v{theirs}", class_id=1), {"op": "delete", "id": f"v{theirs}"}):
        with pytest.raises(BadInput, match="another image|no annotation"):
            save(store, mine, 0, edit(1, op))
    with pytest.raises(BadInput, match="nothing to undo"):
        undo(store, mine, client(mine), 2)
    with pytest.raises(BadInput, match=f"was used on image {theirs}"):
        save_edits(store, mine, 0, client(theirs), [edit(1, add(f"w{mine}"))])
    assert rows(store, theirs) == before


def test_retired_classes_come_back_by_undo_only(store, image):
    with store.write() as conn:
        conn.execute(
            insert(schema.label_class).values(
                dataset_id=1, class_id=100 + image, name=f"x{image}", color="#000000", position=9
            )
        )
    save(store, image, 0, edit(1, add(f"y{image}", class_id=100 + image)), edit(2, {"op": "delete", "id": f"y{image}"}))
    with store.write() as conn:
        conn.execute(
            update(schema.label_class).where(schema.label_class.c.class_id == 100 + image).values(retired=True)
        )
    with pytest.raises(BadInput, match="class_id"):
        save(store, image, 2, edit(3, add(f"z{image}", class_id=100 + image)))
    undo(store, image, client(image), 4)
    assert rows(store, image)[0]["class_id"] == 100 + image


def test_undo_on_the_server_is_an_edit_of_its_own_and_repeats_safely(store, image):
    save(store, image, 0, edit(1, add(f"g{image}"), label="Draw box"))
    first = undo(store, image, client(image), 2)
    assert first == {
        "revision": 2,
        "acknowledged": [2],
        "annotation_count": 0,
        "label": "Undo Draw box",
        "ops": [{"op": "delete", "id": f"g{image}"}],
    }
    assert undo(store, image, client(image), 2) == first
    with pytest.raises(BadInput, match="nothing to undo"):
        undo(store, image, client(image), 3)
    assert redo(store, image, client(image), 4)["label"] == "Redo Draw box"
    with pytest.raises(BadInput, match="nothing to redo"):
        redo(store, image, client(image), 5)
    assert [row["id"] for row in rows(store, image)] == [f"g{image}"]


def test_a_client_that_would_undo_something_else_is_told(store, image):
    save(store, image, 0, edit(1, add(f"h{image}")), edit(2, add(f"i{image}")))
    with pytest.raises(Conflict, match="another edit than the last"):
        save(store, image, 2, edit(3, {"op": "delete", "id": f"h{image}"}, kind="undo"))
    save(store, image, 2, edit(3, {"op": "delete", "id": f"i{image}"}, kind="undo"))
    assert [row["id"] for row in rows(store, image)] == [f"h{image}"]


def test_what_was_changed_outside_the_journal_is_a_conflict_not_a_crash(store, image):
    save(store, image, 0, edit(1, add(f"j{image}")), edit(2, change(f"j{image}", class_id=1)))
    with store.write() as conn:
        conn.execute(schema.annotation.delete().where(schema.annotation.c.image_id == image))
    with pytest.raises(Conflict, match="no annotation"):
        undo(store, image, client(image), 3)


def test_run_lengths_survive_delete_and_undo_and_go_when_the_outline_changes(store, image):
    rle = {"size": [HEIGHT, WIDTH], "counts": "abc"}
    with store.write() as conn:
        add_many(conn, 1, [box(f"m{image}", image_id=image, rle=rle)])
    save(store, image, 0, edit(1, {"op": "delete", "id": f"m{image}"}))
    undo(store, image, client(image), 2)
    assert rows(store, image)[0]["rle"] == rle
    save(store, image, 2, edit(3, change(f"m{image}", xyxy=[0, 0, 9, 9])))
    assert "rle" not in rows(store, image)[0]
    undo(store, image, client(image), 4)
    assert rows(store, image)[0]["rle"] == rle


def test_the_stacks_reach_back_beyond_what_an_opened_image_carries(store, image):
    save(store, image, 0, *(edit(i, add(f"o{i}-{image}")) for i in range(1, 501)))
    opened = open_image(store, image)
    assert len(opened["undo"]) == 200 and opened["undo"][-1]["forward"][0]["annotation"]["id"] == f"o500-{image}"
    save(store, image, 500, *(edit(i, kind="undo") for i in range(501, 1001)))
    assert rows(store, image) == []
    save(store, image, 1000, *(edit(i, kind="redo") for i in range(1001, 1501)))
    assert len(rows(store, image)) == 500


def test_a_stack_of_large_edits_stays_a_small_answer(store, image):
    for i in range(5):
        save(store, image, i, edit(i + 1, *(add(f"b{i}-{j}-{image}") for j in range(2000))))
    assert [len(entry["forward"]) for entry in open_image(store, image)["undo"]] == [2000, 2000]


def test_an_image_holds_a_bounded_number_of_annotations(store, image, monkeypatch):
    assert annotations.ANNOTATIONS_LIMIT == 100_000
    monkeypatch.setattr(annotations, "ANNOTATIONS_LIMIT", 1000)  # filling it for real takes half a minute
    with store.write() as conn:
        assert add_many(conn, 1, [{"image_id": image, "class_id": 0, "xyxy": [0, 0, 1, 1]}] * 1000) == 1000
    with pytest.raises(BadInput, match="would have 1001 annotations; the limit is 1000"):
        save(store, image, 0, edit(1, add(f"f{image}")))
    with pytest.raises(BadInput, match="the limit is 1000"), store.write() as conn:
        add_many(conn, 1, [{"image_id": image, "class_id": 0, "xyxy": [0, 0, 1, 1]}])
    assert open_image(store, image)["annotation_count"] == 1000


@pytest.mark.parametrize(
    "row",
    [
        {"xyxy": [0, 0, float("nan"), 1]},
        {"xyxy": [5, 0, 1, 1]},
        {"class_id": 77},
        {"image_id": 10**6},
    ],
)
def test_an_import_with_a_bad_row_is_refused(store, image, row):
    with pytest.raises(BadInput), store.write() as conn:
        add_many(conn, 1, [box("q", image_id=image), box("p", image_id=image) | row])
    assert rows(store, image) == []


def test_two_windows_race_and_every_save_lands_or_conflicts(store, image):
    outcomes = []

    def work(name: str) -> None:
        for seq in range(1, 21):
            while True:
                base = open_image(store, image)["revision"]
                try:
                    outcomes.append(
                        save(store, image, base, edit(seq, add(f"{name}{seq}-{image}")), who=name)["revision"]
                    )
                    break
                except Conflict:
                    continue

    threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "two", "three")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == list(range(1, 61))
    assert open_image(store, image)["annotation_count"] == len(rows(store, image)) == 60


def test_leases_tell_who_else_has_an_image_open(store, image, monkeypatch):
    other = new_image(store)
    assert renew_lease(store, image, "one", "ann")["others"] == []
    (seen,) = renew_lease(store, image, "two", "bob")["others"]
    assert (seen["client_id"], seen["user"]) == ("one", "ann") and 0 < seen["expires_in_s"] <= 30
    renew_lease(store, other, "one", "ann")  # it moved on
    assert renew_lease(store, image, "two", "bob")["others"] == []
    renew_lease(store, image, "one", "ann")
    with store.write() as conn:
        conn.execute(update(schema.lease).values(expires_at=0))
    assert renew_lease(store, image, "two", "bob")["others"] == []
