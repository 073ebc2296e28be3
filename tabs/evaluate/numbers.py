"""The numbers of an evaluation, and the slider that moves its counts.

The slider's counts stand in the page (assets/window/threshold.js moves them), so that dragging it asks nobody.
"""

from __future__ import annotations

import bisect
import itertools
import json
from collections.abc import Sequence

import gradio as gr

from tabs._parts import charts
from tabs._parts import html as h
from tabs._parts import words as w
from tabs._parts.jobs import JobPanel
from tabs._parts.pages import Pages, Part
from tabs._parts.runs import Runs
from tabs._parts.shell import Shell, in_browser
from tator.types import NotFound

SAVE = """(page) => {
  if (!page?.content) return;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([page.content], {type: "application/octet-stream"}));
  link.download = page.name;
  link.click();
  URL.revokeObjectURL(link.href);
}"""
DRAWN = itertools.count()  # each drawing differs, so that the script notices it and reads the counts anew
NOTES = {
    "head": "The places are those of the labels, so only the names are judged. On images that the head learned from it does "
    "better than on new ones: choose a split that it has not seen.",
    "candidates": "Boxes that repeated a label when they were found were not stored, so recall is too low where labels came "
    "first. Predictions from a file or a model have all of theirs.",
}
STEPS = 100  # of the slider, each a hundredth of a score
MOST_CLASSES = 40  # that move with the slider; a page with more would be slow to draw
CURVES = 3  # classes drawn as lines beside all together: those with most objects
SIZES = {"small": "below 32 x 32 pixels", "medium": "up to 96 x 96", "large": "larger"}


def keep_point(shell: Shell, told: dict) -> None:
    """Keep the slider's threshold, or each class's best one."""
    classes: dict[str, float] = {}
    if told.get("of") == "classes":
        rows = shell.call("evaluate_get", name=told["name"])["per_class"]
        classes = {row["class"]: row["best_f1_score_thr"] for row in rows if row["best_f1_score_thr"] is not None}
    facts = {"classes": list(classes), "class_score_thrs": list(classes.values())}
    point = shell.call("operating_point_set", name=told["name"], score_thr=float(told["at"]), **facts)
    others = f"; {w.plural(len(classes), 'class', 'classes')} from their own best one" if classes else ""
    later = f" Whatever {point['infers']} infers from now on takes it." if point["infers"] else ""
    gr.Info(f"It counts from a score of {point['score_thr']:.2f}{others}.{later}", title="Operating point kept")


def forget_point(shell: Shell, told: dict) -> None:
    """Forget the operating point; the threshold that is set holds again."""
    cleared = shell.call("operating_point_clear", name=told["name"])
    of = f" for {cleared['infers']}" if cleared["infers"] else ""
    gr.Info(f"The threshold that is set holds again{of}.", title="Operating point forgotten")


class Reports(Part):
    """Gives out the report of an evaluation as a file."""

    def build(self) -> None:
        """Draw the hidden field that carries a report to the browser."""
        self._page = gr.JSON({}, visible="hidden", elem_id="evaluate-report")

    def wire(self, panel: JobPanel, pages: Pages) -> None:
        """Listen to the reports of the runs."""
        for page in pages.parts:
            if isinstance(page, Runs):
                asked = self.shell.on(page.view.pick, self._picked, None, self._page)
                in_browser([asked.success], SAVE, self._page)

    def _picked(self, event: gr.EventData) -> dict:
        told = dict(event._data)
        if told.get("act") == "report":
            return self.shell.call("evaluate_report", name=told["name"], format=told["format"])
        return {}


def result(shell: Shell, run: dict) -> h.Html:
    """Draw what an evaluation measured."""
    try:
        found = shell.call("evaluate_get", name=run["name"])
        curves = shell.call("evaluate_curves", name=run["name"])
    except NotFound as error:
        return h.empty("No numbers", str(error))
    return h.div(
        _of(found),
        _numbers(found),
        _honesty(found),
        _moving(run["name"], found, sampled(curves)),
        h.div(_classes(found), _sizes(found), cls="t-two"),
        h.div(_confusion(found), _report(run["name"], found["overlays"]), cls="t-stack"),
        cls="t-stack",
    )


def _of(found: dict) -> h.Html:
    truth = found.get("ground_truth") or {}
    told = [
        f"{w.plural(found['images'], 'image')} of {truth.get('dataset') or found.get('gt_jsonl') or 'a file'}",
        f"split {found['split']}" if found.get("split") else None,
        f"labels of snapshot {truth['snapshot']}" if truth.get("snapshot") else None,
        f"predicted by {found.get('predictor')} {(found.get('source') or '').rpartition('/')[2]}".strip(),
    ]
    rankless = h.chip(
        "scores rank nothing", "warn", title="All scores are alike, so AP depends on the order of the list."
    )
    line = h.div(
        h.span(", ".join(filter(None, told)), cls="t-note"), rankless if found["ap_is_rankless"] else None, cls="t-row"
    )
    about = NOTES.get(found.get("predictor") or "")
    return h.div(line, h.div(about, cls="t-note") if about else None, _counted_at(found))


def _counted_at(found: dict) -> h.Html | None:
    """Say at which kept thresholds it counts, where not at the one that was set."""
    kept = found.get("thresholds") or {}
    if kept.get("from", "conf") == "conf":
        return None
    own = f", {w.plural(len(kept['classes']), 'class', 'classes')} apart" if kept["classes"] else ""
    chosen = f" that was chosen in evaluation “{kept['evaluation']}”" if kept.get("evaluation") else ""
    return h.div(f"Counted at the {kept['from']}{chosen}: score {kept['conf']:.2f}{own}.", cls="t-note")


def _numbers(found: dict) -> h.Html:
    m = found["metrics"]
    low, high = m.get("best_f1_interval") or (None, None)
    at = m.get("best_f1_score_thr")
    best = (
        f"at score {at:.2f}; between {w.percent(low)} and {w.percent(high)} in 95 of 100 resamples"
        if at is not None
        else ""
    )
    rows = [
        ("AP", w.percent(m.get("bbox_AP")), "mean over overlaps .50 to .95, and over classes"),
        ("AP50", w.percent(m.get("bbox_AP50")), f"AP75 {w.percent(m.get('bbox_AP75'))}"),
        ("Best F1", w.percent(m.get("best_f1")), best),
        ("Could be found", w.percent(m.get("recall_bound@0.50")), "recall if every prediction counted"),
    ]
    if m.get("segm_AP") is not None:
        rows.insert(2, ("Mask AP", w.percent(m["segm_AP"]), f"AP50 {w.percent(m.get('segm_AP50'))}"))
    return h.stats(rows)


def _honesty(found: dict) -> h.Html | None:
    """Draw which images show what another split shows, and the numbers without them."""
    told = found.get("split_honesty") or {}
    if not told.get("images"):
        return None
    without = told["without"]
    text = (
        f"{w.plural(told['images'], 'image')} of {told['checked']:,} ({w.percent(told['share'])}) show what images of another split "
        f"show. AP is {w.percent(found['metrics'].get('bbox_AP'))} with them and {w.percent(without.get('bbox_AP'))} without."
    )
    return h.div(h.chip("splits leak", "bad"), text, h.div(told.get("advice", ""), cls="t-note"), cls="t-box t-row")


def sampled(curves: dict) -> list[dict]:
    """Return the counts of all and of the largest classes, at each step.

    At step i those count whose score is i hundredths or more.
    """
    falling = [-value for value in curves["thresholds"]]
    places = [bisect.bisect_right(falling, -(step / STEPS)) - 1 for step in range(STEPS + 1)]
    largest = sorted(curves["classes"], key=lambda row: -row["gt"])[:MOST_CLASSES]

    def at(values: Sequence[int]) -> list[int]:
        return [values[place] if place >= 0 else 0 for place in places]

    rows = [curves["all"] | {"class": "All classes"}, *largest]
    return [{"class": row["class"], "gt": row["gt"], "tp": at(row["tp"]), "pred": at(row["pred"])} for row in rows]


def _moving(name: str, found: dict, counts: list[dict]) -> h.Html:
    """Draw the curves, the slider and the table whose cells it moves."""
    kept = (found.get("operating_point") or {}).get("score_thr")
    start = round(STEPS * (kept if kept is not None else found["score_thr"]))
    slider = h.el(
        "input",
        type="range",
        min=0,
        max=STEPS,
        step=1,
        value=start,
        cls="t-slider",
        data_slider=True,
        aria_label="Score threshold",
    )
    value = h.span(f"{start / STEPS:.2f}", cls="t-mono", data_value=True)
    at = f"{start / STEPS:.2f}"
    keep = [
        h.button("Keep as operating point", "point", data_name=name, data_at=at),
        h.button("Keep each class's best", "point", data_name=name, data_at=at, data_of="classes"),
    ]
    own = (found.get("operating_point") or {}).get("classes") or {}
    apart = f", {w.plural(len(own), 'class', 'classes')} apart" if own else ""
    told = h.span(f"kept: {kept:.2f}{apart}" if kept is not None else "", cls="t-note")
    if kept is not None:
        keep.append(h.button("Forget", "forget", data_name=name))
    head = h.div(h.span("Score from which predictions count"), slider, value, keep, told, cls="t-row t-threshold-head")
    columns = ["Class", "Objects", "Predicted", "Right", "False", "Missed", "Precision", "Recall", "F1"]
    rows = [_counted(row, start) for row in counts]
    table = h.table(columns, rows, range(1, 9))
    data = json.dumps({"counts": counts, "steps": STEPS, "drawn": next(DRAWN)}, separators=(",", ":"))
    return h.div(
        h.head("At a threshold"), _curves(counts, start), head, table, cls="t-stack t-threshold", data_counts=data
    )


def _counted(row: dict, step: int) -> list:
    gt, tp, pred = row["gt"], row["tp"][step], row["pred"][step]
    shares = (tp / pred if pred else None, tp / gt if gt else None, 2 * tp / (gt + pred) if gt + pred else None)
    return [
        row["class"],
        w.count(gt),
        w.count(pred),
        w.count(tp),
        w.count(pred - tp),
        w.count(gt - tp),
        *map(w.percent, shares),
    ]


def _curves(counts: list[dict], start: int) -> h.Html:
    shown = counts[: CURVES + 1]
    precision = {row["class"]: _precision(row) for row in shown}
    f1 = {row["class"]: [(step / STEPS, _f1(row, step)) for step in range(STEPS + 1)] for row in shown}
    marked = charts.line_chart("F1 over the score", f1, 0.0, 1.0, marked=start / STEPS)
    return h.div(charts.line_chart("Precision over recall", precision, 0.0, 1.0), marked, cls="t-charts")


def _precision(row: dict) -> list[tuple[float, float]]:
    points = {
        row["tp"][s] / row["gt"]: row["tp"][s] / row["pred"][s]
        for s in range(STEPS + 1)
        if row["gt"] and row["pred"][s]
    }
    first = max(points, default=0.0) and points[min(points)]
    return sorted((points | {0.0: first}).items())


def _f1(row: dict, step: int) -> float:
    return 2 * row["tp"][step] / ((row["gt"] + row["pred"][step]) or 1)


def _classes(found: dict) -> h.Html:
    def cells(row: dict) -> list:
        bar = h.div(h.bar(row["AP"] or 0.0, "ok" if (row["AP"] or 0) >= 0.5 else "warn"), cls="t-row")
        best = "–" if row["best_f1"] is None else f"{w.percent(row['best_f1'])} at {row['best_f1_score_thr']:.2f}"
        return [row["class"], bar, w.percent(row["AP"]), w.percent(row["AP50"]), best]

    return h.div(
        h.head("Classes"), h.table(["Class", "", "AP", "AP50", "Best F1"], map(cells, found["per_class"]), (2, 3, 4))
    )


def _sizes(found: dict) -> h.Html:
    rows = [
        [
            h.span(name, title=SIZES.get(name, "")),
            w.count(row["gt"]),
            *(w.percent(row[key]) for key in ("precision", "recall", "f1")),
        ]
        for name, row in found["by_size"].items()
    ]
    return h.div(h.head("Sizes"), h.table(["Size", "Objects", "Precision", "Recall", "F1"], rows, (1, 2, 3, 4)))


def _confusion(found: dict) -> h.Html:
    matrix = found["confusion"]
    return h.div(
        h.head("Confusions", f"at score {found['score_thr']:g}"), charts.confusion(matrix["classes"], matrix["rows"])
    )


def _report(name: str, overlays: list[str]) -> h.Html:
    told = f"{w.plural(len(overlays), 'picture')} of the worst images in eval/overlays of this run; Download has them."
    drawn = h.span(told, cls="t-note") if overlays else None
    ways = (("Report as a page", "html"), ("Numbers as JSON", "json"))
    buttons = [h.button(label, "report", data_name=name, data_format=format) for label, format in ways]
    return h.div(buttons, drawn, cls="t-row")
