"""Preview a source, map its classes, merge it into a dataset, clone a dataset."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tator.datasets.dataset import Dataset
from tator.importing.class_mapping import ClassMapping, suggest
from tator.importing.cloning import clone_dataset, merge_dataset
from tator.importing.creating import import_dataset
from tator.importing.filling import BATCH
from tator.importing.merging import merge_source
from tator.importing.preview import preview_source
from tator.ops.datasets import datasets_create, datasets_get
from tator.ops.imports import datasets_merge, datasets_preview
from tator.types import BadInput, Conflict
from tests.encoders import REFERRING
from tests.folders import boxes, finish, make, picture, report_of, text, yolo_folder

BOX = "0 .5 .5 .5 .5"


def preview(wb, source, **options) -> dict:
    return finish(preview_source(wb.workspace, str(source), **options))


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def upload(wb, root: Path) -> str:
    """Put a folder's files into a new upload."""
    upload_id, folder = wb.workspace.new_upload()
    for path in root.rglob("*"):
        if path.is_file():
            target = folder / path.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    return f"upload:{upload_id}"


def zipped(root: Path, archive: Path) -> Path:
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(root.rglob("*")):
            if path.is_file():
                file.write(path, f"top/{path.relative_to(root)}")
    return archive


def test_a_preview_says_what_an_import_would_do_and_writes_nothing(wb, tmp_path: Path):
    rows = {"a.png": f"{BOX}\n1 .2 .2 .1 .1\n9 .5 .5 .1 .1", "train/b.png": BOX, "val/c.png": "", "d.png": None}
    root = yolo_folder(tmp_path / "s", rows, ["cat", "dog"])
    text(root / "images" / "broken.png", "no image")
    text(root / "text_labels" / "a.txt", "a cat and a dog\n")
    before = files(wb.workspace.home)
    found = preview(wb, root)
    assert files(wb.workspace.home) == before
    assert (found["format"], found["formats"]) == ("yolo", [{"name": "yolo", "label": "YOLO boxes"}])
    counts = {key: found[key] for key in ("images", "unreadable", "labelled", "unlabelled", "annotations", "captions")}
    assert counts == {"images": 5, "unreadable": 1, "labelled": 3, "unlabelled": 1, "annotations": 3, "captions": 1}
    assert found["splits"] == {"": 3, "train": 1, "val": 1}
    assert [(row["source"], row["count"], row["how"]) for row in found["classes"]] == [
        ("cat", 2, "new"),
        ("dog", 1, "new"),
    ]
    assert found["report"]["counts"]["dropped"] == {"class out of range": 1, "unreadable image": 1}
    data = make(wb, root).describe()
    assert (data["images"], data["annotations"]) == (5, 3)
    assert data["report"]["counts"] == found["report"]["counts"]


@pytest.mark.parametrize(
    ("rows", "codes"),
    [
        (BOX, []),
        (f"{BOX}\n0 .05 .5 .2 .2", ["source_repaired"]),
        (f"{BOX}\n9 .5 .5 .1 .1", ["source_left_out"]),
        (f"{BOX}\n0 .05 .5 .2 .2\n9 .5 .5 .1 .1", ["source_left_out", "source_repaired"]),
    ],
)
def test_answers_warn_of_what_was_repaired_or_left_out(wb, tmp_path: Path, rows: str, codes: list[str]):
    source = str(yolo_folder(tmp_path / "s", {"a.png": rows}, ["cat"]))
    looked = finish(datasets_preview(wb, source))
    made = finish(datasets_create(wb, "set", source, "managed"))
    merged = finish(datasets_merge(wb, "set", source))
    report = datasets_get(wb, "set")["report"]
    assert [each.get("warnings", []) for each in (looked, looked["report"], made, merged, report)] == [codes] * 5


@pytest.mark.parametrize("kind", ["zip", "upload", "upload of a zip"])
def test_a_preview_of_a_zip_or_upload_leaves_nothing_behind(wb, tmp_path: Path, kind: str):
    root = yolo_folder(tmp_path / "s", {"a.png": BOX}, ["cat"])
    source = root
    if "zip" in kind:
        source = zipped(root, tmp_path / "zips" / "s.zip") if (tmp_path / "zips").mkdir() is None else root
    if "upload" in kind:
        source = upload(wb, source.parent if source.is_file() else source)
    before = files(wb.workspace.home)
    assert preview(wb, source)["annotations"] == 1
    assert files(wb.workspace.home) == before and not list(wb.workspace.folder("tmp").iterdir())


def test_a_preview_suggests_our_classes(wb, tmp_path: Path):
    root = yolo_folder(tmp_path / "s", {"a.png": BOX}, ["Gas_Tank", "boat", "lorry", "kite", "Boat"])
    found = preview(wb, root, ours=["gas tank", "boat", "truck"], aliases={"lorry": "truck", "HGV": "truck"})
    assert [(row["source"], row["target"], row["how"]) for row in found["classes"]] == [
        ("Gas_Tank", "gas tank", "spelling"),
        ("boat", "boat", "same"),
        ("lorry", "truck", "alias"),
        ("kite", "kite", "new"),
        ("Boat", "boat", "spelling"),
    ]


def test_a_preview_can_be_of_another_format(wb, data: Path):
    assert preview(wb, data / "bccd", format="voc")["report"]["counts"]["dropped"] == {"zero area": 2}
    with pytest.raises(BadInput, match="vocc"):
        preview(wb, data / "bccd", format="vocc")


def test_chess_shows_the_stray_class_in_the_mapping_table(wb, data: Path):
    found = preview(wb, data / "chess")
    counts = {row["source"]: row["count"] for row in found["classes"]}
    assert counts["bishop"] == 0 and sum(counts.values()) == 386 and len(counts) == 13


def test_classes_are_mapped_renamed_joined_and_left_out(wb, tmp_path: Path):
    rows = {"a.png": "\n".join(f"{c} .5 .5 .{c + 1} .5" for c in range(4))}
    root = yolo_folder(tmp_path / "s", rows, ["cat", "kitten", "bowl", "dog"])
    mapping = ["kitten=cat", "bowl=", "dog=hound"]
    finish(import_dataset(wb.workspace, wb.store, "set", str(root), mapping=mapping))
    dataset = wb.dataset("set")
    assert [row.name for row in dataset.classes()] == ["cat", "hound"]
    assert [row[0] for row in boxes(dataset)["images/a.png"]] == ["cat", "cat", "hound"]
    report = report_of(dataset)
    assert (
        report["counts"]["noticed"] == {"class left out by the mapping": 1}
        and report["read"]["left out by the mapping"] == 1
    )
    assert not report["counts"]["dropped"] and dataset.images()[0].state == "reviewed"


def test_numbered_classes_can_be_mapped(wb, tmp_path: Path):
    root = yolo_folder(tmp_path / "s", {"a.png": f"{BOX}\n2 .5 .5 .2 .2\n5 .1 .1 .1 .1"})
    finish(import_dataset(wb.workspace, wb.store, "set", str(root), mapping=["class 2=dog", "class 5="]))
    assert [row[0] for row in boxes(wb.dataset("set"))["images/a.png"]] == ["class 0", "dog"]


@pytest.mark.parametrize(("entry", "told"), [("cat", "has no '='"), ("bird=cat", "bird=cat"), ("=x", "=x")])
def test_a_wrong_mapping_is_refused_by_name_before_anything_is_written(wb, tmp_path: Path, entry: str, told: str):
    root = yolo_folder(tmp_path / "s", {"a.png": BOX}, ["cat"])
    with pytest.raises(BadInput, match=told):
        finish(import_dataset(wb.workspace, wb.store, "set", str(root), mapping=[entry]))
    assert not Dataset.listing(wb.store)
    with pytest.raises(BadInput, match="twice"):
        ClassMapping.parse(["cat=a", "cat=b"], ["cat"])


@given(
    st.dictionaries(
        st.text("ab= ", min_size=1, max_size=5).filter(lambda n: n.strip() == n), st.text("xy=", max_size=4), max_size=4
    )
)
def test_a_mapping_of_names_with_equal_signs_is_read_back(targets: dict[str, str]):
    known = list(targets)
    entries = [f"{source}={ours}" for source, ours in targets.items()]
    ambiguous = any(f"{a}={targets[a]}".startswith(f"{b}=") for a in known for b in known if a != b)
    if not ambiguous:
        assert ClassMapping.parse(entries, known).targets == targets


def test_suggestions_keep_the_order_and_count():
    rows = suggest(["b", "a"], ["A"], counts={"b": 3})
    assert [(row["source"], row["count"], row["target"]) for row in rows] == [("b", 3, "b"), ("a", 0, "A")]


@pytest.mark.parametrize("kind", ["folder", "zip", "upload", "upload of a zip"])
def test_a_source_is_merged_into_a_managed_dataset(wb, tmp_path: Path, kind: str):
    ours = make(wb, yolo_folder(tmp_path / "ours", {"a.png": BOX, "b.png": BOX}, ["cat", "dog"]), storage="managed")
    theirs = yolo_folder(tmp_path / "theirs", {"a.png": "1 .5 .5 .25 .25", "c.png": "0 .5 .5 .5 .5"}, ["Boat", "dog"])
    source: Path | str = theirs
    if "zip" in kind:
        (tmp_path / "zips").mkdir()
        source = zipped(theirs, tmp_path / "zips" / "theirs.zip")
    if "upload" in kind:
        source = upload(wb, source.parent if source.is_file() else source)
    result = finish(merge_source(ours, str(source)))
    prefix = "upload/" if "upload" in kind else "theirs/"
    assert result["prefix"] == prefix and (result["images"], result["annotations"]) == (2, 2)
    assert [row.name for row in ours.classes()] == ["cat", "dog", "Boat"]
    found = boxes(ours)
    assert {path: rows[0][0] for path, rows in found.items()} == {
        "images/a.png": "cat",
        "images/b.png": "cat",
        f"{prefix}images/a.png": "dog",
        f"{prefix}images/c.png": "Boat",
    }
    assert all(ours.path(row).is_file() for row in ours.images())
    assert not list(wb.workspace.folder("tmp").iterdir()) and len(list(wb.workspace.folder("datasets").iterdir())) == 1
    again = make(wb, tmp_path / "ours", "other")  # the source stayed as it was
    assert len(again.images()) == 2
    assert finish(merge_source(ours, str(theirs)))["prefix"] == ("theirs-2/" if prefix == "theirs/" else "theirs/")


def test_a_linked_dataset_takes_what_its_own_folder_gained(wb, tmp_path: Path):
    root = yolo_folder(tmp_path / "s", {"a.png": BOX}, ["cat"])
    dataset = make(wb, root)
    yolo_folder(root, {"new/b.png": BOX, "c.png": None})
    result = finish(merge_source(dataset, str(root)))
    assert result["images"] == 2 and sorted(boxes(dataset)) == ["images/a.png", "images/c.png", "images/new/b.png"]
    with pytest.raises(BadInput, match="clone the dataset as managed"):
        finish(merge_source(dataset, str(yolo_folder(tmp_path / "other", {"x.png": BOX}))))


def test_a_cut_merge_goes_on_where_it_stopped(wb, tmp_path: Path):
    ours = make(wb, yolo_folder(tmp_path / "ours", {"a.png": BOX}, ["cat"]), storage="managed")
    theirs = yolo_folder(tmp_path / "theirs", {"000.png": BOX}, ["cat"])
    for n in range(1, BATCH + 30):
        (theirs / "images" / f"{n:03}.png").hardlink_to(theirs / "images" / "000.png")
        text(theirs / "labels" / f"{n:03}.txt", BOX)
    work = merge_source(ours, str(theirs))
    for step in work:
        if step.done >= BATCH:
            break
    work.close()
    assert len(ours.images()) == BATCH + 1
    with pytest.raises(Conflict, match="unfinished"):
        finish(merge_source(ours, str(tmp_path / "ours")))
    result = finish(merge_source(ours, str(theirs)))
    assert result["prefix"] == "theirs/" and len(ours.images()) == BATCH + 31 and len(boxes(ours)) == BATCH + 31
    assert report_of(ours)["read"]["images"] == BATCH + 30


def test_merge_keeps_what_was_read_with_a_mapping(wb, tmp_path: Path):
    ours = make(wb, yolo_folder(tmp_path / "ours", {"a.png": BOX}, ["cat"]), storage="managed")
    theirs = yolo_folder(tmp_path / "theirs", {"a.png": f"{BOX}\n1 .2 .2 .2 .2"}, ["feline", "bowl"])
    finish(merge_source(ours, str(theirs), mapping=["feline=cat", "bowl="]))
    assert [row.name for row in ours.classes()] == ["cat"]
    assert [row[0] for row in boxes(ours)["theirs/images/a.png"]] == ["cat"]


def test_a_dataset_is_merged_into_another(wb, tmp_path: Path):
    ours = make(wb, yolo_folder(tmp_path / "ours", {"a.png": BOX}, ["cat"]), "ours", storage="managed")
    theirs = make(
        wb,
        yolo_folder(tmp_path / "theirs", {"a.png": f"{BOX}\n1 .2 .2 .2 .2", "train/b.png": BOX}, ["dog", "bowl"]),
        "the others",
    )
    result = finish(datasets_merge(wb, "ours", "dataset:the others", mapping=["bowl=cat"]))
    assert (result["prefix"], result["images"], result["annotations"]) == ("the_others/", 2, 3)
    assert [row.name for row in ours.classes()] == ["cat", "dog"]
    assert [row[0] for row in boxes(ours)["the_others/images/a.png"]] == ["cat", "dog"]
    assert {row.split for row in ours.images()} == {None, "train"} and all(
        ours.path(row).is_file() for row in ours.images()
    )
    assert finish(merge_dataset(ours, theirs, ["bowl=cat"]))["already_there"] == 2
    with pytest.raises(BadInput, match="itself"):
        finish(merge_dataset(ours, ours))
    with pytest.raises(BadInput, match="linked"):
        finish(merge_dataset(theirs, ours))


@pytest.mark.parametrize(("storage", "clone"), [("linked", "same"), ("linked", "managed"), ("managed", "same")])
def test_a_clone_is_equal_and_independent(wb, tmp_path: Path, storage: str, clone: str):
    rows = {"a.png": f"{BOX}\n1 .2 .2 .2 .2", "val/b.png": "", "c.png": None}
    dataset = make(wb, yolo_folder(tmp_path / "s", rows, ["cat", "dog", "bird"]), storage=storage)
    dataset.retire_class(2)
    finish(clone_dataset(dataset, "copy", clone))
    copy = wb.dataset("copy")
    assert copy.classes(retired=True) == dataset.classes(retired=True) and boxes(copy) == boxes(dataset)
    assert [(r.path, r.split, r.state, r.annotation_count) for r in copy.images()] == [
        (r.path, r.split, r.state, r.annotation_count) for r in dataset.images()
    ]
    assert (copy.root == dataset.root) == (clone == "same" and storage == "linked")
    assert all(copy.path(row).read_bytes() == dataset.path(row).read_bytes() for row in copy.images())
    copy.add_class("new one")
    assert len(dataset.classes()) == 2
    with pytest.raises(Conflict):
        finish(clone_dataset(dataset, "copy", clone))


def test_a_managed_dataset_has_no_linked_clone(wb, tmp_path: Path):
    dataset = make(wb, yolo_folder(tmp_path / "s", {"a.png": BOX}, ["cat"]), storage="managed")
    with pytest.raises(BadInput, match="clone it as managed"):
        finish(clone_dataset(dataset, "copy", "linked"))


def test_a_cut_clone_goes_on(wb, tmp_path: Path, monkeypatch):
    monkeypatch.setattr("tator.importing.cloning.BATCH", 2)
    dataset = make(wb, yolo_folder(tmp_path / "s", {f"{n}.png": BOX for n in range(7)}, ["cat"]))
    work = clone_dataset(dataset, "copy", "managed")
    for _ in range(3):
        next(work)
    work.close()
    assert 0 < len(wb.dataset("copy").images()) < 7
    finish(clone_dataset(dataset, "copy", "managed"))
    assert boxes(wb.dataset("copy")) == boxes(dataset)


@pytest.mark.parametrize("place", ["text_labels/{}.txt", "captions/images/{}.txt", "captions.jsonl", "metadata.jsonl"])
def test_captions_beside_the_images_are_read(wb, tmp_path: Path, place: str):
    root = yolo_folder(tmp_path / "s", {"a.png": BOX, "day/b.png": None, "night/b.png": None}, ["cat"])
    said = {"a": "a cat", "day/b": "bright ☀", "night/b": "dark"}
    if place.endswith("jsonl"):
        rows = "".join(f'{{"file_name": "images/{stem}.png", "text": "{caption}"}}\n' for stem, caption in said.items())
        text(root / place, rows + '{"file_name": "gone.png", "text": "x"}\nnot json\n')
    else:
        for stem, caption in said.items():
            text(root / place.format(stem), caption + "\n")
        text(root / place.format("gone"), "x")
    dataset = make(wb, root)
    paths = {row.id: row.path for row in dataset.images()}
    assert {paths[i]: c for i, c in dataset.captions(list(paths)).items()} == {
        f"images/{stem}.png": c for stem, c in said.items()
    }
    assert report_of(dataset)["counts"]["dropped"]["caption without an image"] == 1
    assert [row.annotation_count for row in dataset.images()] == [1, 0, 0]


@pytest.mark.parametrize("format", sorted(REFERRING))
def test_every_format_can_be_previewed_merged_and_mapped(wb, tmp_path: Path, format: str):
    ours = make(wb, yolo_folder(tmp_path / "ours", {"a.png": BOX}, ["cat"]), storage="managed")
    root = tmp_path / "theirs"
    picture(root / "images" / "a.png")
    REFERRING[format](root, [("a.png", "Cat", (4.0, 4.0, 20.0, 20.0)), ("a.png", "bowl", (8.0, 8.0, 30.0, 30.0))])
    found = preview(wb, root, ours=["cat"])
    assert found["format"] == format and {row["source"]: row["target"] for row in found["classes"]} == {
        "Cat": "cat",
        "bowl": "bowl",
    }
    finish(merge_source(ours, str(root), mapping=["Cat=cat", "bowl="]))
    assert boxes(ours)["theirs/images/a.png"] == [pytest.approx(("cat", 4, 4, 20, 20), abs=0.01)]
