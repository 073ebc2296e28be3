"""Draw a recipe as Gradio widgets and read it back; every form is drawn here."""

from __future__ import annotations

import dataclasses
import json
import typing
from typing import Any, TypeVar

import gradio as gr

from tabs._parts import html as h
from tabs._parts.shell import Choice, Shell
from tator.recipes import Recipe

R = TypeVar("R", bound=Recipe)
Widgets = dict[str, gr.components.Component]


def draw(recipe: type[Recipe], choices: dict[str, list] | None = None, labels: dict[str, str] | None = None) -> Widgets:
    """Return one widget per field, in the order of the fields.

    Help and range come from the field; advanced fields are folded away.

    Args:
        recipe: recipe dataclass.
        choices: options of a text field, as (label, value) pairs or plain values, by field name.
        labels: what a field is called where its name does not say it, by field name.
    """
    hints = typing.get_type_hints(recipe)
    plain = [f for f in dataclasses.fields(recipe) if not f.metadata.get("advanced")]
    folded = [f for f in dataclasses.fields(recipe) if f.metadata.get("advanced")]
    named = labels or {}

    def drawn(f: dataclasses.Field) -> gr.components.Component:
        label, unit = named.get(f.name, ""), f.metadata.get("unit", "")
        label = f"{label or worded(f.name)} ({unit})" if unit else label
        return widget(f.name, hints[f.name], f.default, (choices or {}).get(f.name), label, f.metadata.get("help", ""))

    widgets = {f.name: drawn(f) for f in plain}
    if folded:
        with gr.Accordion("Advanced", open=False):
            widgets |= {f.name: drawn(f) for f in folded}
    return {f.name: widgets[f.name] for f in dataclasses.fields(recipe)}


def presets(recipe: type[Recipe], widgets: Widgets, shell: Shell, prefix: str) -> None:
    """Draw the choice of a saved recipe with the ways to save and delete one.

    Call it where they shall stand, after `draw`.

    Args:
        recipe: recipe dataclass.
        widgets: from `draw`.
        shell: the window's frame.
        prefix: of the widgets' ids.
    """
    kind = recipe.kind
    with gr.Accordion("Saved recipes", open=False):
        saved = gr.Dropdown([], value=None, label="Load the settings of", elem_id=f"{prefix}-recipe")
        drop = gr.Button("Delete this recipe", size="sm", interactive=False, elem_id=f"{prefix}-recipe-delete")
        name = gr.Textbox(label="Save these settings as", max_length=80, elem_id=f"{prefix}-recipe-name")
        keep = gr.Button("Save recipe", size="sm", elem_id=f"{prefix}-recipe-save")

    def save(values: dict) -> dict:
        settings = json.dumps(dataclasses.asdict(read(recipe, widgets, values)))
        title = values[name].strip()
        shell.call("recipes_save", kind=kind, name=title, settings=settings)
        gr.Info(f"Saved as {h.join([title])}", title="Recipe")
        return listed(title)

    def take(chosen: str) -> list:
        found = shell.call("recipes_get", kind=kind, name=chosen)
        return [found[name] for name in widgets]

    def delete(chosen: str) -> dict:
        shell.call("recipes_delete", kind=kind, name=chosen)
        gr.Info(f"{h.join([chosen])} is in the trash, in the Datasets tab", title="Recipe")
        return listed(None)

    def listed(chosen: str | None) -> dict:
        return gr.update(choices=shell.call("recipes_list", kind=kind), value=chosen)

    shell.on(saved.input, take, saved, list(widgets.values()))
    shell.on(saved.change, lambda chosen: gr.update(interactive=bool(chosen)), saved, drop)
    shell.on(keep.click, save, {name, *widgets.values()}, saved)
    shell.on(drop.click, delete, saved, saved)
    shell.on(shell.tab.select, lambda: gr.update(choices=shell.call("recipes_list", kind=kind)), None, saved)


def widget(
    name: str, hint: Any, default: Any, choices: list | None = None, label: str = "", help: str = "", **facts: Any
) -> gr.components.Component:
    """Draw what asks for one value.

    Args:
        name: of the setting or argument.
        hint: its type: str, int, float, bool, a Literal, or a list of str.
        default: what it holds at first.
        choices: what it can be, as (label, value) pairs or plain values; None where anything of its type goes.
        label: above it; the name in words where there is none.
        help: one sentence below the label.
        facts: further arguments of the component, such as elem_id.
    """
    common: dict[str, Any] = {"label": label or worded(name), "info": _told(help, hint, default), "value": default}
    common |= facts
    if typing.get_origin(hint) is list:
        return Choice(choices or [], multiselect=True, allow_custom_value=choices is None, **common)
    if typing.get_origin(hint) is typing.Literal:
        return gr.Dropdown(list(typing.get_args(hint)), **common)
    if choices is not None:
        return Choice(choices, **common)
    if hint is bool:
        return gr.Checkbox(**common)
    if hint in (int, float):
        return gr.Number(precision=0 if hint is int else None, step=1 if hint is int else 0.05, **common)
    return gr.Textbox(**common)


def worded(name: str) -> str:
    """Return the name of a setting or argument in words."""
    return name.replace("_", " ").capitalize()


def _told(help: str, hint: Any, default: Any) -> str:
    """Return the help with a number's default."""
    return help if hint is bool or not isinstance(default, (int, float)) else f"{help} Default {default:g}."


def read(recipe: type[R], widgets: Widgets, values: dict) -> R:
    """Make the recipe from the dict that Gradio passes when `inputs` is a set.

    Raises:
        BadInput: a value outside its range.
    """
    return recipe.of({name: values[widget] for name, widget in widgets.items()})


def fill(recipe: Recipe, widgets: Widgets) -> list:
    """Return a recipe's values in the order of the widgets, as a listener's answer."""
    return [getattr(recipe, name) for name in widgets]
