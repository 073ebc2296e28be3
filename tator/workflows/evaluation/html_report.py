"""The report of an evaluation as one page that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2430}"
    "table{border-collapse:collapse;margin:1rem 0}td,th{padding:.25rem .6rem;text-align:right;border-bottom:1px solid #d8dee6}"
    "td:first-child,th:first-child{text-align:left}.note{background:#fff4d6;padding:.6rem 1rem;border-left:4px solid #d89b00}"
    "svg{background:#f7f9fb}"
)
HEADLINE = (
    ("bbox_AP", "AP (0.50 to 0.95)"),
    ("bbox_AP50", "AP50"),
    ("bbox_AP75", "AP75"),
    ("segm_AP", "AP of masks"),
    ("best_f1", "Best F1"),
    ("best_f1_score_thr", "at score"),
    ("coverage", "Recall"),
    ("fp_per_image", "False positives an image"),
    ("dup_rate", "Share of duplicates"),
)
COLUMNS = ("gt", "pred", "tp", "fp", "fn", "precision", "recall", "f1", "AP", "AP50")
SIDE = 320  # of the curve, in pixels
UNDEFINED = "–"


def report_page(facts: Mapping[str, Any], curves: Mapping[str, Any]) -> str:
    """Return the page.

    Args:
        facts: of metrics.json and report.json together.
        curves: from operating_point.curves.
    """
    title = f"Evaluation {facts.get('name', '')}"
    metrics = facts["metrics"]
    parts = [f"<h1>{escape(title)}</h1>", _about(facts), *_notes(facts)]
    parts.append(_table(["", "value"], [[words, metrics[key]] for key, words in HEADLINE if key in metrics]))
    parts += ["<h2>Precision over recall</h2>", _curve(curves)]
    rows = [[row["class"], *(row.get(key) for key in COLUMNS)] for row in facts["per_class"]]
    parts += ["<h2>Classes</h2>", _table(["class", *COLUMNS], rows)]
    sizes = [[name, *(row[key] for key in COLUMNS if key in row)] for name, row in facts["by_size"].items()]
    shown = [key for key in COLUMNS if key in next(iter(facts["by_size"].values()))]
    parts += ["<h2>Sizes</h2>", _table(["size", *shown], sizes)]
    names = facts["confusion"]["classes"]
    crossed = [[name, *row] for name, row in zip(names, facts["confusion"]["rows"], strict=True)]
    parts += ["<h2>Confusion: true classes down, predicted ones across</h2>", _table(["", *names], crossed)]
    body = "\n".join(parts)
    return f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style>{body}</html>\n'


def _about(facts: Mapping[str, Any]) -> str:
    told = [
        ("Dataset", "dataset"),
        ("Snapshot", "snapshot"),
        ("Split", "split"),
        ("Predictor", "predictor"),
        ("Source", "source"),
    ]
    words = [f"{name}: {escape(str(facts[key]))}" for name, key in told if facts.get(key)]
    counts = [f"{facts['images']} images", f"{facts['gt']} objects", f"{facts['pred']} predictions"]
    return f"<p>{' · '.join([*words, *counts])}</p>"


def _notes(facts: Mapping[str, Any]) -> Iterable[str]:
    if facts.get("ap_is_rankless"):
        yield '<p class="note">All scores are the same, so they rank nothing: do not compare this AP with another.</p>'
    honesty = facts.get("split_honesty") or {}
    if honesty.get("images"):
        without = honesty.get("without") or {}
        yield (
            f'<p class="note">{honesty["images"]} of {honesty["checked"]} images ({honesty["share"]:.1%}) stand nearly the '
            f"same in another split. AP without them: {_shown(without.get('bbox_AP'))}, "
            f"AP50: {_shown(without.get('bbox_AP50'))}. {escape(honesty.get('advice', ''))}</p>"
        )


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    top = "".join(f"<th>{escape(str(each))}</th>" for each in head)
    lines = ("<tr>" + "".join(f"<td>{escape(_shown(each))}</td>" for each in row) + "</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{''.join(lines)}</table>"


def _shown(value: Any) -> str:
    if value is None:
        return UNDEFINED
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _curve(curves: Mapping[str, Any]) -> str:
    """Return precision over recall of all classes together, as a drawing."""
    every = curves["all"]
    points = [
        f"{tp / every['gt'] * SIDE:.1f},{(1 - tp / pred) * SIDE:.1f}"
        for tp, pred in zip(every["tp"], every["pred"], strict=True)
        if every["gt"] and pred
    ]
    line = f'<polyline fill="none" stroke="#1f6feb" stroke-width="2" points="{" ".join(points)}"/>'
    return f'<svg width="{SIDE}" height="{SIDE}" role="img" aria-label="precision over recall">{line}</svg>'
