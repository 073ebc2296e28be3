"""Curves while a head trains, and its measured result."""

from __future__ import annotations

from collections.abc import Sequence

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


def result(run: dict) -> h.Html:
    """Draw how a head did on images it never saw.

    Accuracy beside the majority baseline, the figures of each class, and the confusion matrix.
    """
    metrics = run["report"].get("metrics")
    if not metrics:
        return h.div("It came without a report, so nothing is known of how well it does.", cls="t-note")
    return h.div(
        _numbers(metrics),
        _left_out(metrics),
        h.div(_per_class(metrics["per_class"]), _confused(metrics), cls="t-two"),
        charted(metrics.get("history", [])),
        h.div(_how(metrics), cls="t-note"),
        _advice(metrics),
        cls="t-stack",
    )


def _left_out(metrics: dict) -> h.Html | None:
    dropped = metrics.get("dropped_classes")
    if not dropped:
        return None
    chips = [h.chip(f"{name}: {w.plural(n, 'box', 'boxes')}", "warn") for name, n in dropped.items()]
    return h.div(h.span("Left out, too few boxes to learn from:", cls="t-note"), chips, cls="t-row")


def _advice(metrics: dict) -> h.Html | None:
    told = metrics.get("split_advice")
    way = h.goto("Split by group", "datasets")
    return h.div(h.chip("split of a sequence", "warn"), told, way, cls="t-box t-row") if told else None


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
