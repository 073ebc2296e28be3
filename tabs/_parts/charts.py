"""Small charts as inline SVG, coloured by the tokens.

They are light enough to redraw on every tick of a job.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from tabs._parts import html as h

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 420, 168, 38, 20, 8  # of the drawing, in its own units
COLORS = ("var(--t-accent)", "var(--t-warn)", "var(--t-ok)", "var(--t-bad)")
Points = Sequence[tuple[float, float]]


def line_chart(
    title: str,
    series: Mapping[str, Points],
    low: float | None = None,
    high: float | None = None,
    marked: float | None = None,
) -> h.Html:
    """Draw lines over a shared x axis.

    Args:
        title: what the y axis shows.
        series: (x, y) points in x order, by the name in the legend.
        low: bottom of the y axis; the smallest y where not given.
        high: top of the y axis; the largest y where not given.
        marked: share of the x axis, from 0 to 1, at which a line stands that a script may move; None for no line.
    """
    drawn = {name: [(x, y) for x, y in points if math.isfinite(y)] for name, points in series.items()}
    points = [point for line in drawn.values() for point in line]
    legend = [h.span(h.el("i", style=f"background:{color}"), name) for name, color in zip(drawn, COLORS)]
    heading = h.div(h.el("b", title), h.div(legend, cls="t-legend t-head-extra"), cls="t-head")
    return h.div(heading, _plot(drawn, points, low, high, marked), cls="t-chart")


def _plot(
    drawn: Mapping[str, Points], points: Points, low: float | None, high: float | None, marked: float | None
) -> h.Html:
    xs, ys = [x for x, _ in points] or [0.0, 1.0], [y for _, y in points] or [0.0, 1.0]
    x0, x1 = min(xs), max(xs)
    y0, y1 = min(ys) if low is None else low, max(ys) if high is None else high
    spread = (y1 - y0) or 1.0

    def place(x: float, y: float) -> tuple[float, float]:
        across = (x - x0) / ((x1 - x0) or 1.0)
        return LEFT + across * (WIDTH - LEFT - 6), TOP + (1 - (y - y0) / spread) * (HEIGHT - TOP - BOTTOM)

    grid = [_level(place(x0, y0 + spread * part)[1], y0 + spread * part) for part in (0.0, 0.5, 1.0)]
    ends = (
        [_text(LEFT, HEIGHT - 5, f"{x0:g}", "start"), _text(WIDTH - 6, HEIGHT - 5, f"{x1:g}", "end")]
        if points
        else [_text((LEFT + WIDTH) / 2, HEIGHT / 2, "no steps yet", "middle")]
    )
    lines = [_line([place(x, y) for x, y in line], color) for line, color in zip(drawn.values(), COLORS) if line]
    return h.el(
        "svg", grid, ends, lines, None if marked is None else _mark(marked), viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img"
    )


def _mark(share: float) -> h.Html:
    """Return the line that a script moves along the x axis, by its data."""
    span = WIDTH - LEFT - 6
    x = f"{LEFT + share * span:.1f}"
    ends = {"x1": x, "x2": x, "y1": TOP, "y2": HEIGHT - BOTTOM}
    return h.el("line", cls="mark", data_mark=True, data_left=LEFT, data_span=span, **ends)


def _level(y: float, value: float) -> h.Html:
    rule = h.el("line", x1=LEFT, x2=WIDTH - 6, y1=f"{y:.1f}", y2=f"{y:.1f}", cls="grid")
    return h.join([rule, _text(LEFT - 6, y + 3.5, f"{value:.2g}", "end")])


def _text(x: float, y: float, text: str, anchor: str) -> h.Html:
    return h.el("text", text, x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor)


def _line(points: Points, color: str) -> h.Html:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    end = h.el("circle", cx=f"{points[-1][0]:.1f}", cy=f"{points[-1][1]:.1f}", r=3, fill=color)
    return h.join(
        [h.el("polyline", points=path, fill="none", stroke=color, stroke_width=1.8, stroke_linejoin="round"), end]
    )


def confusion(names: Sequence[str], matrix: Sequence[Sequence[int]]) -> h.Html:
    """Draw a confusion matrix: rows are the truth, columns the predictions.

    Each cell is shaded by its share of the row.
    """
    rows = []
    for i, (name, counts) in enumerate(zip(names, matrix)):
        total = sum(counts) or 1
        cells = [
            _cell(count, count / total, i == j, f"{name} predicted as {names[j]}: {count} of {sum(counts)}")
            for j, count in enumerate(counts)
        ]
        rows.append(h.el("tr", h.el("th", name), cells))
    corner = h.el("th", "truth ↓ · predicted →")
    head = h.el("thead", h.el("tr", corner, [h.el("th", name) for name in names]))
    return h.div(h.el("table", head, h.el("tbody", rows)), cls="t-table t-confusion")


def _cell(count: int, share: float, right: bool, told: str) -> h.Html:
    tone = "--t-ok" if right else "--t-bad"
    shade = f"background:color-mix(in srgb, var({tone}) {round(60 * share)}%, transparent)" if count else None
    return h.el("td", f"{count:,}" if count else "·", style=shade, title=told)
