"""Nothing that looks like labels is passed over in silence: in the report, the window or the command line."""

from __future__ import annotations

import contextlib
import html
import io
import json
import zipfile
from pathlib import Path

import gradio as gr
import numpy as np
import pytest

from tabs._parts.shell import build
from tabs.datasets import import_preview, report_view
from tator.cli import main
from tator.importing.preview import preview_source
from tator.ops import call
from tator.workbench import Workbench
from tests.folders import finish, picture, text, yolo_folder

XML = "<annotations><item name='a.png'><rect l='1' t='2'/></item></annotations>"
PLANTED: dict[str, str | bytes] = {
    "more.json": '{"pictures": [{"file": "a.png", "rects": [[1, 2, 3, 4]]}]}',
    "odd.json": "[1, 2, 3]",
    "cut.json": '{"images": [{"id": 1, "file_name": "a.pn',
    "boxes.xml": XML,
    "boxes.csv": "picture;left side;upper side\na.png;1;2\n",
    "boxes.tsv": "picture\tl\tt\tr\tb\na.png\t1\t2\t3\t4\n",
    "boxes.jsonl": '{"picture": "a.png", "rect": [1, 2, 3, 4]}\n',
    "boxes.ndjson": '{"picture": "a.png", "rect": [1, 2, 3, 4]}\n',
    "words/000001.txt": "vehicle from 614.24 to 181.78 and 727.31 up 284.77\n",
    "pixels/zz.txt": "30 40 70 / 90 1\n5 6 12 / 25 2\n",
    "rows/rows.txt": "frame 1, box 10 20 30\nframe 2, box 20 20 30\n",
    "sheet.txt": "a.png has 10 20 30\nb.png has 10 20 30\n",
    "boxes.yaml": "a.png:\n  - [1, 2, 3, 4]\n",
    "broken.yaml": "names: [cat\ntrain: images\n",
    "sixteen.txt": "1 0.5 0.5 0.1 0.1\n".encode("utf-16"),
    "labels.npy": np.zeros(3).tobytes(),
    "labels.npz": b"PK\3\4\0\0",
    "labels.mat": b"MATLAB 5.0\0\0",
    "labels.parquet": b"PAR1\0\0PAR1",
    "labels.xlsx": b"PK\3\4\0\0",
    "labels.xls": b"\xd0\xcf\x11\xe0\0",
    "labels.pkl": b"\x80\4.",
    "labels.pickle": b"\x80\4.",
    "labels.h5": b"\x89HDF\0",
    "labels.ann": '{"objects": [{"points": [1, 2]}]}',
    "label_rows": "1 2 3 4 cat\n5 6 7 8 dog\n",
    "labels.tar.gz": b"\x1f\x8b\x08\0",
    "labels.7z": b"7z\xbc\xaf",
    "labels.rar": b"Rar!",
    "labels/gone.txt": "0 .5 .5 .1 .1\n",
    "images/torn.jpg": b"no picture",
    "page.html": "<p>",
    "photo.heic": b"heic",
}
BESIDE = {
    "README.txt": "This set has 120 photographs of cats and dogs, made in 2024.\n",
    "README.md": "# Cats",
    "LICENSE": "Copyright 2024. Permission is hereby granted, free of charge, to any person.\n",
    "requirements.txt": "numpy==2.0.1\ntorch>=2.2\n",
    "package.json": '{"name": "cats", "version": "1.0.0", "scripts": {"build": "x"}, "dependencies": {"a": "1"}}',
    "runs/args.yaml": "task: detect\nmode: train\nepochs: 100\nbatch: 16\nval: true\nlr0: 0.01\n",
    "runs/results.csv": "epoch,train/box_loss,metrics/mAP50(B)\n1,0.9,0.1\n2,0.8,0.2\n",
    "look.ipynb": '{"cells": [], "nbformat": 4}',
    "train.py": "print(1)",
    "best.pt": b"PK\3\4\0",
    "walk.mp4": b"\0\0\0ftyp",
    "environment.yml": "dependencies:\n  - python=3.11\n",
}


IMPORT = "command line, import"  # whose answer names some examples of each reason


def good(root: Path) -> Path:
    return yolo_folder(root, {"a.png": "0 .5 .5 .2 .2", "b.png": "1 .5 .5 .2 .2"}, ["cat", "dog"])


def plant(root: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def said_of(root: Path, home: Path) -> dict[str, str]:
    """Return what each surface says of a folder that is looked at and imported."""
    said, done = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(io.StringIO()):
        assert main(["--home", str(home), "datasets-preview", "--source", str(root)]) == 0
    with contextlib.redirect_stdout(done), contextlib.redirect_stderr(io.StringIO()):
        assert main(["--home", str(home), "datasets-create", "--name", "set", "--source", str(root)]) == 0
    wb = Workbench.at(home)
    try:
        with gr.Blocks() as window:
            shell = build(wb, window)
        job = wb.jobs.wait(call(wb, "datasets_preview", source=str(root)), timeout_s=60)
        facts = call(wb, "datasets_get", dataset="set")
        return {
            "look": json.dumps(job["result"]["report"]),
            "report": json.dumps(facts["report"]),
            "window's look": html.unescape(str(import_preview.draw(shell, import_preview.opened(job["id"])))),
            "window's report": html.unescape(str(report_view.report(facts, 1))),
            "command line, look": said.getvalue(),
            IMPORT: done.getvalue(),
        }
    finally:
        wb.close()


@pytest.fixture(scope="module")
def surfaces(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each surface says of a good dataset with one unreadable thing of every kind in it."""
    root = plant(good(tmp_path_factory.mktemp("set")), PLANTED)
    with zipfile.ZipFile(root / "part2.zip", "w") as archive:
        archive.writestr("images/c.png", b"")
        archive.writestr("labels/c.txt", "0 .5 .5 .2 .2")
    return said_of(root, tmp_path_factory.mktemp("home"))


@pytest.mark.parametrize("name", [*PLANTED, "part2.zip"])
def test_each_unreadable_thing_is_named_everywhere(surfaces: dict[str, str], name: str):
    assert [where for where, said in surfaces.items() if name not in said and where != IMPORT] == []


def test_an_import_on_the_command_line_groups_what_it_left_out(surfaces: dict[str, str]):
    report, answer = json.loads(surfaces["report"]), json.loads(surfaces[IMPORT])
    assert answer["groups"] == report["groups"] and answer["groups"]
    assert {group["reason"] for group in answer["groups"]} == {r for found in report["counts"].values() for r in found}
    assert all(group["examples"] and group["examples"][0]["file"] for group in answer["groups"])


def test_the_window_says_clean_only_where_it_is(surfaces: dict[str, str], wb, tmp_path: Path):
    assert all(">clean<" not in said for said in surfaces.values())
    assert "2 .png" not in surfaces["look"] and "1 .png, 1 .txt" in surfaces["look"]
    told = finish(preview_source(wb.workspace, str(plant(good(tmp_path / "set"), BESIDE))))
    assert report_view.is_clean(told["report"]) and told["report"]["counts"]["dropped"] == {}
    assert {entry["file"] for entry in told["report"]["other_files"]} == BESIDE.keys()


UNKNOWN = {
    "rows of pixels": {"a.txt": "30 40 70 90 1 8 8\n", "b.txt": "3 4 7 9 1 8 8\n"},
    "words first": {"a.txt": "vehicle from 614.24 to 181.78 and 727.31 up 284.77\n"},
    "slashes": {"marks/a.txt": "30 40 70 / 90 1\n"},
    "one list": {"boxes.txt": "a.png has 1 2 3\nb.png has 4 5\n"},
    "keys of its own": {"labels.json": '[{"picture": "a.png", "things": [{"what": "car", "corner": [1, 2]}]}]'},
    "lines": {"metadata.jsonl": '{"file_name": "a.png", "things": {"corner": [[1, 2]], "what": [0]}}\n'},
    "nothing": {},
}


@pytest.mark.parametrize("kind", UNKNOWN)
def test_labels_of_no_known_format_are_not_taken_for_yolo(wb, tmp_path: Path, kind: str):
    picture(tmp_path / "set/a.png"), picture(tmp_path / "set/b.png")
    told = finish(preview_source(wb.workspace, str(plant(tmp_path / "set", UNKNOWN[kind]))))
    assert told["annotations"] == 0 and told["format"] != "yolo"
    assert {entry["file"] for entry in told["report"]["dropped"]} == set(UNKNOWN[kind])


def test_a_data_yaml_or_empty_files_beside_images_make_it_yolo(wb, tmp_path: Path):
    picture(tmp_path / "one/images/train/a.png"), picture(tmp_path / "two/images/a.png")
    text(tmp_path / "one/data.yaml", "train: images/train\nval: images/train\nnames: [cat, dog]\n")
    text(tmp_path / "two/labels/a.txt", "")
    one, two = (finish(preview_source(wb.workspace, str(tmp_path / name))) for name in ("one", "two"))
    assert (one["format"], [row["source"] for row in one["classes"]]) == ("yolo", ["cat", "dog"])
    assert (two["format"], two["labelled"]) == ("yolo", 1)


def test_a_folder_of_archives_names_them(wb, tmp_path: Path):
    plant(tmp_path / "set", {"train.zip": b"PK", "val.zip": b"PK"})
    with pytest.raises(Exception, match="train.zip"):
        finish(preview_source(wb.workspace, str(tmp_path / "set")))
