"""T09-T14, T27-T29, T32-T41: each bad input is refused by name while the good files beside it load."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tator.formats.table import writable
from tator.ops import call
from tests.folders import boxes, coco, export, make, named, picture, reasons, report_of, text, yolo_folder

SECRET = "TOP-SECRET-CONTENT"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Return an image outside the dataset that must never be read."""
    return picture(tmp_path / "outside" / "private.png")


def references(outside: Path) -> list[str]:
    return [
        "../outside/private.png",
        "images/../../outside/private.png",
        str(outside),
        "..\\outside\\private.png",
        f"file://{outside}",
        "\\\\host\\share\\private.png",
        "C:\\private.png",
        "//host/private.png",
        "~/private.png",
        "http://127.0.0.1/private.png",
    ]


def assert_only_good(dataset, good: set[str], outside: Path) -> None:
    """The good images are in, and neither the dataset nor an export of it holds the file outside."""
    assert {row.path for row in dataset.images(readable=False)} == good
    for format in ("yolo", "coco"):
        archive = export(dataset, format, states=["new", "in_progress", "reviewed"])[1]
        with zipfile.ZipFile(archive) as opened:
            assert not any(opened.read(name) == outside.read_bytes() for name in opened.namelist())
            assert not any(".." in name or name.startswith(("/", "\\")) for name in opened.namelist())


@pytest.mark.parametrize("at", range(10))
def test_t09_coco_file_names(wb, tmp_path: Path, outside: Path, at: int):
    reference = references(outside)[at]
    root = tmp_path / "root"
    picture(root / "good.png")
    text(root / "train.json", coco(["good.png", reference], [{}, {"image_id": 2}]))
    dataset = make(wb, root)
    assert json.dumps(reference)[1:-1].replace("\\\\", "\\") in named(dataset)
    assert reasons(dataset) == {"image is not in the folder": 1} and dataset.describe()["annotations"] == 1
    assert_only_good(dataset, {"good.png"}, outside)


@pytest.mark.parametrize("at", range(10))
def test_t11_lines_of_train_txt(wb, tmp_path: Path, outside: Path, at: int):
    reference = references(outside)[at]
    root = yolo_folder(tmp_path / "root", {"good.png": "0 .5 .5 .5 .5"}, ["cat"])
    text(root / "train.txt", f"images/good.png\n{reference}\n")
    dataset = make(wb, root)
    assert reference in named(dataset) and "train.txt:2" in named(dataset) and dataset.images()[0].split == "train"
    assert_only_good(dataset, {"images/good.png"}, outside)


@pytest.mark.parametrize("key", ["path", "train", "val", "test"])
@pytest.mark.parametrize("place", ["../outside", "/etc", "\\\\host\\share", "file:///etc", "C:\\data", "../../.."])
def test_t12_paths_of_data_yaml(wb, tmp_path: Path, outside: Path, key: str, place: str):
    root = yolo_folder(tmp_path / "root", {"good.png": "0 .5 .5 .5 .5"})
    text(root / "data.yaml", json.dumps({"train": "images", "val": "images", "names": ["cat"], key: place}))
    dataset = make(wb, root)
    assert [c.name for c in dataset.classes()] == ["cat"] and dataset.images()[0].annotation_count == 1
    assert key == "path" or place in named(dataset)
    assert_only_good(dataset, {"images/good.png"}, outside)


@pytest.mark.parametrize("kind", ["file", "folder", "chain", "loop", "dangling"])
def test_t05_links_in_a_folder(wb, tmp_path: Path, outside: Path, kind: str):
    root = yolo_folder(tmp_path / "root", {"good.png": "0 .5 .5 .5 .5"}, ["cat"])
    link = root / "images" / "evil.png"
    if kind == "folder":
        (root / "images" / "more").symlink_to(outside.parent)
    elif kind == "chain":
        (root / "hop.png").symlink_to(outside)
        link.symlink_to(root / "hop.png")
    else:
        link.symlink_to({"file": outside, "loop": link, "dangling": tmp_path / "gone.png"}[kind])
    dataset = make(wb, root)
    assert kind == "folder" or "evil.png" in named(dataset)
    assert_only_good(dataset, {"images/good.png"}, outside)


@pytest.mark.parametrize(
    "content",
    [
        "names: !!python/object/apply:os.system ['touch MARK']",
        "!!python/object/new:os.system ['touch MARK']",
        "names: !!python/name:os.system\ntrain: x",
        "names: !!python/module:os\ntrain: x",
        "names: [cat]\nx: !!python/object/apply:subprocess.check_output [[touch, MARK]]",
        "names: [cat\ntrain: x",
        "names: [cat]\n\tnc: 1",
        "[" * 20_000,
        "a: &a [x]\nb: *c",
    ],
)
def test_t14_yaml_with_tags_or_broken(wb, tmp_path: Path, content: str):
    root = yolo_folder(tmp_path / "root", {"good.png": "0 .5 .5 .5 .5"})
    text(root / "data.yaml", content.replace("MARK", str(tmp_path / "mark")))
    dataset = make(wb, root)
    assert reasons(dataset) == {"refused as YAML": 1} and "data.yaml" in named(dataset)
    assert not (tmp_path / "mark").exists() and [c.name for c in dataset.classes()] == ["class 0"]
    assert dataset.images()[0].annotation_count == 1


@pytest.mark.parametrize(
    "download",
    [
        "https://evil.example/x.zip",
        "bash touch MARK",
        "import os; os.system('touch MARK')",
        "file:///etc/passwd",
        "|\n  import os",
    ],
)
def test_t14_yaml_with_download(wb, tmp_path: Path, download: str):
    root = yolo_folder(tmp_path / "root", {"good.png": "0 .5 .5 .5 .5"})
    text(
        root / "data.yaml", f"names: [cat]\ndownload: {json.dumps(download)}\n".replace("MARK", str(tmp_path / "mark"))
    )
    dataset = make(wb, root)
    assert reasons(dataset, "repaired") == {"download ignored": 1} and [c.name for c in dataset.classes()] == ["cat"]
    assert not (tmp_path / "mark").exists()


def test_t14_alias_bombs_stay_small(wb, tmp_path: Path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"] + [
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)
    ]
    root = yolo_folder(tmp_path / "root", {"good.png": "0 .5 .5 .5 .5"})
    text(root / "data.yaml", "\n".join([*lines, "names: [*a11, cat]"]))
    dataset = make(wb, root)
    assert "class name refused" in reasons(dataset) and [c.name for c in dataset.classes()] == ["cat"]


@pytest.mark.parametrize(
    "content",
    [
        "[" * 100_000,
        '{"images": 5, "annotations": {}, "categories": "x"}',
        '{"images": [1, null], "annotations": ["x"], "categories": [[]]}',
        '{"images": [{"id": 1}], "annotations": [{}], "categories": [{"id": null}]}',
        '{"images": [{"id": 1, "file_name": 5}], "categories": [], "annotations": []}',
        '{"images": [{"id": {}, "file_name": "good.png"}], "categories": [{"id": 1, "name": {}}], "annotations": [{"image_id": []}]}',
        '"images" "annotations" "categories"',
    ],
)
def test_t31_broken_coco_files(wb, tmp_path: Path, content: str):
    picture(tmp_path / "root" / "good.png")
    text(tmp_path / "root" / "bad.json", content + ('"images" "annotations"' if content[0] == "[" else ""))
    text(tmp_path / "root" / "good.json", coco(["good.png"], [{}]))
    dataset = make(wb, tmp_path / "root")
    assert "bad.json" in named(dataset) and dataset.images()[0].annotation_count == 1


@pytest.mark.parametrize("name", ["evil.svg", "evil.html", "evil.HTM", "evil.js", "evil.xhtml", "evil.svgz"])
def test_t27_active_files(wb, tmp_path: Path, name: str):
    root = yolo_folder(tmp_path / "root", {"good.png": "0 .5 .5 .5 .5"}, ["cat"])
    text(root / "images" / name, "<script>alert(1)</script>")
    dataset = make(wb, root, storage="managed")
    assert reasons(dataset) == {"file kind refused": 1} and name in named(dataset)
    assert [row.path for row in dataset.images()] == ["images/good.png"] and not list(dataset.root.rglob("evil*"))


@pytest.mark.parametrize("name", ["evil.png", "evil.jpg", "evil.gif", "evil.webp", "evil.tif"])
def test_t27_active_content_under_an_image_name(wb, tmp_path: Path, name: str):
    root = yolo_folder(tmp_path / "root", {"good.png": "0 .5 .5 .5 .5"}, ["cat"])
    text(root / "images" / name, "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>")
    dataset = make(wb, root)
    assert reasons(dataset) == {"unreadable image": 1} and name in named(dataset) and len(dataset.images()) == 1


@pytest.mark.parametrize(
    "name",
    [
        "<img src=x onerror=alert(1)>",
        "=cmd|' /C calc'!A0",
        "שלום עולם",
        "👩‍🚀 crew",
        "a: {b}",
        "- x",
        "!!python/name:os.system",
        "@SUM(1)",
    ],
)
@pytest.mark.parametrize("format", ["yolo", "coco"])
def test_t28_hostile_class_names_round_trip_unharmed(wb, tmp_path: Path, name: str, format: str):
    first = make(wb, yolo_folder(tmp_path / "root", {"a.png": "1 .5 .5 .5 .5"}, ["cat", name]))
    second = make(wb, export(first, format)[1], "again")
    assert [c.name for c in second.classes()] == ["cat", name] and [
        found[0][0] for found in boxes(second).values()
    ] == [name]


@pytest.mark.parametrize("hidden", ["\u200b", "\u202e", "\u2066", "\ufeff", "\x07", "\u200d"])
def test_t29_hidden_characters(wb, tmp_path: Path, hidden: str):
    dataset = make(wb, yolo_folder(tmp_path / "root", {"a.png": "0 .5 .5 .5 .5"}, [f"ca{hidden}t"]))
    assert [c.name for c in dataset.classes()] == ["cat"] and reasons(dataset, "repaired") == {"class name changed": 1}


def bad_image(kind: str, path: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)).save(path)
    content = path.read_bytes()
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "bomb":
        path.write_bytes(content[:16] + b"\0\0\xc3\x50\0\0\xc3\x50" + content[24:])
    else:
        path.write_bytes(content[: int(len(content) * float(kind))])


@pytest.mark.parametrize("storage", ["linked", "managed"])
@pytest.mark.parametrize("kind", ["empty", "0.1", "0.5", "0.99", "bomb"])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_t32_t33_bombs_and_cut_images_are_rows_with_their_problem(wb, tmp_path: Path, kind: str, storage: str):
    root = yolo_folder(tmp_path / "root", {"good.png": "0 .5 .5 .5 .5", "bad.png": "0 .5 .5 .5 .5"}, ["cat"])
    bad_image(kind, root / "images" / "bad.png")
    dataset = make(wb, root, storage=storage)
    bad, good = dataset.images(readable=False)
    assert (
        "bad.png" in bad.problem and bad.state == "new" and (bad.width, bad.height, bad.annotation_count) == (0, 0, 0)
    )
    assert good.problem is None and good.annotation_count == 1 and "images/bad.png" in named(dataset)
    assert "images/bad.png" in [row["file"] for row in export(dataset, "yolo")[0]["left_out"]]


@pytest.mark.parametrize("mode", ["I;16", "CMYK", "RGBA", "animated", "P"])
def test_t34_odd_images_load(wb, tmp_path: Path, mode: str):
    root = tmp_path / "root"
    picture(root / "good.png")
    path = root / {"CMYK": "odd.jpg", "animated": "odd.gif"}.get(mode, "odd.png")
    if mode == "animated":
        Image.new("RGB", (20, 10), "red").save(path, save_all=True, append_images=[Image.new("RGB", (20, 10), "blue")])
    else:
        Image.new(mode, (20, 10)).save(path)
    dataset = make(wb, root)
    assert [(row.width, row.height) for row in dataset.images()] == [(64, 48), (20, 10)]
    assert all(dataset.load(row).shape == (row.height, row.width, 3) for row in dataset.images())


@pytest.mark.parametrize("orientation", range(1, 9))
def test_t35_boxes_count_from_the_upright_image(wb, tmp_path: Path, orientation: int):
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture(tmp_path / "root" / "a.jpg", exif=exif)
    text(tmp_path / "root" / "a.txt", "0 .25 .5 .5 1\n")
    dataset = make(wb, tmp_path / "root")
    row = dataset.images()[0]
    size = (48, 64) if orientation >= 5 else (64, 48)
    assert (row.width, row.height) == size and dataset.load(row).shape[:2] == size[::-1]
    assert boxes(dataset)["a.jpg"] == [("class 0", 0.0, 0.0, size[0] / 2, size[1])]


@pytest.mark.parametrize(
    "names",
    [
        ("a/x.png", "b/x.png"),
        ("a.b.png", "a.png"),
        ("a b.png", " lead.png"),
        ("ünï.png", "日本/語.png"),
        ("dir./x.png", "dir/x.png"),
        ("x..png", "x.png"),
    ],
)
@pytest.mark.parametrize("format", sorted(writable()))
def test_t36_t37_names(wb, tmp_path: Path, names: tuple[str, str], format: str):
    root = yolo_folder(tmp_path / "root", {names[0]: "0 .25 .25 .25 .25", names[1]: "1 .5 .5 .5 .5"}, ["cat", "dog"])
    first = make(wb, root)
    assert {path: found[0][0] for path, found in boxes(first).items()} == {
        f"images/{names[0]}": "cat",
        f"images/{names[1]}": "dog",
    }
    second = make(wb, export(first, format)[1], "again")
    assert not reasons(second) and sorted(found[0][0] for found in boxes(second).values()) == ["cat", "dog"]


@pytest.mark.parametrize(
    "content",
    [
        "0 .5 .5 .5 .5\n1 .25 .25 .75 .25 .75 .75\n",
        "1 .25 .25 .75 .25 .75 .75\n0 .5 .5 .5 .5\n",
        "0 .5 .5 .5 .5\n1 .25 .25 .75 .25 .75 .75 .25 .75\n",
        "0 .5 .5 .5 .5\n1 .25 .25 .75 .25 .75 .75 .25 .75 .2 .5\n",
        "\n0 .5 .5 .5 .5\r\n\r\n1\t.25 .25  .75 .25 .75 .75 \n",
        "0 .5 .5 .5 .5\n1 .25 .25 .75 .25 .75 .75\n1 .25 .25 .75\n",
        "0 .5 .5 .5 .5\n1 .25 .25 .75 .25 .75 .75\n0 .5 .5 .5 x\n",
    ],
)
def test_t41_boxes_and_polygons_mixed_in_one_file(wb, tmp_path: Path, content: str):
    dataset = make(wb, yolo_folder(tmp_path / "root", {"a.png": content, "b.png": "0 .5 .5 .5 .5"}, ["cat", "dog"]))
    bad = content.count("\n") - (content.count("\n\n") + content.startswith("\n") + content.count("\r\n\r")) - 2
    assert sum(reasons(dataset).values()) == bad and reasons(dataset).keys() <= {"not a YOLO row"}
    found = boxes(dataset)["images/a.png"]
    assert [row[0] for row in found] == ["cat", "dog"] and found[0][1:] == (16, 12, 48, 36) and found[1][3:] == (48, 36)
    [rows] = dataset.annotation_rows([dataset.images()[0].id], "accepted").values()
    assert sorted(row["polygons"] is None for row in rows) == [False, True]


@pytest.mark.parametrize(
    "row",
    [
        "0 nan .5 .1 .1",
        "0 inf .5 .1 .1",
        "0 .5 .5 -.1 .1",
        "0 .5 .5 0 0",
        "0 7 7 .1 .1",
        "0 1e308 .5 1e308 .1",
        "0 .5 .5 1e-9 .1",
    ],
)
def test_t39_bad_numbers(wb, tmp_path: Path, row: str):
    dataset = make(
        wb, yolo_folder(tmp_path / "root", {"a.png": f"{row}\n0 .5 .5 .5 .5\n", "b.png": "0 .5 .5 .5 .5"}, ["cat"])
    )
    assert sum(reasons(dataset).values()) == 1 and "labels/a.txt:1" in named(dataset)
    assert [row.annotation_count for row in dataset.images()] == [1, 1]


@pytest.mark.parametrize("ids", [(0, 1), (1, 2), (5, 90), (7, 3), ("1", "2")])
def test_t40_coco_ids_of_any_kind(wb, tmp_path: Path, ids: tuple):
    picture(tmp_path / "root" / "a.png")
    content = json.loads(
        coco(
            ["a.png"], [{"category_id": ids[0]}, {"category_id": ids[1], "bbox": [20, 20, 9, 9]}, {"category_id": 999}]
        )
    )
    for row, key in zip(content["categories"], ids, strict=True):
        row["id"] = key
    text(tmp_path / "root" / "x.json", json.dumps(content))
    dataset = make(wb, tmp_path / "root")
    assert [found[0] for found in boxes(dataset)["a.png"]] == ["cat", "dog"] and reasons(dataset) == {
        "class out of range": 1
    }


@pytest.mark.parametrize("where", ["images", "labels", "labelmap.txt", "train.txt", "data.yaml"])
def test_t01_t02_hostile_zips_go_in_without_their_bad_entries(wb, tmp_path: Path, where: str):
    root = yolo_folder(tmp_path / "root", {"good.png": "0 .5 .5 .5 .5"}, ["cat"])
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for file in sorted(p for p in root.rglob("*") if p.is_file()):
            archive.write(file, file.relative_to(root))
        archive.writestr(f"../{where}/evil.png", SECRET)
        archive.writestr(f"/{where}/evil.png", SECRET)
    dataset = make(wb, tmp_path / "set.zip")
    assert reasons(dataset) == {"archive entry refused": 2} and f"../{where}/evil.png" in named(dataset)
    assert dataset.images()[0].annotation_count == 1 and not list(tmp_path.rglob("evil.png"))


@pytest.mark.parametrize("kind", ["folder", "fifo", "locked", "newline", "backslash"])
def test_odd_directory_entries(wb, tmp_path: Path, kind: str):
    import os

    root = yolo_folder(tmp_path / "root", {"good.png": "0 .5 .5 .5 .5"}, ["cat"])
    odd = root / "images" / {"newline": "a\nb.png", "backslash": "x\\..\\b.png"}.get(kind, "odd.png")
    if kind == "folder":
        odd.mkdir()
    elif kind == "fifo":
        os.mkfifo(odd)
    else:
        shutil.copy(root / "images" / "good.png", odd)
    if kind == "locked":
        odd.chmod(0)
    dataset = make(wb, root)
    assert "images/good.png" in [row.path for row in dataset.images()]
    assert kind in ("folder", "locked") or odd.name in named(dataset)


def test_the_report_reaches_a_caller_as_json(wb, tmp_path: Path):
    make(wb, yolo_folder(tmp_path / "root", {"a.png": "0 nan 1 1 1", "b.png": None}, ["cat"]))
    told = call(wb, "datasets_get", dataset="set")["report"]
    assert json.loads(json.dumps(told)) == told == report_of(wb.dataset("set"))
    assert told["dropped"] == [
        {"file": "labels/a.txt", "line": 1, "reason": "not a finite number", "detail": "0 nan 1 1 1"}
    ]
