"""The pages of a tab: which is drawn, and which hears of a job that ended."""

from __future__ import annotations

import gradio as gr
import pytest

from tabs._parts import jobs
from tabs._parts.pages import End, Outcome, Page, Pages, Part
from tator.ops import call
from tests.folders import make, yolo_folder

BOX = "0 .5 .5 .5 .5"


class Head(Part):
    """Stands around the pages."""

    def build(self) -> None:
        self.outputs = [gr.HTML()]

    def draw(self, dataset: str) -> tuple:
        return (f"list, {dataset}",)


class Numbers(Page):
    """A page that hears of no job."""

    name, title = "numbers", "Numbers"

    def build(self) -> None:
        self.outputs = [gr.HTML(), gr.State(0)]

    def draw(self, dataset: str) -> tuple:
        return f"numbers of {dataset}", 1


class Findings(Page):
    """A page that comes into sight when its check has ended, and starts the next after a repair."""

    name, title, kinds = "findings", "Findings", ("datasets_check", "datasets_repair")

    def build(self) -> None:
        self.outputs, self.reads, self.answers = [gr.HTML()], [gr.State("")], [gr.HTML()]

    def draw(self, dataset: str) -> tuple:
        return (f"findings of {dataset}",)

    def ended(self, end: End) -> Outcome:
        if end.kind == "datasets_repair":
            return Outcome(job=end.values[self.reads[0]], redraws=False)
        return Outcome({self.answers[0]: "found"}, page=self.name, dataset=end.job.get("made", ""))


@pytest.fixture
def pages(shell, wb, tmp_path) -> Pages:
    make(wb, yolo_folder(tmp_path / "pets", {"a.png": BOX}, ["cat"]), "pets")
    with shell.window:
        with gr.Tabs() as shell.tabs, gr.Tab("T") as shell.tab:
            head = Head(shell)
            head.build()
            pages = Pages(shell, [Numbers(shell), Findings(shell)], around=[head])
            pages.build("some-pages")
            pages.wire(jobs.build(shell, pages.kinds))
    return pages


def end(pages: Pages, kind: str, page: str = "numbers", dataset: str = "pets", **facts: str) -> End:
    reads = [widget for part in pages.parts for widget in part.reads]
    return End({"kind": kind, "state": "succeeded", **facts}, dataset, page, dict.fromkeys(reads, facts.get("read")))


def test_only_the_page_in_sight_is_drawn(pages: Pages):
    skip = gr.skip()
    assert pages.draw("pets", "numbers") == ("list, pets", "numbers of pets", 1, skip)
    assert pages.draw("pets", "findings") == ("list, pets", skip, skip, "findings of pets")
    assert pages.draw("pets", "") == ("list, pets", skip, skip, skip)
    assert pages.draw("gone", "numbers") == ("list, gone", skip, skip, skip), "there is no dataset of that name"


def test_the_end_of_a_job_is_told_to_the_page_of_its_kind(pages: Pages):
    drawn, findings = pages.answer(end(pages, "datasets_check")), pages.parts[-1]
    assert drawn[findings.answers[0]] == "found" and drawn[findings.outputs[0]] == "findings of pets"
    assert drawn[pages.page] == "findings" and drawn[pages.strip].selected == "findings"
    assert pages.shell.dataset not in drawn and pages.panel.job not in drawn


def test_another_dataset_is_opened_and_drawn_by_its_choice(pages: Pages):
    drawn, findings = pages.answer(end(pages, "datasets_check", made="new")), pages.parts[-1]
    assert drawn[pages.shell.dataset]["value"] == "pets", "there is none called new"
    assert findings.outputs[0] not in drawn and drawn[findings.answers[0]] == "found"


def test_the_panel_follows_the_job_that_comes_next(pages: Pages, wb):
    again = call(wb, "datasets_check", dataset="pets")
    wb.jobs.wait(again, timeout_s=60)
    drawn = pages.answer(end(pages, "datasets_repair", read=again))
    assert drawn[pages.panel.job] == again and drawn[pages.panel.timer].active
    assert not set(pages.outputs) & set(drawn), "nothing is drawn anew"


def test_two_outcomes_are_one():
    both = Outcome({"a": 1, "b": 1}, page="x", job="j") | Outcome({"b": 2}, redraws=False, dataset="d")
    assert both == Outcome({"a": 1, "b": 2}, False, "x", "d", "j")
