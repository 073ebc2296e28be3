"""Numbers of the Datasets tab and the job panel: each says what it counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tabs._parts import jobs
from tabs.datasets import import_preview, overview, report_view
from tator.ops import call
from tests.folders import make, text, yolo_folder
from tests.tabs.test_tabs import read

BOX = "0 .5 .5 .5 .5"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = yolo_folder(tmp_path / "s", {"a.png": BOX, "b.png": "", "c.png": None, "d.png": None}, ["cat", "heading"])
    text(root / "images" / "broken.png", "no picture")
    return root


def test_the_overview_links_to_the_images_it_counts_and_only_where_there_are_some(
    shell, wb, folder: Path, tmp_path: Path
):
    make(wb, folder, "some")
    drawn = read(overview.draw(shell, "some")).said
    for told in ("1 unreadable", "0.2 an image · 4 without", "1 without boxes", "3 new", "no image has one"):
        assert told in drawn
    make(wb, yolo_folder(tmp_path / "all", {"a.png": BOX}, ["cat"]), "all")
    drawn = read(overview.draw(shell, "all")).said
    assert "all readable" in drawn and "all with boxes" in drawn and "all worked on" in drawn and "without" not in drawn


def test_the_report_says_how_many_are_without(shell, wb, folder: Path):
    make(wb, folder, "some")
    drawn = read(report_view.report(call(wb, "datasets_get", dataset="some"), 1)).said
    assert "1 unreadable" in drawn and "2 without" in drawn


def test_a_look_names_the_other_formats_and_the_folder_itself(shell, wb, folder: Path):
    text(folder / "voc" / "a.xml", "<annotation><filename>a.png</filename></annotation>")
    job = wb.jobs.wait(call(wb, "datasets_preview", source=str(folder)), 60)
    drawn = read(import_preview.draw(shell, import_preview.opened(job["id"]))).said
    assert "recognised, as is Pascal VOC: to read that instead, choose it as the format" in drawn
    assert "the folder" in drawn and "1 without labels" in drawn


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"state": "running", "done": 5, "total": 10, "rate": 2.25, "left_s": 2.2}, "5 of 10 · 2.2/s · 2.2 s left"),
        (
            {"state": "running", "done": 5_000, "total": 20_000, "rate": 2234.3, "left_s": 7},
            "5,000 of 20,000 · 2,234/s · 7.0 s left",
        ),
        ({"state": "running", "done": 5_000, "total": 0, "rate": 800.0, "left_s": None}, "800/s"),
        (
            {"state": "succeeded", "done": 100, "total": 108, "started_at": 1.0, "ended_at": 3.0},
            "108 done · took 2.0 s",
        ),
        (
            {"state": "cancelled", "done": 100, "total": 108, "started_at": 1.0, "ended_at": 3.0},
            "100 of 108 · took 2.0 s",
        ),
    ],
)
def test_a_job_says_how_far_it_is(facts: dict, told: str):
    job = {"kind": "datasets_create", "rate": None, "left_s": None, "started_at": None, "ended_at": None} | facts
    assert jobs.numbers(job) == told
