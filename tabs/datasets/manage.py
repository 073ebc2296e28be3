"""Change a dataset as a whole: deal splits, rename, clone, take in another, check its files, delete."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from tabs._parts import html as h
from tabs._parts import words as w
from tabs._parts.jobs import JobPanel
from tabs._parts.shell import Choice, Shell
from tabs.datasets import import_preview
from tabs.datasets import trash as _trash
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


@dataclass(frozen=True)
class Manage:
    """Widgets of the page.

    Attributes:
        splits: says how the images are dealt.
        clone: button and its inputs.
        merge: button and its inputs; the first input lists the other datasets.
        look: the button that shows what a merge would do.
        preview: panel that shows it, and what it holds.
        files: the button that checks the files.
    """

    splits: gr.HTML
    clone: tuple[gr.Button, list]
    merge: tuple[gr.Button, list]
    look: gr.Button
    preview: tuple[gr.HTML, gr.State]
    files: gr.Button


def build(shell: Shell) -> Manage:
    """Draw the page and wire what is done at once."""
    splits = _splits(shell)
    _heading("Copy and join")
    with gr.Row(elem_classes="t-line"):
        name = gr.Textbox(label="Clone as", max_length=100, elem_id="clone-name", scale=2)
        storage = gr.Dropdown(STORAGES, value="same", label="Images", elem_id="clone-storage", scale=2)
        clone = gr.Button("Clone", elem_id="clone", scale=0)
    with gr.Row(elem_classes="t-line"):
        other = Choice(
            [],
            value=None,
            label="Take in another dataset",
            info="Without a look, classes of one name are joined and others are added.",
            elem_id="merge-from",
            scale=4,
        )
        look = gr.Button("Look first", elem_id="merge-look", scale=0)
        merge = gr.Button("Merge", elem_id="merge", scale=0)
    shell.anew(other, None)
    preview = import_preview.build(shell, "merge-preview")
    _heading("Files")
    with gr.Row(elem_classes="t-line t-mid"):
        gr.HTML(
            h.div(
                "Reads every file and finds those that are gone, broken or there twice. The answer stands in Check.",
                cls="t-note",
            ),
            apply_default_css=False,
        )
        files = gr.Button("Check the files", elem_id="check-files", scale=0)
    _rename(shell)
    _delete(shell)
    return Manage(splits, (clone, [name, storage]), (merge, [other]), look, preview, files)


def wire(shell: Shell, jobs: JobPanel, page: Manage) -> None:
    """Start clones, merges and checks of files as jobs of the tab."""

    def clone(dataset: str, name: str, storage: str) -> str:
        return shell.call("datasets_clone", dataset=shell.require(dataset), new_name=name.strip(), storage=storage)

    def look(dataset: str, other: str) -> str:
        return shell.call("datasets_preview", dataset=shell.require(dataset), source=_source(other))

    def merge(dataset: str, other: str, looked: dict) -> str:
        source = _source(other)
        mapping = import_preview.agreed(shell, looked, source, shell.require(dataset))
        return shell.call("datasets_merge", dataset=dataset, source=source, mapping=mapping)

    jobs.start(page.clone[0].click, clone, [shell.dataset, *page.clone[1]])
    jobs.start(page.merge[0].click, merge, [shell.dataset, *page.merge[1], page.preview[1]])
    import_preview.void(shell, [page.merge[1][0].input, page.look.click, shell.dataset.change], *page.preview)
    jobs.start(page.look.click, look, [shell.dataset, *page.merge[1]])
    jobs.start(
        page.files.click,
        lambda dataset: shell.call("datasets_check", dataset=shell.require(dataset), with_looks=False),
        shell.dataset,
    )


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


def _splits(shell: Shell) -> gr.HTML:
    _heading("Splits")
    panel = h.panel(elem_id="split-now")
    with gr.Row(elem_classes="t-line"):
        by = gr.Dropdown(WAYS, value="stratified", label="Deal the images", elem_id="split-by", scale=3)
        key = gr.Textbox(
            "", label="Group is", placeholder="5 letters, or ends at _", visible=False, elem_id="split-key", scale=2
        )
        shares = [
            gr.Number(value, label=name, minimum=0, step=0.05, elem_id=f"split-{name.lower()}", scale=1, min_width=60)
            for name, value in (("Train", 0.7), ("Val", 0.2), ("Test", 0.1))
        ]
        seed = gr.Number(42, label="Seed", precision=0, elem_id="split-seed", scale=1, min_width=60)
        deal = gr.Button("Split", elem_id="split", scale=0)
    keep = gr.Checkbox(False, label="Leave images alone that have a split", elem_id="split-keep")

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
        _trash.told(dataset)
        return shell.pick(), ""

    def typed(dataset: str, text: str) -> dict:
        return gr.update(interactive=bool(dataset) and text == dataset)

    shell.on(confirm.change, typed, [shell.dataset, confirm], delete)
    shell.anew(confirm, "")
    shell.on(delete.click, deleted, [shell.dataset, confirm], [shell.dataset, confirm])
