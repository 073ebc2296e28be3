"""Curves while a head trains, its measured result, and the list of heads."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from tabs._parts import charts
from tabs._parts import html as h
from tabs._parts import words as w

CURVES = {"Loss": ("train_loss", "val_loss"), "Accuracy": ("train_accuracy", "val_accuracy")}
SIDES = ("train", "held out")
LOW, FAIR = 0.7, 0.9  # where a class score turns from bad to warn and from warn to ok


def curves(events: Sequence[dict]) -> h.Html:
    """Draw loss and accuracy over the steps that a job's events report.

    Nothing where they report none.
    """
    return charted([{"step": event["done"], **event["metrics"]} for event in events if event.get("metrics")])


def charted(history: Sequence[dict]) -> h.Html:
    """Draw loss and accuracy over a history's steps; nothing where it has none."""
    told = [point for point in history if any(name in point for names in CURVES.values() for name in names)]
    if not told:
        return h.Html("")
    drawn = []
    for title, names in CURVES.items():
        series = {side: _points(told, name) for side, name in zip(SIDES, names)}
        drawn.append(charts.line_chart(title, series, *((0.0, 1.0) if title == "Accuracy" else (0.0,))))
    return h.div(drawn, cls="t-charts")


def _points(told: Sequence[dict], name: str) -> list[tuple[float, float]]:
    return [(point["step"], point[name]) for point in told if point.get(name) is not None]


def result(head: dict) -> h.Html:
    """Draw how a head did on images it never saw.

    Accuracy beside the majority baseline, the figures of each class, and the confusion matrix.
    """
    metrics = head["metrics"]
    heading = h.head(
        f"Head {head['name']}", f"trained on {head['dataset']}", h.chip("active", "ok") if head.get("active") else None
    )
    return h.div(
        h.div(heading, _numbers(metrics)),
        _left_out(metrics),
        h.div(_per_class(metrics["per_class"]), _confused(metrics), cls="t-two"),
        charted(metrics.get("history", [])),
        h.div(_how(metrics), cls="t-note"),
        cls="t-stack",
    )


def _left_out(metrics: dict) -> h.Html | None:
    dropped = metrics.get("dropped_classes")
    if not dropped:
        return None
    chips = [h.chip(f"{name}: {w.plural(n, 'box', 'boxes')}", "warn") for name, n in dropped.items()]
    return h.div(h.span("Left out, too few boxes to learn from:", cls="t-note"), chips, cls="t-row")


def _how(metrics: dict) -> str:
    ended = "converged" if metrics["is_converged"] else "stopped before it converged"
    return f"Measured on {metrics['split']}. C = {metrics['c']:g}, {metrics['iterations']:,} iterations, {ended}, {w.duration(metrics['seconds'])}."


def _numbers(metrics: dict) -> h.Html:
    gain = metrics["accuracy"] - metrics["majority_accuracy"]
    return h.stats(
        [
            (
                "Accuracy",
                w.percent(metrics["accuracy"]),
                f"on {metrics['test_crops']:,} held-out boxes of {metrics['test_images']:,} images",
            ),
            (
                "Majority baseline",
                w.percent(metrics["majority_accuracy"]),
                f"always guessing one class; the head gains {100 * gain:+.1f} points",
            ),
            ("Macro F1", w.percent(metrics["macro_f1"]), "mean over classes, small ones count alike"),
            ("Trained on", w.count(metrics["train_crops"]), f"boxes of {metrics['train_images']:,} images"),
        ]
    )


def _per_class(rows: Sequence[dict]) -> h.Html:
    def cells(row: dict) -> list:
        return [
            row["name"],
            *(h.span(w.percent(row[key]), cls=_tone(row[key])) for key in ("precision", "recall", "f1")),
            w.count(row["support"]),
        ]

    return h.div(
        h.head("Classes"),
        h.table(["Class", "Precision", "Recall", "F1", "Boxes"], [cells(row) for row in rows], (1, 2, 3, 4)),
    )


def _tone(share: float) -> str:
    return "t-bad" if share < LOW else "t-warn" if share < FAIR else "t-ok"


def _confused(metrics: dict) -> h.Html:
    return h.div(
        h.head("Confusions"), charts.confusion([row["name"] for row in metrics["per_class"]], metrics["confusion"])
    )


def listing(rows: Sequence[dict], chosen: str) -> h.Html:
    """Draw the trained heads; a click shows one, the active one is marked."""
    if not rows:
        return h.Html("")
    return h.div(
        h.head("Heads", w.plural(len(rows), "head")),
        h.table(
            ["Head", "Dataset", "Encoder", "Classes", "Accuracy", "Baseline", "Made", ""],
            [_row(row, chosen) for row in rows],
            (3, 4, 5, 6),
        ),
    )


def _row(row: dict, chosen: str) -> h.Html:
    name = row["name"]
    broken = h.chip("damaged", "bad", title=row["problem"]) if row.get("problem") else None
    active = (
        broken or h.chip("active", "ok")
        if broken or row.get("active")
        else h.button("Activate", "activate", data_name=name)
    )
    accuracy, baseline, made = row.get("accuracy"), row.get("majority_accuracy"), w.when(row.get("created_at"))
    tools = h.div(active, h.link("Download", f"head/{quote(name)}", download=True), cls="t-row t-nowrap t-end")
    cells = [
        h.el("b", name),
        row.get("dataset", ""),
        row.get("encoder", ""),
        w.count(row["class_count"]),
        w.percent(accuracy),
        w.percent(baseline),
        made,
        tools,
    ]
    return h.row(cells, (3, 4, 5, 6), data_act="show", data_name=name, tabindex=0, cls="on" if name == chosen else None)


def before(facts: dict | None) -> h.Html:
    """Draw the empty state: what to do before a head can be trained."""
    if facts is None:
        return h.empty(
            "No dataset is open",
            "A head learns from boxes that you have drawn. Import a dataset first.",
            h.goto("Import a dataset", "datasets", "primary"),
        )
    if not facts["annotations"]:
        return h.empty(
            "No boxes yet",
            f"{facts['name']} has no boxes. Draw a few of every class, then train here.",
            h.goto("Open in Label", "label", "primary"),
        )
    return h.empty(
        "No head yet",
        f"{facts['name']} has {facts['annotations']:,} boxes of {facts['class_count']:,} classes. "
        "Training takes seconds to minutes and keeps whole images aside to measure itself.",
        h.button("Train a head", tone="primary", data_press="#train-start"),
    )
