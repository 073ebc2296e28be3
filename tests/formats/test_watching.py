"""Reading that takes long says how far it is and stops when it is cancelled: alone, in a look, in an import and in a merge."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path

import pytest

from tator.formats import watching
from tator.formats.voc import VocSource
from tator.formats.watching import watched
from tator.importing.creating import import_dataset, look
from tator.importing.merging import merge_source
from tator.importing.preview import preview_source
from tator.ops import call
from tator.types import BadInput, Progress
from tests.folders import boxes, finish, make, picture, text, yolo_folder

FILES = 600
VOC = """<annotation><filename>{name}</filename><size><width>64</width><height>48</height></size>
<object><name>cat</name><bndbox><xmin>4</xmin><ymin>4</ymin><xmax>20</xmax><ymax>20</ymax></bndbox></object></annotation>"""


def many(root: Path, label: str, count: int = FILES) -> Path:
    """Write one picture under many names, each with a label file: .xml of VOC, .json of LabelMe or of Create ML."""
    first = picture(root / "images" / "0000.png")
    for n in range(count):
        name = f"{n:04}"
        if n:
            (root / "images" / f"{name}.png").hardlink_to(first)
        if label == "voc":
            text(root / "labels" / f"{name}.xml", VOC.format(name=f"{name}.png"))
        elif label == "labelme":
            shape = {"label": "cat", "points": [[4, 4], [20, 20]], "shape_type": "rectangle"}
            text(
                root / "images" / f"{name}.json",
                json.dumps({"imagePath": f"{name}.png", "imageData": None, "shapes": [shape]}),
            )
        else:
            box = {"label": "cat", "coordinates": {"x": 12, "y": 12, "width": 16, "height": 16}}
            text(root / "labels" / f"{name}.json", json.dumps([{"image": f"{name}.png", "annotations": [box]}]))
    return root


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Step a hundred times as often, so that small folders have steps too."""
    monkeypatch.setattr(watching, "TICK_S", 0.0025)


def test_the_result_and_the_errors_of_the_reading_are_those_of_the_work():
    assert finish(watched(lambda tell: 7, "x")) == 7

    def refuse(tell) -> None:
        raise BadInput("no image")

    with pytest.raises(BadInput, match="no image"):
        finish(watched(refuse, "x"))


def test_steps_come_on_time_whatever_the_reading_does(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(watching, "TICK_S", 0.02)

    def read(tell) -> str:
        tell(3, 9, "a large file")
        time.sleep(0.3)
        return "done"

    work, steps = watched(read, "first"), []
    try:
        while True:
            steps.append(next(work))
    except StopIteration as ended:
        assert ended.value == "done"
    assert len(steps) >= 3 and steps[-1] == Progress(3, 9, "a large file")


def test_closing_the_work_ends_its_thread_past_all_handling_of_errors(impatient):
    ended, caught = threading.Event(), []

    def read(tell) -> None:
        try:
            while True:
                try:
                    tell(1, 0, "on and on")
                    time.sleep(0.001)
                except Exception as error:  # noqa: BLE001 - as a careless reader would
                    caught.append(error)
        finally:
            ended.set()

    work = watched(read, "x")
    next(work)
    work.close()
    assert ended.is_set() and not caught


def test_closing_does_not_wait_for_a_reading_that_is_deaf(impatient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(watching, "STOP_S", 0.05)
    go_on = threading.Event()
    work = watched(lambda tell: go_on.wait(20), "x")
    next(work)
    began = time.monotonic()
    work.close()
    assert time.monotonic() - began < 5
    go_on.set()


@pytest.mark.parametrize("label", ["voc", "labelme", "createml"])
def test_looking_into_label_files_tells_each(tmp_path: Path, impatient, label: str):
    work, steps = look(many(tmp_path / "s", label), "s", ""), []
    try:
        while True:
            steps.append(next(work))
    except StopIteration as ended:
        tree, found, _ = ended.value
    assert found.format == label and len(tree.images) == FILES
    reading = [step for step in steps if step.total == FILES and step.message.endswith((".xml", ".json"))]
    assert len(reading) > 2 and [s.done for s in reading] == sorted(s.done for s in reading)
    assert len(found.labels("images/0599.png", 64, 48)) == 1, "every file is read, not the sampled ones alone"


def test_preview_import_and_merge_all_tell(wb, tmp_path: Path, impatient):
    root = many(tmp_path / "s", "voc")
    ours = make(wb, yolo_folder(tmp_path / "ours", {"a.png": None}, ["cat"]), "ours", "managed")
    works = {
        "preview": preview_source(wb.workspace, str(root)),
        "import": import_dataset(wb.workspace, wb.store, "new", str(root)),
        "merge": merge_source(ours, str(root)),
    }
    for name, work in works.items():
        told = [step.message for step in work]
        assert any(message.endswith(".xml") for message in told), name
        assert any(message.endswith(".png") for message in told), name
    assert len(boxes(ours)) == FILES + 1 and len(boxes(wb.dataset("new"))) == FILES


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["datasets_preview", "datasets_create"])
def test_a_look_is_cancelled_while_label_files_are_read(wb, tmp_path: Path, verb: str, monkeypatch):
    root, count = many(tmp_path / "s", "voc", 1), 15_000
    reads = VocSource.add
    monkeypatch.setattr(
        VocSource, "add", lambda *given: (time.sleep(0.002), reads(*given))
    )  # 30 s, however fast the disk
    for n in range(1, count):
        os.link(root / "images" / "0000.png", root / "images" / f"{n:05}.png")
        os.link(root / "labels" / "0000.xml", root / "labels" / f"{n:05}.xml")
    job_id = call(wb, verb, source=str(root), **({} if verb == "datasets_preview" else {"name": "new"}))
    until = time.monotonic() + 30
    while not (job := wb.jobs.get(job_id))["message"].endswith(".xml") and time.monotonic() < until:
        time.sleep(0.01)
    assert job["total"] == count
    began = time.monotonic()
    wb.jobs.cancel(job_id)
    job = wb.jobs.wait(job_id, 20)
    assert job["state"] == "cancelled" and time.monotonic() - began < 3 and job["done"] < count
    for thread in threading.enumerate():
        if thread.name.startswith("reading"):
            thread.join(5)
            assert not thread.is_alive()
    listed = call(wb, "datasets_list")
    assert listed == [] if verb == "datasets_preview" else (listed[0]["images"], listed[0]["is_complete"]) == (0, False)


def test_the_rate_is_that_of_the_part_of_the_work_under_way(wb):
    from tator.jobs.rows import Recorder

    recorder = Recorder(wb.store, wb.jobs.create("x", {}))
    for done in (0, 5_000, 10_000):
        recorder.step(Progress(done, 10_000, "looking"))
    recorder.step(Progress(0, 100, "importing"))
    time.sleep(0.05)
    recorder.step(Progress(5, 100, "importing"))
    assert 0 < recorder._rate() < 200
