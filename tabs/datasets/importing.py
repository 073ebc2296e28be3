"""Bring images in: the form, the look at what it would do, and its jobs.

They are imports, merges and clones; the dataset that one made is opened.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from tabs._parts.jobs import JobPanel, resumed
from tabs._parts.pages import End, Outcome, Pages, Part
from tabs._parts.shell import Shell
from tabs.datasets import import_form, import_preview
from tator.ops import operations
from tator.types import NotFound


class Importing(Part):
    """The form that brings images in, and the look at what it would do."""

    kinds = ("datasets_create", "datasets_merge", "datasets_preview", "datasets_clone")

    def ask(self) -> None:
        """Draw the form; call in the column that asks."""
        self._form = import_form.build(self.shell)

    def build(self) -> None:
        """Draw the panel of looks, and the hidden button that resumes an import."""
        self._preview = import_preview.build(self.shell)
        self._resume = gr.Button("Go on", elem_id="import-resume", elem_classes="t-hidden")
        self.answers = [*self._preview, self._form.name]

    def wire(self, panel: JobPanel, pages: Pages) -> None:
        """Start looks and imports as jobs of the tab.

        A change of the form makes an earlier look void.
        """
        form, shell = self._form, self.shell
        import_preview.void(shell, [*form.changes, form.look.click], *self._preview)
        panel.start(form.look.click, self._begin_look, form.inputs)
        panel.start(form.start.click, self._begin, [self._preview[1], *form.inputs])
        panel.start(self._resume.click, lambda dataset: resumed_import(shell, dataset), shell.dataset)
        shell.on(shell.dataset.change, lambda into: import_form.choices(shell, into), form.into, form.into)

    def ended(self, end: End) -> Outcome:
        """Return what a look found, or the dataset that was made.

        The form is emptied for the next one.
        """
        if end.kind == "datasets_preview":
            is_ours = not import_preview.is_merge(end.job)
            return import_preview.looked_at(self.shell, end, self._preview) if is_ours else Outcome(redraws=False)
        made = end.job["arguments"].get(operations()[end.kind].makes, end.dataset)
        page = landing(self.shell, end.kind, made) if end.is_done else end.page
        cleared = import_preview.emptied(self._preview) | {self._form.name: ""} if end.is_done else {}
        return Outcome(cleared, page=page, dataset=made)

    def _begin_look(self, *values: Any) -> str:
        said = import_form.asked(*values)
        return self.shell.call("datasets_preview", source=said.source, format=said.format, dataset=said.into)

    def _begin(self, looked: dict, *values: Any) -> str:
        return begin(self.shell, import_form.asked(*values), looked)


def begin(shell: Shell, said: import_form.Asked, looked: dict) -> str:
    """Start the import that the form asks for and return its job id.

    The classes are mapped as the look says.
    """
    facts = {"source": said.source, "with_labels": said.with_labels, "format": said.format}
    facts["mapping"] = import_preview.agreed(shell, looked, said.source, said.into)
    if said.into:
        return shell.call("datasets_merge", dataset=said.into, **facts)
    return shell.call("datasets_create", name=said.name, storage=said.storage, **facts)


def landing(shell: Shell, kind: str, dataset: str) -> str:
    """Return the page that is shown after a job.

    The report where an import dropped something, else the overview.
    """
    counts = shell.call("datasets_get", dataset=dataset)["report"].get("counts", {})
    return "report" if kind != "datasets_clone" and sum(counts.get("dropped", {}).values()) else "overview"


def resumed_import(shell: Shell, dataset: str) -> str:
    """Start a dataset's newest import or merge again and return its job id.

    It goes on where it stopped.

    Raises:
        NotFound: no such job is known any more.
    """
    found = [
        job
        for kind in ("datasets_create", "datasets_merge")
        for job in shell.call("jobs_list", kind=kind, limit=200)
        if job["arguments"].get(operations()[kind].makes) == dataset
    ]
    if not found:
        raise NotFound(
            f"no import of {dataset!r} is known any more; import the same source under the same name again to continue it"
        )
    return resumed(shell, max(found, key=lambda job: job["created_at"])["id"])
