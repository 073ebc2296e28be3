"""A dataset's charts as inline SVG; every bar finds its images.

They show classes, box sizes, aspect ratios, boxes an image, and where boxes lie.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from tabs._parts import html as h
from tabs._parts import words as w
from tabs._parts.gallery import find

WIDTH, HEIGHT, BOTTOM, TOP = 340, 88, 18, 14  # of a histogram, in its own units
CLASSES = 60  # bars of classes; more stand in Classes
SHADES = 8  # of the heat map
MOST_TEXT = 6  # letters below a bar


def classes(rows: Sequence[dict]) -> h.Html:
    """Draw a bar a class, the fullest first."""
    ordered = sorted(rows, key=lambda row: -row["annotations"])
    most = max((row["annotations"] for row in ordered), default=0) or 1
    bars = [_class(row, row["annotations"] / most) for row in ordered[:CLASSES]]
    more = (
        h.div(
            f"and {w.plural(len(ordered) - CLASSES, 'class', 'classes')} with fewer boxes, listed in Classes",
            cls="t-note",
        )
        if len(ordered) > CLASSES
        else None
    )
    body = h.div(bars, more, cls="t-classbars") if bars else h.div("No classes yet.", cls="t-note")
    return h.div(h.head("Classes", h.span("boxes · images", cls="t-note")), body, cls="t-chart")


def _class(row: dict, share: float) -> h.Html:
    bar = h.div(h.el("i", style=f"width:{100 * share:.1f}%;background:{row['color']}"), cls="t-bar")
    images = find(w.count(row["images"]), f"Images with {row['name']}", class_ids=[row["class_id"]])
    return h.div(
        h.span(row["name"], cls="t-clip", title=row["name"]),
        bar,
        h.span(w.count(row["annotations"]), cls="num"),
        h.span(images, cls="num"),
        cls="t-classbar",
    )


def histogram(
    title: str, data: dict, key: str, unit: str, name: Callable[[float], str] = lambda edge: f"{edge:g}"
) -> h.Html:
    """Draw counts between edges, without the empty ends.

    Args:
        title: heading.
        data: {"edges", "counts"}, the last edge open to above.
        key: argument of images_find that takes [edge, next edge].
        unit: what is counted along the axis, for titles.
        name: how an edge is written.
    """
    edges, counts = data["edges"], data["counts"]
    filled = [i for i, count in enumerate(counts) if count]
    if not filled:
        return h.div(h.head(title), h.div("Nothing to count yet.", cls="t-note"), cls="t-chart")
    shown = range(filled[0], filled[-1] + 1)
    step = WIDTH / max(len(shown), 5)
    left = (WIDTH - step * len(shown)) / 2
    top = max(counts)
    bars = []
    for at, i in enumerate(shown):
        ends = [edges[i], *edges[i + 1 : i + 2]]
        told = (
            f"{title}: {name(ends[0])} to {name(ends[1])} {unit}"
            if len(ends) == 2
            else f"{title}: {name(ends[0])} {unit} or more"
        )
        bars.append(_bar(left + at * step, step, counts[i] / top, counts[i], name(ends[0]), told, {key: ends}))
    base = h.el("line", x1=0, x2=WIDTH, y1=HEIGHT - BOTTOM, y2=HEIGHT - BOTTOM, cls="grid")
    svg = h.el("svg", base, bars, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="group", aria_label=title)
    return h.div(h.head(title, h.span(unit, cls="t-note")), svg, cls="t-chart")


def _bar(x: float, step: float, share: float, count: int, below: str, told: str, wanted: dict) -> h.Html:
    tall = max(share * (HEIGHT - BOTTOM - TOP), 1.5 if count else 0)
    y = HEIGHT - BOTTOM - tall
    label = h.el("text", below[:MOST_TEXT], x=f"{x + step / 2:.1f}", y=HEIGHT - 5, text_anchor="middle")
    if not count:
        return label
    number = h.el("text", _short(count), x=f"{x + step / 2:.1f}", y=f"{y - 3:.1f}", text_anchor="middle", cls="count")
    room = h.el("rect", x=f"{x:.1f}", y=0, width=f"{step:.1f}", height=HEIGHT - BOTTOM, fill="transparent")
    box = h.el("rect", x=f"{x + 1.5:.1f}", y=f"{y:.1f}", width=f"{step - 3:.1f}", height=f"{tall:.1f}", rx=2, cls="bar")
    return h.join([find(h.join([h.el("title", f"{told}: {count:,}"), room, box, number]), told, "g", **wanted), label])


def _short(count: int) -> str:
    return f"{count}" if count < 10_000 else f"{count / 1000:.0f}k"


def ratio(edge: float) -> str:
    """Write an aspect ratio as people say it: 1:4 is a quarter as wide as high."""
    return "0" if not edge else f"{edge:g}:1" if edge >= 1 else f"1:{1 / edge:.2g}"


def heatmap(rows: Sequence[Sequence[float]]) -> h.Html:
    """Draw where box centres lie, darker where there are more.

    A click finds the images of a cell and its neighbours.

    Args:
        rows: of cells from the top, each a share of the fullest cell.
    """
    n = len(rows)
    shades: dict[int, list[str]] = {}
    for y, row in enumerate(rows):
        for x, share in enumerate(row):
            if share:
                shades.setdefault(max(1, math.ceil(share * SHADES)), []).append(f"M{x} {y}h1v1h-1z")
    paths = [
        h.el("path", d="".join(cells), cls="heat", fill_opacity=f"{0.12 + 0.88 * shade / SHADES:.2f}")
        for shade, cells in sorted(shades.items())
    ]
    cross = h.el("path", d=f"M{n / 2} 0V{n}M0 {n / 2}H{n}", cls="cross")
    svg = h.el(
        "svg",
        h.el("rect", width=n, height=n, cls="ground"),
        paths,
        cross,
        viewBox=f"0 0 {n} {n}",
        cls="t-heat",
        role="img",
        preserveAspectRatio="none",
        data_act="cell",
        data_place=True,
        aria_label="Heat map of box centres",
    )
    return h.div(h.head("Box centres", h.span("click for the images", cls="t-note")), svg, cls="t-chart")


def cell(across: float, down: float, around: float = 1 / 32) -> list[float]:
    """Return the area around a click on the heat map: x1, y1, x2, y2.

    They are shares of the image, and span the cell and half a cell on every side.
    """
    x, y = (min(max(at, 0.0), 0.9999) for at in (across, down))
    return [
        max(math.floor(x * 32) / 32 - around / 2, 0.0),
        max(math.floor(y * 32) / 32 - around / 2, 0.0),
        min(math.floor(x * 32) / 32 + around * 1.5, 1.0),
        min(math.floor(y * 32) / 32 + around * 1.5, 1.0),
    ]
