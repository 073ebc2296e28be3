"""Every mistake of an evaluation as a picture; one click reviews it in Label.

What was predicted then stands there as candidates, one image's or all that are shown.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from tabs._parts import html as h
from tabs._parts import words as w
from tabs._parts.gallery import pager
from tabs._parts.jobs import JobPanel
from tabs._parts.pages import End, Outcome, Page, Pages
from tabs._parts.shell import in_browser
from tabs.evaluate.choosing import evaluations

PAGE = 24
AT_FIRST: dict[str, Any] = {"name": "", "kind": "", "class_name": "", "sort": "worst", "page": 1}
KINDS = {
    "missed": "Missed",
    "false": "False",
    "wrong_class": "Wrong class",
    "loose_box": "Loose box",
    "duplicate": "Duplicate",
}
SORTS = {
    "worst": "worst image first",
    "confidence": "most confident first",
    "overlap": "least overlap first",
    "area": "largest first",
    "image": "by image",
}
ROOM = 0.6  # of the boxes' size that is shown around them
LEAST = 40.0  # pixels shown around a tiny box
REVIEW = (
    "(to) => { if (to?.source) { window.tator.review(to.dataset, {source: to.source, image_id: to.image_id ?? 0}); } }"
)


class Mistakes(Page):
    """A gallery of mistakes, sorted and filtered."""

    name, title = "mistakes", "Mistakes"
    kinds = ("evaluate",)

    def build(self) -> None:
        """Draw the gallery and wire it."""
        self._panel, self._shown = h.panel(elem_id="mistakes-page"), gr.State(AT_FIRST)
        self._opening = gr.JSON({}, visible="hidden", elem_id="mistakes-open")
        self.outputs, self.reads = [self._panel, self._shown], [self._shown]
        answers = [self._panel, self._shown, self._opening]
        picked = self.shell.on(self._panel.pick, self._picked, [self.shell.dataset, self._shown], answers)
        in_browser([picked.success], REVIEW, self._opening)

    def wire(self, panel: JobPanel, pages: Pages) -> None:
        """Nothing more is wired."""

    def draw(self, dataset: str) -> tuple:
        """Return the mistakes of the newest evaluation of a dataset."""
        return self._drawn(dataset, AT_FIRST), AT_FIRST

    def ended(self, end: End) -> Outcome:
        """Return the mistakes of the evaluation that has just ended."""
        if end.page != self.name or not end.is_done:
            return Outcome()
        shown = AT_FIRST | {"name": end.job["result"]["evaluation"]}
        return Outcome(dict(zip(self.outputs, (self._drawn(end.dataset, shown), shown), strict=True)))

    def _picked(self, dataset: str, shown: dict, event: gr.EventData) -> tuple:
        told = dict(event._data)
        if told.get("act") == "open":
            facts = self.shell.call("evaluate_propose", name=told["name"], image_id=int(told["image"]))
            return gr.skip(), shown, {key: facts[key] for key in ("dataset", "source", "image_id")}
        if told.get("act") == "review":
            facts = self.shell.call(
                "evaluate_review", **{key: shown[key] for key in ("kind", "class_name")}, name=told["name"]
            )
            if not facts["candidates"]:
                gr.Info("None of these is left to review: what was missed has no prediction, and the rest is answered.")
            return gr.skip(), shown, facts if facts["candidates"] else {}
        shown = changed(shown, told)
        return self._drawn(dataset, shown), shown, {}

    def _drawn(self, dataset: str, shown: dict) -> h.Html:
        rows = evaluations(self.shell, dataset)
        if not rows:
            text = "Evaluate predictions of this dataset first; every mistake is then shown here."
            return h.empty(
                "No evaluation yet", text, h.button("Evaluate", tone="primary", data_press="#evaluate-start")
            )
        name = shown["name"] if shown["name"] in [row["name"] for row in rows] else rows[0]["name"]
        wanted = {key: shown[key] for key in ("kind", "class_name", "sort")}
        found = self.shell.call("evaluate_mistakes", name=name, offset=(shown["page"] - 1) * PAGE, limit=PAGE, **wanted)
        classes = [row["class"] for row in self.shell.call("evaluate_get", name=name)["per_class"]]
        cards = h.div([card(name, row) for row in found["mistakes"]], cls="t-cards t-mistakes")
        nothing = h.empty("No mistakes", "Nothing of this kind is wrong at this threshold.")
        review = h.button("Review these in Label", "review", data_name=name, disabled=not found["total"])
        head = h.head(f"{w.plural(found['total'], 'mistake')}", review, pager(found["total"], shown["page"], PAGE))
        return h.div(
            _filters(rows, name, found, classes, shown), head, cards if found["mistakes"] else nothing, cls="t-stack"
        )


def changed(shown: dict, told: dict) -> dict:
    """Return what the gallery shows after a pick."""
    act = told.get("act")
    if act == "turn":
        return shown | {"page": int(told["page"])}
    if act == "kind":
        return shown | {"kind": "" if told["kind"] == shown["kind"] else told["kind"], "page": 1}
    if act in ("name", "class_name", "sort"):
        return shown | {act: str(told.get("value", "")), "page": 1}
    return shown


def _filters(rows: list[dict], name: str, found: dict, classes: list[str], shown: dict) -> h.Html:
    chips = [
        h.button(
            f"{label} {found['counts'][kind]:,}", "kind", "primary" if kind == shown["kind"] else "", data_kind=kind
        )
        for kind, label in KINDS.items()
    ]
    picks = [
        choice("Evaluation", "name", [(row["name"], row["name"]) for row in rows], name),
        choice("Class", "class_name", [("", "All classes"), *((each, each) for each in classes)], shown["class_name"]),
        choice("Order", "sort", SORTS.items(), shown["sort"]),
    ]
    return h.div(h.div(picks, cls="t-row"), h.div(chips, cls="t-row"), cls="t-stack")


def choice(label: str, act: str, options: Any, chosen: str) -> h.Html:
    """Draw a choice that picks `act` with what is chosen."""
    drawn = [h.el("option", text, value=value, selected=value == chosen) for value, text in options]
    return h.el("select", drawn, cls="t-field boxed", data_act=act, aria_label=label)


def card(name: str, row: dict) -> h.Html:
    """Draw a mistake in its image: the label dashed green, the prediction red."""
    boxes = [box for box in (row["xyxy"], row["predicted_xyxy"]) if box]
    drawn = [
        _rect(row["xyxy"], "truth") if row["xyxy"] else None,
        _rect(row["predicted_xyxy"], "found") if row["predicted_xyxy"] else None,
    ]
    picture = h.el("image", href=f"media/{int(row['image_id'])}")
    view = h.el("svg", picture, drawn, viewBox=_view(boxes), preserveAspectRatio="xMidYMid slice")
    named = row["class"] if row["predicted_class"] in (None, row["class"]) else row["predicted_class"]
    if row["kind"] == "wrong_class":
        named = f"{row['class']} as {row['predicted_class']}"
    score = "" if row["score"] is None else f" {row['score']:.2f}"
    return h.el(
        "button",
        view,
        h.span(KINDS[row["kind"]], ": ", named, h.span(score, cls="t-note"), cls="t-clip"),
        h.span(row["file_name"].rpartition("/")[2], cls="t-note t-clip"),
        type="button",
        cls="t-imgcard",
        title=f"{row['file_name']}: review in Label",
        data_act="open",
        data_name=name,
        data_image=row["image_id"],
        disabled=not row["image_id"],
    )


def _rect(xyxy: list[float], cls: str) -> h.Html:
    x1, y1, x2, y2 = xyxy
    sides = {"x": f"{x1:.1f}", "y": f"{y1:.1f}", "width": f"{x2 - x1:.1f}", "height": f"{y2 - y1:.1f}"}
    return h.el("rect", cls=cls, **sides)


def _view(boxes: list[list[float]]) -> str:
    """Return the part of the image around boxes, as a viewBox."""
    x1, y1 = (min(box[axis] for box in boxes) for axis in (0, 1))
    x2, y2 = (max(box[axis] for box in boxes) for axis in (2, 3))
    room = max(ROOM * max(x2 - x1, y2 - y1), LEAST)
    return f"{x1 - room:.1f} {y1 - room:.1f} {x2 - x1 + 2 * room:.1f} {y2 - y1 + 2 * room:.1f}"
