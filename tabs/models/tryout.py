"""Try a model on an image: click, drag a box or write a phrase.

The panel shows what the model answers and how long it takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from tabs._parts import html as h
from tabs._parts import words as w
from tabs._parts.shell import AT_ONCE, Choice, Shell
from tabs._parts.theme import asset_url
from tator.types import BadInput

MOUNT = (
    h.EVENTS
    + """
const root = new URL((window.gradio_config?.root || document.baseURI).replace(/\\/*$/, "/"), document.baseURI);
import(new URL('%s', root).href).then((tryout) => tryout.mount(element, (facts) => trigger('pick', facts)));
"""
)
SHOWN = 60  # candidates drawn
HOW = {
    "segment": "Click an object, or drag a loose box around it.",
    "find": "Write what to find, or drag a box around an example.",
}


@dataclass(frozen=True)
class Trial:
    """What was asked last.

    Attributes:
        at: position of the image in its dataset, from 0.
        point: x, y in pixels, empty for none.
        box: xyxy in pixels, empty for none.
        answer: of segment or find, None before it is asked.
    """

    at: int = 0
    point: tuple[float, ...] = ()
    box: tuple[float, ...] = ()
    answer: dict[str, Any] | None = None


def build(shell: Shell) -> gr.Dropdown:
    """Draw the panel, wire it, and return the choice of the model."""
    with gr.Row(elem_classes="t-line"):
        card = Choice([], value=None, label="Model", elem_id="try-card", scale=2)
        phrase = gr.Textbox(
            label="Phrases",
            placeholder="red cell, platelet",
            info="For finders; separate phrases with commas.",
            elem_id="try-phrase",
            scale=2,
        )
        conf = gr.Slider(0.0, 1.0, value=0.3, step=0.01, label="Lowest confidence", elem_id="try-conf", scale=1)
        run = gr.Button("Find", elem_id="try-find", scale=0)
    view = gr.HTML(
        value="",
        elem_id="try-view",
        js_on_load=MOUNT % asset_url("window/tryout.js"),
        apply_default_css=False,
        container=False,
        padding=False,
    )
    trial, given = gr.State(Trial()), [shell.dataset, card, phrase, conf]

    def show(dataset: str, card: str, phrase: str, conf: float) -> tuple:
        return Trial(), draw(shell, dataset, card, Trial())

    def picked(dataset: str, card: str, phrase: str, conf: float, last: Trial, event: gr.EventData) -> tuple:
        made = asked(shell, dataset, card, conf, last, event._data)
        return made, draw(shell, dataset, card, made)

    def found(dataset: str, card: str, phrase: str, conf: float, last: Trial) -> tuple:
        made = find(shell, dataset, card, phrase, conf, last.at)
        return made, draw(shell, dataset, card, made)

    shell.on([shell.dataset.change, card.change, shell.tab.select], show, given, [trial, view])
    shell.on(
        view.pick,
        picked,
        [*given, trial],
        [trial, view],
        show_progress="minimal",
        trigger_mode="once",
        **AT_ONCE,  # a model answers as long as it takes
    )
    shell.on([run.click, phrase.submit], found, [*given, trial], [trial, view], show_progress="minimal")
    return card


def choices(shell: Shell, chosen: str | None) -> dict:
    """Return an update that lists the models that can be tried: the ready ones.

    Where none is chosen, the default is.
    """
    cards = [card for card in shell.call("models_list") if card["task"] in HOW and card["state"] == "ready"]
    own = next((card["id"] for card in cards if card["is_default"]), None)
    listed = gr.update(choices=[(card["label"], card["id"]) for card in cards])
    return listed if chosen in [card["id"] for card in cards] else listed | {"value": own}


def task_of(shell: Shell, card: str) -> str:
    """Return the task of a model, "" for none."""
    return next((row["task"] for row in shell.call("models_list") if row["id"] == card), "")


def image_at(shell: Shell, dataset: str, at: int) -> tuple[dict | None, int]:
    """Return the image at a position and how many there are; None without images."""
    page = shell.call("images_list", dataset=dataset, offset=max(at, 0), limit=1)
    return next(iter(page["images"]), None), page["total"]


def asked(shell: Shell, dataset: str, card: str, conf: float, last: Trial, facts: dict) -> Trial:
    """Return what a press in the picture asks and its answer, or another image."""
    if facts["act"] == "turn":
        return Trial(int(facts["to"]))
    image = required(shell, dataset, card, last.at)
    point = (float(facts["x"]), float(facts["y"])) if facts["act"] == "point" else ()
    box = tuple(float(facts[side]) for side in ("x1", "y1", "x2", "y2")) if facts["act"] == "box" else ()
    if task_of(shell, card) == "find":
        if not box:
            raise BadInput("a finder reads phrases and example boxes: drag a box around an example")
        answer = shell.call("find", image_id=image["id"], finder=card, exemplars=list(box), conf=conf)
    else:
        answer = shell.call("segment", image_id=image["id"], segmenter=card, positive=list(point), box=list(box))
    return Trial(last.at, point, box, answer)


def find(shell: Shell, dataset: str, card: str, phrase: str, conf: float, at: int) -> Trial:
    """Return the instances of the phrases in the shown image."""
    image, phrases = required(shell, dataset, card, at), [part.strip() for part in phrase.split(",") if part.strip()]
    if task_of(shell, card) != "find":
        raise BadInput("this model answers clicks and boxes; choose a finder for phrases")
    return Trial(at, answer=shell.call("find", image_id=image["id"], finder=card, phrases=phrases, conf=conf))


def required(shell: Shell, dataset: str, card: str, at: int) -> dict:
    """Return the shown image.

    Raises:
        NotFound: no dataset is open.
        BadInput: it has no image, or no model is chosen.
    """
    image = image_at(shell, shell.require(dataset), at)[0]
    if image is None or not card:
        raise BadInput("choose a model that is ready" if image else f"{dataset} has no images")
    return image


def draw(shell: Shell, dataset: str, card: str, trial: Trial) -> h.Html:
    """Draw the image with the prompt and the answer."""
    if not dataset or dataset not in shell.names():
        return h.empty(
            "No dataset is open",
            "Models are tried on your own images.",
            h.goto("Import a dataset", "datasets", "primary"),
        )
    image, total = image_at(shell, dataset, trial.at)
    if image is None:
        return h.empty("No images", f"{dataset} has no images to try a model on.")
    width, height = image["width"], image["height"]
    if not width or not height:
        picture = h.div(image["problem"] or "this image cannot be read", cls="t-note")
    else:
        shapes = [
            h.el("image", href=f"media/{image['id']}", width=width, height=height),
            _found(trial),
            _prompt(trial, max(width, height)),
        ]
        picture = h.div(h.el("svg", shapes, data_tryout=True, viewBox=f"0 0 {width} {height}"), cls="t-try")
    turns = h.div(
        h.button("Previous", "turn", data_to=trial.at - 1, disabled=trial.at <= 0),
        h.span(f"{trial.at + 1:,} of {total:,}", cls="t-note"),
        h.button("Next", "turn", data_to=trial.at + 1, disabled=trial.at + 1 >= total),
        cls="t-row",
    )
    told = h.div(
        _told(trial.answer) if trial.answer else HOW.get(task_of(shell, card), "Choose a model that is ready."),
        cls="t-note",
        id="try-told",
    )
    return h.div(h.head(image["name"], turns), picture, told, cls="t-stack")


def candidates(answer: dict | None) -> list[dict]:
    """Return the candidates of segment or find in one list, best first."""
    if answer is None:
        return []
    found = answer.get("candidates") or [one for row in answer.get("phrases", []) for one in row["candidates"]]
    return found if "candidates" in answer else sorted(found, key=lambda one: -one["confidence"])


def _found(trial: Trial) -> list[h.Html]:
    """Draw the candidates: all of a finder; of a segmenter the best as found.

    The others of a segmenter are outlines.
    """
    is_find = "phrases" in (trial.answer or {})
    drawn = [
        h.el("path", d=outline(one), cls="found" if is_find or i == 0 else "other")
        for i, one in enumerate(candidates(trial.answer)[:SHOWN])
    ]
    return drawn[::-1]


def outline(one: dict) -> str:
    """Return a candidate's polygons, or its box, as the path of an SVG."""
    x1, y1, x2, y2 = one["xyxy"]
    rings = [ring for rings in one["polygons"] or [] for ring in rings] or [[x1, y1, x2, y1, x2, y2, x1, y2]]
    return " ".join(
        "M" + " L".join(f"{x:g},{y:g}" for x, y in zip(ring[::2], ring[1::2], strict=True)) + " Z" for ring in rings
    )


def _prompt(trial: Trial, side: int) -> h.Html | None:
    if trial.box:
        x1, y1, x2, y2 = trial.box
        return h.el("rect", x=x1, y=y1, width=x2 - x1, height=y2 - y1, cls="asked")
    return h.el("circle", cx=trial.point[0], cy=trial.point[1], r=side / 160, cls="asked") if trial.point else None


def _told(answer: dict) -> str:
    found, name = candidates(answer), answer.get("segmenter") or answer.get("finder")
    model = f", of which the model took {w.duration(answer['model_ms'] / 1000)}" if "model_ms" in answer else ""
    best = next((f"; best confidence {one['confidence']:.2f}" for one in found if one["confidence"] is not None), "")
    return f"{name}: {w.plural(len(found), 'candidate')} in {w.duration(answer['took_ms'] / 1000)}{model}{best}"
