"""Change a dataset as a whole: splits, name, clone, merge, files, deletion."""

from __future__ import annotations

import gradio as gr

from tabs._parts import html as h
from tabs._parts import words as w
from tabs._parts.jobs import JobPanel
from tabs._parts.notices import tell_trashed
from tabs._parts.pages import End, Outcome, Page, Pages
from tabs._parts.shell import Choice, Shell
from tabs.datasets import import_preview
from tator.types import BadInput

NEVER = (
    "It goes to the trash, whole, and can be restored from there. Linked images are never deleted, moved or changed."
)
WAYS = [
    ("Stratified: every class in every split", "stratified"),
    ("By image", "image"),
    ("By folder: a folder stays together", "folder"),
    ("By group: names that begin alike stay together", "group"),
]
STORAGES = [("Stored as this one", "same"), ("Copied into the workspace", "managed"), ("Linked", "linked")]


class Manage(Page):
    """What changes a dataset as a whole."""

    name, title = "manage", "Manage"
    kinds = ("datasets_clone", "datasets_merge", "datasets_preview", "datasets_create")

    def build(self) -> None:
        """Draw the fields, and wire what is done at once."""
        shell = self.shell
        splits = _splits(shell)
        _heading("Copy and join")
        self._cloning = _cloning()
        self._other, self._look, self._merge = _merging()
        shell.anew(self._other, None)
        self._preview = import_preview.build(shell, "merge-preview")
        self._files = _files()
        _rename(shell)
        _delete(shell)
        self.outputs, self.answers = [splits, self._other], list(self._preview)

    def draw(self, dataset: str) -> tuple:
        """Return how the images are dealt, and which datasets can be taken in."""
        return dealt(self.shell, dataset), others(self.shell, dataset)

    def wire(self, panel: JobPanel, pages: Pages) -> None:
        """Start clones, merges and checks of files as jobs of the tab."""
        dataset, (clone, *settings) = self.shell.dataset, self._cloning
        panel.start(clone.click, self._begin_clone, [dataset, *settings])
        panel.start(self._merge.click, self._begin_merge, [dataset, self._other, self._preview[1]])
        import_preview.void(self.shell, [self._other.input, self._look.click, dataset.change], *self._preview)
        panel.start(self._look.click, self._begin_look, [dataset, self._other])
        panel.start(self._files.click, self._begin_check, dataset)

    def ended(self, end: End) -> Outcome:
        """Return what a merge would do, after a look at one.

        The look is emptied once a dataset was made.
        """
        if end.kind == "datasets_preview":
            is_ours = import_preview.is_merge(end.job)
            return import_preview.looked_at(self.shell, end, self._preview) if is_ours else Outcome(redraws=False)
        return Outcome(import_preview.emptied(self._preview) | {self._other: None} if end.is_done else {})

    def _begin_clone(self, dataset: str, name: str, storage: str) -> str:
        facts = {"new_name": name.strip(), "storage": storage}
        return self.shell.call("datasets_clone", dataset=self.shell.require(dataset), **facts)

    def _begin_look(self, dataset: str, other: str) -> str:
        return self.shell.call("datasets_preview", dataset=self.shell.require(dataset), source=_source(other))

    def _begin_merge(self, dataset: str, other: str, looked: dict) -> str:
        source = _source(other)
        mapping = import_preview.agreed(self.shell, looked, source, self.shell.require(dataset))
        return self.shell.call("datasets_merge", dataset=dataset, source=source, mapping=mapping)

    def _begin_check(self, dataset: str) -> str:
        return self.shell.call("datasets_check", dataset=self.shell.require(dataset), with_looks=False)


def _source(other: str | None) -> str:
    """Return a dataset as the source of a merge.

    Raises:
        BadInput: none is chosen.
    """
    if not other:
        raise BadInput("choose the dataset to take in first")
    return import_preview.DATASET + other


def others(shell: Shell, dataset: str) -> dict:
    """Return the dropdown of the datasets that can be taken in."""
    return gr.update(choices=[name for name in shell.names() if name != dataset])


def _heading(text: str) -> None:
    gr.HTML(h.head(text), apply_default_css=False, padding=False, elem_classes="t-near")


def _cloning() -> tuple[gr.Button, gr.Textbox, gr.Dropdown]:
    """Draw what clones the dataset: the button, the new name, how the images are kept."""
    with gr.Row(elem_classes="t-line"):
        name = gr.Textbox(label="Clone as", max_length=100, elem_id="clone-name", scale=2)
        storage = gr.Dropdown(STORAGES, value="same", label="Images", elem_id="clone-storage", scale=2)
        clone = gr.Button("Clone", elem_id="clone", scale=0)
    return clone, name, storage


def _merging() -> tuple[Choice, gr.Button, gr.Button]:
    """Draw what takes in another dataset: which one, the look at it, the merge."""
    told = "Without a look, classes of the same name are joined and the others are added."
    with gr.Row(elem_classes="t-line"):
        other = Choice(
            [], value=None, label="Merge another dataset into this one", info=told, elem_id="merge-from", scale=4
        )
        look = gr.Button("Look first", elem_id="merge-look", scale=0)
        merge = gr.Button("Merge", elem_id="merge", scale=0)
    return other, look, merge


def _files() -> gr.Button:
    """Draw what checks the files, and return its button."""
    _heading("Files")
    told = "Reads every file and finds missing, damaged and duplicate ones. The findings are shown in Check."
    with gr.Row(elem_classes="t-line t-mid"):
        gr.HTML(h.div(told, cls="t-note"), apply_default_css=False)
        return gr.Button("Check the files", elem_id="check-files", scale=0)


def _splits(shell: Shell) -> gr.HTML:
    _heading("Splits")
    panel = h.panel(elem_id="split-now")
    with gr.Row(elem_classes="t-line"):
        by = gr.Dropdown(WAYS, value="stratified", label="Assign splits", elem_id="split-by", scale=3)
        key = gr.Textbox(
            "", label="Group (letters, or end sign)", placeholder="5 or _", visible=False, elem_id="split-key", scale=2
        )
        shares = [
            gr.Number(value, label=name, minimum=0, step=0.05, elem_id=f"split-{name.lower()}", scale=1, min_width=60)
            for name, value in (("Train", 0.7), ("Val", 0.2), ("Test", 0.1))
        ]
        seed = gr.Number(42, label="Seed", precision=0, elem_id="split-seed", scale=1, min_width=60)
        deal = gr.Button("Split", elem_id="split", scale=0)
    keep = gr.Checkbox(False, label="Keep the split of images that have one", elem_id="split-keep")

    def split(
        dataset: str, by: str, key: str, train: float, val: float, test: float, seed: float, keep: bool
    ) -> h.Html:
        told = shell.call(
            "datasets_split",
            dataset=shell.require(dataset),
            by=by,
            train=train,
            val=val,
            test=test,
            seed=seed,
            key=key.strip(),
            keep=keep,
        )
        gr.Info(f"{w.plural(told['changed'], 'image')} moved", title="Split")
        return dealt(shell, dataset)

    shell.on(by.change, lambda by: gr.update(visible=by == "group"), by, key)
    shell.on(deal.click, split, [shell.dataset, by, key, *shares, seed, keep], panel)
    return panel


def dealt(shell: Shell, dataset: str) -> h.Html:
    """Draw how a dataset's images are dealt into splits."""
    facts = shell.call("datasets_get", dataset=dataset)
    chips = [
        h.chip(f"{split or 'none'} {n:,}", "accent" if split else "") for split, n in sorted(facts["splits"].items())
    ]
    return h.div(chips, h.span("The same seed and images give the same splits.", cls="t-note"), cls="t-row")


def _rename(shell: Shell) -> None:
    _heading("Rename or delete")
    with gr.Row(elem_classes="t-line"):
        new_name = gr.Textbox(label="New name", max_length=200, elem_id="rename-to", scale=3)
        rename = gr.Button("Rename", elem_id="rename", scale=0)

    def renamed(dataset: str, name: str) -> tuple:
        shell.call("datasets_rename", dataset=shell.require(dataset), new_name=name)
        return shell.pick(name.strip()), ""

    shell.on(rename.click, renamed, [shell.dataset, new_name], [shell.dataset, new_name])


def _delete(shell: Shell) -> None:
    with gr.Row(elem_classes="t-line"):
        confirm = gr.Textbox(
            label="Type the dataset's name to delete it", info=NEVER, elem_id="delete-confirm", scale=3
        )
        delete = gr.Button("Delete", variant="stop", interactive=False, elem_id="delete", scale=0)

    def deleted(dataset: str, typed: str) -> tuple:
        shell.call("datasets_delete", dataset=shell.require(dataset), confirm=typed)
        tell_trashed(dataset)
        return shell.pick(), ""

    def typed(dataset: str, text: str) -> dict:
        return gr.update(interactive=bool(dataset) and text == dataset)

    shell.on(confirm.change, typed, [shell.dataset, confirm], delete)
    shell.anew(confirm, "")
    shell.on(delete.click, deleted, [shell.dataset, confirm], [shell.dataset, confirm])
