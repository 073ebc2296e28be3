"""Pieces of HTML for the tabs.

Every text that is not already Html is escaped here, and only here.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from typing import Any

import gradio as gr

VOID = ("input", "br", "img")
PANEL = "t-panel-html"  # class of what `panel` makes
EVENTS = "/* events: 'pick' 'begin' */ window.tator.listen(element, trigger);"  # assets/window/panel.js; Gradio reads the names


class Html(str):
    """Markup that is safe to show as it is."""


def el(name: str, *children: Any, **attributes: Any) -> Html:
    """Return one element; children that are not Html are escaped.

    Args:
        name: tag name.
        children: Html, text, numbers, None (nothing) or lists of these.
        attributes: `cls` is class, `_` becomes `-`, True is a bare attribute, None and False are left out.
    """
    given = "".join(_attribute(key, value) for key, value in attributes.items())
    return Html(f"<{name}{given}>") if name in VOID else Html(f"<{name}{given}>{join(children)}</{name}>")


def _attribute(key: str, value: Any) -> str:
    if value is None or value is False:
        return ""
    label = "class" if key == "cls" else key.strip("_").replace("_", "-")
    return f" {label}" if value is True else f' {label}="{html.escape(str(value), quote=True)}"'


def join(children: Iterable[Any]) -> Html:
    """Return the children one after the other, escaped where they are not Html."""
    parts: list[str] = []
    for child in children:
        if child is None:
            continue
        if isinstance(child, (list, tuple)):
            parts.append(join(child))
        else:
            parts.append(child if isinstance(child, Html) else html.escape(str(child), quote=True))
    return Html("".join(parts))


def div(*children: Any, **attributes: Any) -> Html:
    """Return a div."""
    return el("div", *children, **attributes)


def span(*children: Any, **attributes: Any) -> Html:
    """Return a span."""
    return el("span", *children, **attributes)


def chip(label: Any, tone: str = "", **attributes: Any) -> Html:
    """Return a small rounded label; tone is "", ok, warn, bad or accent."""
    return span(label, cls=f"t-chip {tone}".strip(), **attributes)


def button(label: Any, act: str = "", tone: str = "", **attributes: Any) -> Html:
    """Return a button that sends `act` and its data attributes to `pick`."""
    return el("button", label, type="button", cls=f"t-btn {tone}".strip(), data_act=act or None, **attributes)


def field(value: Any, act: str = "", tone: str = "", **attributes: Any) -> Html:
    """Return a line of text to write in; what it holds goes with `act` to `pick`."""
    return el("input", cls=f"t-field {tone}".strip(), value=value, data_act=act or None, **attributes)


def link(label: Any, href: str, **attributes: Any) -> Html:
    """Return a link that looks like a button."""
    return el("a", label, href=href, cls="t-btn", **attributes)


def head(title: Any, *extra: Any) -> Html:
    """Return a section heading with what belongs at its right end."""
    return div(el("h3", title), div(*extra, cls="t-head-extra"), cls="t-head")


def empty(title: str, text: str, *actions: Html) -> Html:
    """Return an empty state: what is missing, what to do first, and its buttons."""
    return div(
        div(title, cls="t-empty-title"), div(text, cls="t-empty-text"), div(*actions, cls="t-row"), cls="t-empty"
    )


def question(ask: str, told: object, *answers: object, note: object = None) -> Html:
    """Return a question with what a yes would mean and a row of answers.

    The last answer leaves everything as it is.
    """
    return div(
        div(el("b", ask), " ", told),
        note and div(note, cls="t-note"),
        div(*answers, cls="t-row t-nowrap"),
        cls="t-box t-stack t-question",
    )


def bar(share: float, tone: str = "") -> Html:
    """Return a thin bar filled to `share`, in [0, 1]."""
    filled = 100 * min(max(share, 0.0), 1.0) if math.isfinite(share) else 0.0
    return div(el("i", style=f"width:{filled:.1f}%"), cls=f"t-bar {tone}".strip())


def table(columns: Sequence[Any], rows: Iterable[Sequence[Any]], numeric: Sequence[int] = (), cls: str = "") -> Html:
    """Return a table; `numeric` are the columns set right in tabular figures."""

    def cells(tag: str, row: Sequence[Any]) -> Html:
        return join(el(tag, cell, cls="num" if i in numeric else None) for i, cell in enumerate(row))

    body = join(row if isinstance(row, Html) else el("tr", cells("td", row)) for row in rows)
    return div(
        el("table", el("thead", el("tr", cells("th", columns))), el("tbody", body)), cls=f"t-table {cls}".strip()
    )


def row(cells: Sequence[Any], numeric: Sequence[int] = (), **attributes: Any) -> Html:
    """Return one table row with attributes of its own, for rows that can be picked."""
    return el("tr", [el("td", cell, cls="num" if i in numeric else None) for i, cell in enumerate(cells)], **attributes)


def facts(pairs: Iterable[tuple[Any, Any]]) -> Html:
    """Return label and value pairs as a definition grid."""
    return el("dl", [[el("dt", label), el("dd", value)] for label, value in pairs], cls="t-facts")


def stats(pairs: Iterable[tuple[Any, Any, Any]]) -> Html:
    """Return big numbers side by side, each with a label above and a note below."""
    return div(
        [
            div(
                div(label, cls="t-stat-label"),
                div(value, cls="t-stat-value"),
                div(note, cls="t-stat-note"),
                cls="t-stat",
            )
            for label, value, note in pairs
        ],
        cls="t-stats",
    )


def goto(label: Any, tab: str, tone: str = "", **attributes: Any) -> Html:
    """Return a button that shows another tab, without a call to the server."""
    return button(label, tone=tone, data_goto=tab, **attributes)


def panel(value: str = "", elem_id: str = "", **kwargs: Any) -> gr.HTML:
    """Return a gr.HTML whose `data-act` elements fire `panel.pick(fn)`.

    The listener finds their data attributes in `evt._data`.

    What a field holds comes as "value", when it has changed, or with the button whose `data-field` selects it. An element with
    `data-begins` fires `panel.begin(fn)` in its place, for listeners that start a job.
    """
    classes = [PANEL, *kwargs.pop("elem_classes", [])]
    return gr.HTML(
        value=value,
        elem_id=elem_id or None,
        elem_classes=classes,
        js_on_load=EVENTS,
        apply_default_css=False,
        container=False,
        padding=False,
        **kwargs,
    )
