"""The images behind a number: a link that asks for them, and pages of thumbnails.

A thumbnail opens its image in Label.
"""

from __future__ import annotations

import json
from typing import Any

from tabs._parts import html as h
from tabs._parts import words as w
from tabs._parts.shell import Shell
from tator.types import BadInput

PAGE = 48
CLOSED: dict = {}  # a gallery that shows nothing


def find(label: Any, told: str, tag: str = "button", **wanted: Any) -> h.Html:
    """Return a number or bar that shows its images when picked.

    Args:
        label: what is drawn.
        told: what the images have in common, as the gallery's title.
        tag: button in text; g in a drawing.
        wanted: arguments of images_find.
    """
    facts = {"data_act": "find", "data_find": json.dumps(wanted), "data_told": told}
    return (
        h.el(tag, label, type="button", cls="t-find", **facts)
        if tag == "button"
        else h.el(tag, label, tabindex=0, role="button", **facts)
    )


def asked(shown: dict, told: dict) -> dict:
    """Return what the gallery shows after a pick.

    That is other images, another page, or nothing.

    Args:
        shown: what it shows now.
        told: data attributes of what was picked.

    Raises:
        BadInput: the page sent no search.
    """
    act = told.get("act")
    if act == "find":
        return {"wanted": _wanted(str(told.get("find", ""))), "told": str(told.get("told", "")), "page": 1}
    if act == "turn" and shown:
        return shown | {"page": int(told["page"])}
    return CLOSED if act == "close" else shown


def _wanted(text: str) -> dict:
    try:
        wanted = json.loads(text)
    except ValueError as error:
        raise BadInput(f"the page asked for images with {text[:80]!r}, which is not JSON") from error
    if not isinstance(wanted, dict):
        raise BadInput(f"the page asked for images with {text[:80]!r}, which is not a search")
    return wanted


def draw(shell: Shell, dataset: str, shown: dict) -> h.Html:
    """Draw a page of the images asked for."""
    wanted = {key: value for key, value in shown["wanted"].items() if key not in ("dataset", "offset", "limit")}
    found = shell.call("images_find", dataset=dataset, offset=(shown["page"] - 1) * PAGE, limit=PAGE, **wanted)
    back = h.button("Back to the numbers", "close")
    cards = h.div([card(dataset, row) for row in found["images"]], cls="t-cards")
    return h.div(
        h.head(shown["told"], w.plural(found["total"], "image"), pager(found["total"], shown["page"], PAGE), back),
        cards if found["images"] else h.empty("No images", "No image of this dataset matches any more."),
    )


def card(dataset: str, row: dict) -> h.Html:
    """Draw one image as a card that opens it in Label."""
    boxes = w.plural(row["annotation_count"], "box", "boxes")
    picture = thumb(row["id"]) if not row["problem"] else h.span("unreadable", cls="t-noimage")
    name = row["name"].rpartition("/")[2]
    return h.el(
        "button",
        picture,
        h.span(name, cls="t-clip"),
        h.span(boxes, cls="t-note"),
        type="button",
        cls="t-imgcard",
        title=row["name"],
        data_open_image=row["id"],
        data_dataset=dataset,
        disabled=bool(row["problem"]),
    )


def thumb(image_id: int) -> h.Html:
    """Draw an image's thumbnail, fetched when it comes into sight."""
    return h.el("img", src=f"thumb/{int(image_id)}", loading="lazy", decoding="async", alt="")


def opener(dataset: str, image_id: int, name: str) -> h.Html:
    """Draw an image's name as a link that opens it in Label."""
    return h.el(
        "button",
        name,
        type="button",
        cls="t-find t-mono",
        data_open_image=image_id,
        data_dataset=dataset,
        title=f"Open {name} in Label",
    )


def pager(total: int, page: int, size: int, act: str = "turn", **facts: Any) -> h.Html | None:
    """Draw the buttons that turn pages; None where all stands on one.

    Args:
        total: rows of all pages.
        page: from 1.
        size: rows a page.
        act: what the buttons send, with the page to turn to in data-page.
        facts: further data attributes of the buttons.
    """
    last = max(1, -(-total // size))
    if last == 1:
        return None
    return h.div(
        h.button("Back", act, data_page=page - 1, disabled=page <= 1, **facts),
        h.span(f"{page:,} of {last:,}", cls="t-note"),
        h.button("Next", act, data_page=page + 1, disabled=page >= last, **facts),
        cls="t-row t-nowrap",
    )
