"""The frame around all tabs: header, dataset picker, device chip, listeners."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import gradio as gr
from gradio.context import LocalContext

from tabs._parts import html as h
from tator import ops
from tator.types import NotFound, TatorError
from tator.workbench import Workbench

FIRST_EVERY_S = 1.5  # the sample project appears a moment after the first start
CHIP_EVERY_S = 15  # memory changes slowly; a tick costs the browser one small request
# These only draw: they need not wait in Gradio's queue, outside which errors are not shown and no order is kept.
BY_ITSELF = ("tick", "load", "select", "change")
PRIVATE = {"api_visibility": "private", "show_progress": "hidden"}
# One after the other: whatever draws a panel, what a person picked there, and the start of a job. Else a drawing asked for
# before a press could come after its answer, and take away what was just opened.
IN_TURN = {"concurrency_id": "in turn", "concurrency_limit": 1}
AT_ONCE = {"concurrency_id": None, "concurrency_limit": None}
# Gradio drops an event while the same listener still answers. So quick picks are all answered, and every page turned to is drawn.
# Of typing and choosing the last one counts, and so it does of what follows another listener, or the end of a job could be missed.
HURRIED: dict[str, dict[str, Any]] = {
    "pick": {"trigger_mode": "multiple", **IN_TURN},  # they read and write what is known of the page
    "select": {"trigger_mode": "multiple"},
    **dict.fromkeys(("change", "input", "success"), {"trigger_mode": "always_last"}),
}
LOGO = h.Html(
    '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 2 22 12 12 22 2 12Z"/><path d="M12 7.5 16.5 12 12 16.5 7.5 12Z"/></svg>'
)
THEME_ICON = h.Html(
    '<svg viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="8"/><path d="M12 4a8 8 0 0 1 0 16Z"/></svg>'
)


class Choice(gr.Dropdown):
    """A dropdown that passes on names that it does not list.

    A page may be older than the server; the operation then says what is wrong.
    """

    is_template = True  # drawn as its parent, no front end of its own

    def preprocess(self, payload: Any) -> Any:
        """Return the chosen name, "" for none; with `multiselect`, the chosen names."""
        if self.multiselect:
            return [name for name in payload if isinstance(name, str)] if isinstance(payload, list) else []
        return payload if isinstance(payload, str) else ""


@dataclass
class Shell:
    """What the window shares with every tab.

    Attributes:
        wb: the running product.
        window: the Blocks, for `window.load`.
        dataset: header picker; its value is the open dataset's name.
        tabs: the tab strip.
        tab: the tab being built.
    """

    wb: Workbench
    window: gr.Blocks
    dataset: Choice
    chip: gr.HTML
    tabs: gr.Tabs = field(init=False)
    tab: gr.Tab = field(init=False)

    def call(self, name: str, /, **arguments: Any) -> Any:
        """Run an operation as the person whose event is being handled."""
        request = LocalContext.request.get(None)
        with self.wb.acting(getattr(request, "username", None) or ""):
            return ops.call(self.wb, name, **arguments)

    def on(
        self,
        trigger: Callable | Sequence[Callable],
        fn: Callable,
        inputs: Any = None,
        outputs: Any = None,
        **event: Any,
    ) -> Any:
        """Wire a private listener; an error that a person can act on becomes a toast.

        Args:
            trigger: event of a component, such as `button.click`; or several, of which one is answered at a time and the last
                counts: a late answer to an earlier one never replaces what was drawn for a later one.
            fn: listener; it may take gr.EventData or gr.Request as well as the inputs.
            inputs: components whose values it gets.
            outputs: components that it answers.
            event: further keyword arguments of the event.
        """
        several = isinstance(trigger, Sequence)
        triggers: list[Any] = list(trigger) if isinstance(trigger, Sequence) else [trigger]
        names = [getattr(each, "func", each).event_name for each in triggers]  # .success is wrapped once more
        mode: dict[str, Any] = {"trigger_mode": "always_last"} if several else HURRIED.get(names[0], {})
        facts: dict[str, Any] = {**PRIVATE, **(IN_TURN if _draws(outputs) else AT_ONCE), **mode, **event}
        if facts["show_progress"] == "hidden":  # else the page tells every output how far each listener is
            facts["show_progress_on"] = self.chip
        facts["queue"] = facts["concurrency_id"] is not None or any(name not in BY_ITSELF for name in names)
        if facts.get("trigger_mode") == "always_last" and names != ["success"]:
            triggers = [relay(triggers).success]
        return triggers[0](toasting(fn), inputs, outputs, **facts)

    def anew(self, widget: Any, value: Any) -> None:
        """Give a choice or a field its first value when another dataset is opened.

        It happens in the browser: an answer of the server may come after a person has chosen, and redraws list names but never choose.
        """
        in_browser([self.dataset.change], f"() => [{json.dumps(value)}]", None, widget)

    def names(self) -> list[str]:
        """Return the names of all datasets."""
        return [row["name"] for row in self.call("datasets_list")]

    def pick(self, name: str = "") -> dict:
        """Return an update that lists the datasets anew and opens `name`, else the first."""
        names = self.names()
        return gr.update(choices=names, value=name if name in names else next(iter(names), None))

    def opening(self, name: str, chosen: str = "") -> tuple:
        """Return the picker as a page opens it, and a timer that looks again.

        The timer runs while there is no dataset. What a person has chosen already is kept.
        """
        picked = gr.skip() if chosen else self.pick(name)
        return picked, gr.Timer(active=not chosen and not picked["choices"])

    def require(self, dataset: str) -> str:
        """Return the dataset's name.

        Raises:
            NotFound: none is open.
        """
        if not dataset:
            raise NotFound("no dataset is open: create one in Datasets, or choose one at the top")
        return dataset


def _draws(outputs: Any) -> bool:
    widgets = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    return any(isinstance(widget, gr.HTML) and h.PANEL in widget.elem_classes for widget in widgets)


def in_browser(triggers: Sequence[Callable], js: str, inputs: Any = None, outputs: Any = None) -> Any:
    """Wire a listener that answers in the browser, without asking the server.

    Returns it, to chain to.
    """
    facts: dict[str, Any] = {"js": js, "queue": False, **PRIVATE}
    if hasattr(triggers[0], "func"):  # it follows another listener, so it stands alone and must not be missed
        return triggers[0](None, inputs, outputs, trigger_mode="always_last", **facts)
    return gr.on(list(triggers), None, inputs, outputs, trigger_mode="multiple", **facts)


def relay(triggers: Sequence[Callable]) -> Any:
    """Return a listener in the browser that hands some events on.

    A listener of which only the last call counts stands behind one.

    Else Gradio 6.31 never comes to rest: for a call that had to wait it repeats the event, for every listener of the event, and those
    that answer just then have theirs repeated in turn. It would also start an event's listeners one after the other's answer.
    """
    return in_browser(triggers, "() => []")


def toasting(fn: Callable) -> Callable:
    """Return the listener with TatorError shown as a toast."""

    @functools.wraps(fn)
    def listener(*args: Any, **kwargs: Any) -> Any:
        try:
            return fn(*args, **kwargs)
        except TatorError as problem:
            raise gr.Error(
                h.join([str(problem)]), title=problem.code.replace("_", " ").capitalize(), print_exception=False
            ) from problem

    return listener


def build(wb: Workbench, window: gr.Blocks) -> Shell:
    """Draw the header and wire the picker; call inside the window's context."""
    kept = gr.BrowserState("", storage_key="tator-dataset", secret="tator")
    with gr.Row(elem_id="t-header"):
        gr.HTML(h.span(LOGO, "Tator"), elem_id="t-logo", apply_default_css=False, padding=False)
        picker = Choice(
            [], value=None, label="Dataset", show_label=False, container=False, elem_id="t-dataset", filterable=True
        )
        chip = gr.HTML("", elem_id="t-device", apply_default_css=False, padding=False)
        gr.HTML(
            h.el(
                "button",
                THEME_ICON,
                type="button",
                title="Dark or light",
                aria_label="Dark or light",
                data_theme_switch=True,
            ),
            elem_id="t-theme",
            apply_default_css=False,
            padding=False,
        )
    shell = Shell(wb, window, picker, chip)
    first = gr.Timer(FIRST_EVERY_S, active=False)
    shell.on(window.load, shell.opening, kept, [picker, first])
    shell.on(first.tick, shell.opening, [kept, picker], [picker, first])
    shell.on(window.load, lambda: device_chip(shell), None, chip)
    shell.on(picker.change, lambda name: name, picker, kept)
    shell.on(gr.Timer(CHIP_EVERY_S).tick, lambda: device_chip(shell), None, chip)
    return shell


def device_chip(shell: Shell) -> h.Html:
    """Return the device in use and its memory, as the header shows them."""
    state = shell.call("system_gpu")
    used, total = state.get("memory_used_mb"), state.get("memory_total_mb")
    memory = f"{used / 1000:.1f} / {total / 1000:.1f} GB" if used is not None and total else ""
    share = used / total if memory else 0.0
    tone = "warn" if share > 0.9 else ""
    return h.div(
        h.span(str(state.get("device", "cpu")), cls="t-device-name"),
        h.span(memory),
        h.bar(share, tone),
        cls="t-device",
        title=str(state.get("name", "")),
    )
