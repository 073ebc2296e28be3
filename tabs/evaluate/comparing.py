"""Two evaluations side by side: what changed, and which edits of labels did it."""

from __future__ import annotations

from typing import Any

import gradio as gr

from tabs._parts import html as h
from tabs._parts import words as w
from tabs._parts.gallery import opener, thumb
from tabs._parts.pages import End, Outcome, Page
from tabs.evaluate.choosing import evaluations
from tabs.evaluate.mistakes import choice
from tator.types import BadInput

LISTED = 30  # images and edits that are drawn
AT_FIRST = {"one": "", "other": ""}  # "" for the second newest and the newest evaluation


class Compare(Page):
    """The difference between two evaluations of a dataset."""

    name, title = "compare", "Compare"
    kinds = ("evaluate",)

    def build(self) -> None:
        """Draw the panel and wire it."""
        self._panel, self._shown = h.panel(elem_id="compare-page"), gr.State(AT_FIRST)
        self.outputs = [self._panel, self._shown]
        self.shell.on(self._panel.pick, self._picked, [self.shell.dataset, self._shown], self.outputs)

    def draw(self, dataset: str) -> tuple:
        """Return how the newest evaluation differs from the one before it."""
        return self._drawn(dataset, AT_FIRST), AT_FIRST

    def ended(self, end: End) -> Outcome:
        """Return the comparison with the evaluation that has just ended."""
        return Outcome(dict(zip(self.outputs, self.draw(end.dataset), strict=True))) if end.is_done else Outcome()

    def _picked(self, dataset: str, shown: dict, event: gr.EventData) -> tuple:
        told = dict(event._data)
        if told.get("act") in AT_FIRST:
            shown = shown | {told["act"]: str(told.get("value", ""))}
        return self._drawn(dataset, shown), shown

    def _drawn(self, dataset: str, shown: dict) -> h.Html:
        names = [row["name"] for row in evaluations(self.shell, dataset)]
        if len(names) < 2:
            return h.empty(
                "Nothing to compare yet", "Evaluate twice: two models, or one before and after labels were mended."
            )
        one = shown["one"] if shown["one"] in names else names[1]
        other = shown["other"] if shown["other"] in names else names[0]
        options = [(name, name) for name in names]
        head = h.div(choice("From", "one", options, one), "to", choice("To", "other", options, other), cls="t-row")
        if one == other:
            return h.div(head, h.empty("One evaluation", "Choose two different ones."), cls="t-stack")
        try:
            found = self.shell.call("evaluate_compare", one=one, other=other)
        except BadInput as error:
            return h.div(head, h.empty("They cannot be compared", str(error)), cls="t-stack")
        return h.div(
            head, _same(dataset, found) if found["kind"] == "predictions" else _edited(dataset, found), cls="t-stack"
        )


def moved(before: float | None, after: float | None) -> h.Html:
    """Draw a change of a share in points, green where it grew."""
    if before is None or after is None:
        return h.span("–", cls="t-note")
    points = 100 * (after - before)
    tone = "t-ok" if points > 0.05 else "t-bad" if points < -0.05 else "t-note"
    return h.span(f"{points:+.1f}", cls=tone)


def _same(dataset: str, found: dict) -> h.Html:
    images, boot = found["images"], found["bootstrap"]
    told = f"{images['wins']:,} images better, {images['losses']:,} worse, {images['ties']:,} alike"
    return h.div(
        h.stats(
            [
                _stat(label, found["metrics"][key])
                for label, key in (("AP", "bbox_AP"), ("AP50", "bbox_AP50"), ("Best F1", "best_f1"))
            ]
        ),
        h.div(told, ". ", _sure(boot), cls="t-note"),
        h.div(h.div(h.head("Classes"), _classes(found["per_class"])), _images(dataset, found["rows"]), cls="t-two"),
        cls="t-stack",
    )


def _stat(label: str, pair: dict) -> tuple[str, Any, str]:
    return (
        label,
        h.join([w.percent(pair["other"]), " ", moved(pair["one"], pair["other"])]),
        f"from {w.percent(pair['one'])}",
    )


def _sure(boot: dict) -> str:
    """Say how sure the difference of F1 is, over resamples of the images."""
    low, high = boot.get("interval") or (None, None)
    if low is None or high is None:
        return ""
    if low == high == 0:
        return "F1 is the same in every resample of the images."
    verdict = "may be chance" if low <= 0 <= high else "is more than chance"
    return f"F1 differs by {100 * low:+.1f} to {100 * high:+.1f} points in 95 of 100 resamples of the images: it {verdict}."


def _classes(rows: list[dict]) -> h.Html:
    def cells(row: dict) -> list:
        pair = row["AP"]
        return [row["class"], w.percent(pair["one"]), w.percent(pair["other"]), moved(pair["one"], pair["other"])]

    return h.table(["Class", "AP before", "AP after", "Points"], map(cells, rows), (1, 2, 3))


def _images(dataset: str, rows: list[dict]) -> h.Html:
    def cells(row: dict) -> list:
        told = f"right {row['one']['tp']} → {row['other']['tp']}, false {row['one']['fp']} → {row['other']['fp']}"
        return [_opener(dataset, row), h.span(told, cls="t-note"), moved(0.0, row["delta"])]

    table = h.table(["Image", "", "F1"], map(cells, rows[:LISTED]), (2,))
    return h.div(h.head("Images that differ most"), table if rows else h.div("None differs.", cls="t-note"))


def _opener(dataset: str, row: dict) -> h.Html:
    name = row["file_name"].rpartition("/")[2]
    return opener(dataset, row["image_id"], name) if row["image_id"] else h.span(name, cls="t-mono")


def _edited(dataset: str, found: dict) -> h.Html:
    """Draw the edits between two evaluations with what each moved."""
    first, second = found["metrics"]["bbox_AP"]
    rows = [[name, w.percent(one), w.percent(two), moved(one, two)] for name, (one, two) in found["AP"].items()]
    table = h.table(["Class", "Before", "After", "Points"], rows, (1, 2, 3))
    told = (
        f"Labels of {w.plural(len(found['images']), 'image')} were edited between the two. With the predictions of the first, "
        "these are the edits and how much AP each image's edits moved alone."
    )
    return h.div(
        h.stats([("AP", h.join([w.percent(second), " ", moved(first, second)]), f"from {w.percent(first)}")]),
        h.div(told, cls="t-note"),
        h.div(h.div(h.head("Classes"), table), _edits(dataset, found["images"]), cls="t-two"),
        cls="t-stack",
    )


def _edits(dataset: str, rows: list[dict]) -> h.Html:
    def cells(row: dict) -> list:
        names = [
            f"{edit['label'] or edit['kind']}{' by ' + edit['user'] if edit['user'] else ''}" for edit in row["edits"]
        ]
        counted = f"{row['added']} added, {row['removed']} removed"
        deltas = [h.div(name, " ", moved(0.0, delta)) for name, delta in (row["delta"] or {}).items()]
        picture = thumb(row["image_id"]) if row["image_id"] else ""
        return [
            picture,
            _opener(dataset, row),
            h.div(h.div("; ".join(names) or counted), h.div(counted, cls="t-note")),
            h.div(deltas or "–"),
        ]

    table = h.table(["", "Image", "Edits", "AP points"], map(cells, rows[:LISTED]), (3,), cls="t-findings")
    return h.div(h.head("Edits"), table)
