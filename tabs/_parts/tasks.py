"""The form of a verb that a tab starts as a job: arguments, recipe, button."""

from __future__ import annotations

import dataclasses
import inspect
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import gradio as gr

from tabs._parts import choices, forms
from tabs._parts import html as h
from tabs._parts.jobs import JobPanel
from tabs._parts.pages import End, Outcome, Pages, Part
from tabs._parts.shell import Shell
from tator.ops import operations
from tator.types import BadInput

NAME, RUN, DATASET = "name", "run", "dataset"  # arguments that every workflow calls so
FROM_VERB = re.compile(r",? from \w+_\w+")  # where a caller finds the values; a form lists them


@dataclass(frozen=True)
class Task:
    """A verb that a tab offers.

    Attributes:
        verb: the operation, a job.
        button: what its button says.
        title: of its form, where the tab has several.
        labels: what an argument or setting is called where its name does not say it.
        choices: "verb argument" that lists what an argument can be, @dataset standing for the open one, or the values
            themselves; runs of the tab's family for `run`.
        typed: arguments whose choices are only suggestions, so that anything can be typed.
        hidden: arguments that the form leaves to the command line.
        curves: draws what the events of the running job tell, None where the job panel says enough.
    """

    verb: str
    button: str
    title: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    typed: Sequence[str] = ()
    hidden: Sequence[str] = ()
    curves: Callable[[Sequence[dict]], h.Html] | None = None


class TaskForm(Part):
    """The form of a task, drawn from the verb's signature.

    The dataset is the one that is open. A run that was just trained is chosen where the verb takes one.

    Args:
        shell: the window's frame.
        task: what it starts.
        family: of the tab's runs as runs_families answers it, None where it has none.
    """

    def __init__(self, shell: Shell, task: Task, family: dict | None) -> None:
        super().__init__(shell)
        self.task, self.family, self.verb = task, family, operations()[task.verb]
        self.id = task.verb.replace("_", "-")
        self.sources = self._sources()
        trained = (family["train"],) if family and RUN in self.verb.arguments else ()
        self.kinds = (task.verb, *trained)

    def _sources(self) -> dict[str, str | Sequence[str]]:
        """Return what lists the choices, by argument or setting; see Task.choices."""
        recipe, found = self.verb.recipe, dict(self.task.choices)
        for setting in dataclasses.fields(recipe) if recipe else ():
            found |= {setting.name: setting.metadata["operation"]} if setting.metadata.get("operation") else {}
        if self.family and RUN in self.verb.arguments:
            found.setdefault(RUN, f"runs_list {self.family['family']}")
        return found

    def build(self) -> None:
        """Draw the arguments, the recipe with the saved ones, and the button."""
        recipe, left_out = self.verb.recipe, (DATASET, *self.task.hidden)
        named = {name: p for name, p in self.verb.arguments.items() if name not in left_out}
        self._arguments = {name: self._argument(name, p) for name, p in named.items()}
        self._settings: forms.Widgets = {}
        if recipe:
            listed = {f.name: self._listed(f.name) for f in dataclasses.fields(recipe) if f.name in self.sources}
            self._settings = forms.draw(recipe, listed, dict(self.task.labels))
            forms.presets(recipe, self._settings, self.shell, self.id)
        self._start = gr.Button(self.task.button, variant="primary", elem_id=f"{self.id}-start")
        self.outputs = [(self._arguments | self._settings)[name] for name in self.sources]
        self.answers = [self._arguments[RUN]] if RUN in self._arguments else []

    def _argument(self, name: str, p: inspect.Parameter) -> gr.components.Component:
        label, elem_id = self.task.labels.get(name, ""), f"{self.id}-{name.replace('_', '-')}"
        if name == NAME:
            label = label or f"Name of the {self.family['one'] if self.family else 'run'}"
            return gr.Textbox(label=label, placeholder="dataset and time", max_length=80, elem_id=elem_id)
        default = p.default if p.default is not p.empty else None
        listed = self._listed(name) if name in self.sources else None
        help = FROM_VERB.sub("", self.verb.help.get(name, ""))
        help = help[:1].upper() + help[1:]
        facts = {"allow_custom_value": True} if name in self.task.typed else {}
        return forms.widget(name, p.annotation, default, listed, label, help, elem_id=elem_id, **facts)

    def _listed(self, name: str, dataset: str = "") -> list:
        arguments, source = self.verb.arguments, self.sources[name]
        if not isinstance(source, str):
            return [(value or "All", value) for value in source]
        is_optional = name not in arguments or arguments[name].default == ""
        return choices.listed(self.shell, source, is_optional, dataset)

    def draw(self, dataset: str) -> tuple:
        """Return what can be chosen; weights and runs may have come."""
        return tuple(gr.update(choices=self._listed(name, dataset)) for name in self.sources)

    def wire(self, panel: JobPanel, pages: Pages) -> None:
        """Start the job with what the form holds."""
        panel.start(self._start.click, self.begin, self.inputs)

    @property
    def inputs(self) -> set:
        """Return what `begin` reads; Gradio then passes a dict by widget."""
        return {self.shell.dataset, *self._arguments.values(), *self._settings.values()}

    def begin(self, values: dict) -> str:
        """Start the job and return its id.

        Raises:
            BadInput: something that is needed is not chosen, or a setting is out of range.
            NotFound: no dataset is open.
        """
        given = {name: values[widget] for name, widget in self._arguments.items()}
        if DATASET in self.verb.arguments:
            given[DATASET] = self.shell.require(values[self.shell.dataset])
        if NAME in given:
            now = time.strftime("%m-%d %H.%M.%S")
            given[NAME] = (given[NAME] or "").strip() or f"{given.get(DATASET, '')[:60]} {now}".strip()
        for name in given:
            if (
                name in self.sources
                and not given[name]
                and self.verb.arguments[name].default is inspect.Parameter.empty
            ):
                raise BadInput(f"choose the {self.task.labels.get(name, name).lower()} first")
        recipe = self.verb.recipe
        settings = dataclasses.asdict(forms.read(recipe, self._settings, values)) if recipe else {}
        return self.shell.call(self.task.verb, **given, **settings)

    def follow(self, *picks: Callable) -> None:
        """Use the run that is picked in a list, where the verb takes one."""

        def picked(event: gr.EventData) -> dict:
            return gr.update(choices=self._listed(RUN), value=event._data["name"])

        for pick in picks if self.answers else ():
            self.shell.on(pick, picked, None, self.answers)

    def ended(self, end: End) -> Outcome:
        """Return the run that was just trained as the one to use."""
        made = end.job["arguments"].get(NAME) if end.is_done else None
        if not self.answers or end.kind == self.task.verb or not made:
            return Outcome()
        return Outcome({self.answers[0]: gr.update(choices=self._listed(RUN), value=made)})
