"""Datasets, their label maps, and the operations on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import event

from tator.datasets.dataset import Dataset
from tator.datasets.label_map import PALETTE, check_class_name, without_hidden
from tator.editing import edits
from tator.ops import call
from tator.types import BadInput, Conflict, NotFound
from tests.folders import boxes, make, picture, yolo_folder


@pytest.fixture
def pets(wb, tmp_path: Path) -> Dataset:
    rows = {"a.png": "0 .5 .5 .5 .5\n1 .2 .2 .1 .1\n", "b.png": "2 .5 .5 .1 .1\n", "c.png": "", "d.png": None}
    return make(wb, yolo_folder(tmp_path / "pets", rows, ["cat", "dog", "owl"]), "pets")


def classes(dataset: Dataset) -> list[tuple[int, str]]:
    return [(row.class_id, row.name) for row in dataset.classes()]


def test_records(pets: Dataset):
    rows = pets.images()
    assert [(r.path, r.state, r.annotation_count, r.width, r.height) for r in rows] == [
        ("images/a.png", "reviewed", 2, 64, 48),
        ("images/b.png", "reviewed", 1, 64, 48),
        ("images/c.png", "reviewed", 0, 64, 48),
        ("images/d.png", "new", 0, 64, 48),
    ]
    assert [r.path for r in pets.images(states=["new"])] == ["images/d.png"]
    assert [r.path for r in pets.images(with_annotations=True)] == ["images/a.png", "images/b.png"]
    assert len(pets.images(splits=[""])) == 4 and not pets.images(splits=["train"])
    assert pets.load(rows[0]).shape == (48, 64, 3)
    found = pets.annotations([rows[0].id, rows[3].id])
    assert found[rows[0].id].class_id.tolist() == [0, 1] and len(found[rows[3].id]) == 0
    assert np.isnan(found[rows[0].id].confidence).all() and set(found[rows[0].id].data) == {"id", "source", "status"}
    assert Dataset.of_image(pets.store, pets.workspace, rows[1].id) == (pets, rows[1])
    with pytest.raises(BadInput, match="no image state is called done"):
        pets.images(states=["done"])


def test_what_is_not_there_is_named(wb, pets: Dataset):
    for ask, told in (
        (lambda: wb.dataset("cats"), "'cats'"),
        (lambda: pets.image(999), "999"),
        (lambda: Dataset.of_image(wb.store, wb.workspace, 999), "999"),
        (lambda: pets.rename_class(9, "x"), "9"),
        (lambda: pets.recolor(9, "#000000"), "9"),
        (lambda: pets.retire_class(9), "9"),
    ):
        with pytest.raises(NotFound, match=told):
            ask()


def test_a_vanished_file_is_named(pets: Dataset):
    row = pets.images()[0]
    (pets.root / row.path).unlink()
    with pytest.raises(NotFound, match="images/a.png"):
        pets.load(row)


def test_classes_keep_their_ids_through_every_change(wb, pets: Dataset):
    before = boxes(pets)
    assert call(wb, "class_reorder", dataset="pets", class_ids=[2, 0, 1])[0]["name"] == "owl"
    call(wb, "class_rename", dataset="pets", class_id=0, name="Katze")
    assert classes(pets) == [(2, "owl"), (0, "Katze"), (1, "dog")]
    added = call(wb, "class_add", dataset="pets", name="fox")
    assert added["class_id"] == 3 and added["position"] == 3
    assert call(wb, "class_delete", dataset="pets", class_id=3) == {"deleted": 3, "moved": 0, "images": 0}
    assert call(wb, "class_add", dataset="pets", name="fox")["class_id"] == 4, "ids are never used again"
    assert {path: [row[1:] for row in found] for path, found in boxes(pets).items()} == {
        path: [row[1:] for row in sorted((n.replace("cat", "Katze"), *b) for n, *b in found)]
        for path, found in before.items()
    }


def test_colours(wb, pets: Dataset):
    assert [row.color for row in pets.classes()] == list(PALETTE[:3])
    call(wb, "class_recolor", dataset="pets", class_id=0, color="#ABCDEF")
    assert pets.classes()[0].color == "#abcdef"
    assert pets.add_class("fox").color == PALETTE[0], "the first that no class has"
    for bad in ("red", "#12345", "#1234567", "javascript:x", "#12345g", ""):
        with pytest.raises(BadInput, match="#rrggbb"):
            pets.recolor(0, bad)
    many = [pets.add_class(f"n{n}").color for n in range(40)]
    assert len(set(many)) == 40


@pytest.mark.parametrize("ids", [[], [0, 1], [0, 1, 2, 2], [0, 1, 3], [0, 0, 0]])
def test_reorder_wants_each_class_once(pets: Dataset, ids: list[int]):
    with pytest.raises(BadInput, match="each class"):
        pets.reorder(ids)


def test_deleting_a_class_in_use_asks_where_its_annotations_go(wb, pets: Dataset):
    with pytest.raises(Conflict, match="'cat' has annotations in 1 images"):
        call(wb, "class_delete", dataset="pets", class_id=0)
    with pytest.raises(BadInput, match="another"):
        call(wb, "class_delete", dataset="pets", class_id=0, move_to=0)
    with pytest.raises(NotFound, match="77"):
        call(wb, "class_delete", dataset="pets", class_id=0, move_to=77)
    assert call(wb, "class_delete", dataset="pets", class_id=0, move_to=2) == {"deleted": 0, "moved": 1, "images": 1}
    assert classes(pets) == [(1, "dog"), (2, "owl")] and [row.position for row in pets.classes()] == [0, 1]
    assert [row[0] for row in boxes(pets)["images/a.png"]] == ["dog", "owl"]
    row = pets.images()[0]
    assert row.revision == 1
    edits.undo(wb.store, row.id, "me", 1)
    assert 0 in pets.annotations([row.id])[row.id].class_id, "the move can be undone, the row means what it meant"
    assert [c.name for c in pets.classes(retired=True)] == ["dog", "owl", "cat"]


def test_t38_a_class_changed_while_somebody_draws(wb, pets: Dataset):
    """T38: an edit based on the old label map still saves; one with the deleted class is refused by name."""
    row = pets.images()[3]

    def draw(seq: int, class_id: int) -> None:
        found = {"id": f"n{seq}", "class_id": class_id, "xyxy": [1, 1, 9, 9]}
        edits.save_edits(
            wb.store,
            row.id,
            seq - 1,
            "tab",
            [{"seq": seq, "kind": "edit", "label": "", "ops": [{"op": "add", "annotation": found}]}],
        )

    pets.rename_class(1, "Hund")
    draw(1, 1)
    pets.reorder([2, 1, 0])
    draw(2, 0)
    extra = pets.add_class("temporary")
    pets.retire_class(extra.class_id)
    with pytest.raises(BadInput):
        draw(3, extra.class_id)
    assert [r[0] for r in boxes(pets)["images/d.png"]] == ["Hund", "cat"]


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "a\0b",
        "a\nb",
        "car\u200b",
        "\u202ecar",
        "a\u2066b",
        "x" * 101,
        "\u200d",
        "a\u2028b",
        "\ufeffcar",
        "\u00adx",
    ],
)
def test_t29_class_names_that_hide_something_are_refused(pets: Dataset, name: str):
    with pytest.raises(BadInput, match="class name"):
        pets.add_class(name)
    assert len(pets.classes()) == 3


@pytest.mark.parametrize(
    "name",
    [
        "<img src=x onerror=alert(1)>",
        "=cmd|' /C calc'!A0",
        "שלום",
        "车",
        "👩‍🚀",
        "🚗",
        "a:b, c#d",
        "'\"`;--",
        "{{7*7}}",
        "null",
        "true",
        "0",
        "می‌خواهم",
        "- dash",
        "%s",
        "..",
        "../x",
    ],
)
def test_t28_odd_but_visible_class_names_are_kept_as_they_are(pets: Dataset, name: str):
    assert pets.add_class(name).name == name
    with pytest.raises(Conflict):
        pets.add_class(f" {name} ")


def test_hidden_characters_are_taken_out_of_imported_names():
    assert without_hidden("\ufeffca\u200br \u202e") == "car"
    assert check_class_name(without_hidden("👩‍🚀\u200b")) == "👩‍🚀"


@pytest.mark.parametrize(
    "name", ["", " a", "a ", ".a", "a.", "a/b", "..", "a\\b", "a\0", "a\nb", "x" * 101, "a:b", "<b>", "a*b", "\u202ea"]
)
def test_dataset_names_that_are_refused(wb, pets: Dataset, tmp_path: Path, name: str):
    with pytest.raises(BadInput, match="dataset name"):
        call(wb, "datasets_rename", dataset="pets", new_name=name)
    with pytest.raises(BadInput, match="dataset name"):
        make(wb, tmp_path / "pets", name)


@pytest.mark.parametrize("name", ["a", "Größe 2", "日本", "a.b-c_d", "हिन्दी", "x" * 100, "2026"])
def test_dataset_names_that_are_kept(wb, pets: Dataset, name: str):
    assert call(wb, "datasets_rename", dataset="pets", new_name=name)["name"] == name
    assert [row["name"] for row in call(wb, "datasets_list")] == [name]


def test_rename_to_a_taken_name(wb, pets: Dataset, tmp_path: Path):
    make(wb, tmp_path / "pets", "other")
    with pytest.raises(Conflict, match="'other'"):
        call(wb, "datasets_rename", dataset="pets", new_name="other")


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(p.relative_to(folder)): (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.rglob("*") if p.is_file()
    }


def test_deleting_a_linked_dataset_touches_no_file(wb, pets: Dataset):
    before = snapshot(pets.root)
    for wrong in ("", "Pets", "pets ", "yes"):
        with pytest.raises(BadInput, match="confirm"):
            call(wb, "datasets_delete", dataset="pets", confirm=wrong)
    entry = f"dataset-{pets.id}"
    assert call(wb, "datasets_delete", dataset="pets", confirm="pets") == {"deleted": "pets", "entry": entry}
    assert snapshot(pets.root) == before
    assert call(wb, "datasets_list") == []


def test_deleting_for_good_never_reaches_outside_even_with_a_forged_root(wb, tmp_path: Path):
    from sqlalchemy import select, update

    from tator.datasets.removal import owned_folders
    from tator.storage.schema import dataset as table

    make(wb, yolo_folder(tmp_path / "src", {"a.png": None}), "mine", "managed")
    for root in (
        tmp_path / "src",
        wb.workspace.home,
        wb.workspace.folder("datasets"),
        wb.workspace.folder("datasets") / ".." / "runs",
    ):
        with wb.store.write() as conn:
            forged = {"import": {"folder": "../../src"}, "merge": {"folder": ".."}}
            conn.execute(update(table).where(table.c.name == "mine").values(root=str(root), settings=forged))
            row = conn.execute(select(table)).mappings().one()
        assert owned_folders(row, wb.workspace) == []


def test_images_list_and_the_way_through_them(wb, tmp_path: Path):
    root = tmp_path / "many"
    for n in range(12):
        picture(root / f"dir{n % 2}" / f"img_{n:02}.png")
    (root / "dir0" / "broken.png").write_bytes(b"no")
    many = make(wb, root, "many")
    answer = call(wb, "images_list", dataset="many", offset=2, limit=3)
    assert answer["total"] == 13 and [r["name"] for r in answer["images"]] == [
        "dir0/img_02.png",
        "dir0/img_04.png",
        "dir0/img_06.png",
    ]
    assert set(answer["images"][0]) >= {
        "id",
        "name",
        "width",
        "height",
        "state",
        "split",
        "annotation_count",
        "problem",
    }
    assert call(wb, "images_list", dataset="many", search="DIR1")["total"] == 6
    assert (
        call(wb, "images_list", dataset="many", search="%")["total"]
        == 0
        == call(wb, "images_list", dataset="many", search="img_1_")["total"]
    )
    assert call(wb, "images_list", dataset="many", state="reviewed")["total"] == 0
    for bad in ({"offset": -1}, {"limit": 0}, {"limit": 1001}, {"state": "odd"}):
        with pytest.raises(BadInput):
            call(wb, "images_list", dataset="many", **bad)
    rows = many.images(readable=False)
    assert rows[0].problem and "broken.png" in rows[0].problem and len(many.images()) == 12
    assert call(wb, "images_position", dataset="many", image_id=rows[5].id)["position"] == 5
    first = call(wb, "images_next", dataset="many")
    assert first["image_id"] == rows[1].id, "the unreadable one is passed over"
    assert call(wb, "images_next", dataset="many", after_image_id=rows[12].id)["image_id"] == rows[1].id, (
        "round the end"
    )
    assert call(wb, "images_next", dataset="many", state="reviewed") == {"image_id": None}
    with pytest.raises(NotFound):
        call(wb, "images_position", dataset="many", image_id=10**6)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_annotations_of_images_are_found_by_image(pets: Dataset, count: int):
    """Else each batch of an export would read the annotations of the whole workspace."""
    asked: list[tuple] = []

    def note(_conn, _cursor, statement: str, parameters: tuple, *_rest) -> None:
        asked.append((statement, parameters))

    event.listen(pets.store.engine, "before_cursor_execute", note)
    found = pets.annotation_rows([row.id for row in pets.images()[:count]])
    event.remove(pets.store.engine, "before_cursor_execute", note)
    assert sum(map(len, found.values())) == (2 if count == 1 else 3)
    statement, parameters = asked[-1]
    with pets.store.read() as conn:
        plan = str(conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all())
    assert "ix_annotation_image_id" in plan and "status" not in plan
