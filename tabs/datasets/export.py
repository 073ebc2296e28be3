"""The export form: what is written and how.

The file is made by a job, kept, and listed for download.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from tabs._parts import html as h
from tabs._parts import words as w
from tabs._parts.jobs import JobPanel
from tabs._parts.pages import Page, Pages
from tabs._parts.shell import Choice, Shell

WHOLE, TILES, CROPS, QWEN = "whole", "tiles", "crops", "qwen"
KINDS = [
    ("Whole images with labels", WHOLE),
    ("Tiles with labels", TILES),
    ("Crops: one picture per box", CROPS),
    ("Conversations to train Qwen", QWEN),
]
SPLITS = [("train", "train"), ("val", "val"), ("test", "test"), ("none", "")]
STATES = [("reviewed", "reviewed"), ("in progress", "in_progress"), ("new", "new")]
STATUSES = ["accepted", "candidate", "rejected"]
NOW = ("As it is now", "")
TILE_SETTINGS = ("tile_px", "tile_overlap", "tile_min_visible", "tile_keep_empty")
MAKERS, NOTED = ("datasets_export", "crop_zip"), 100  # jobs whose notes stand beside their file
HINTS = {
    "yolo": "trains in ultralytics",
    "coco": "loads in pycocotools",
    "roboflow": "trains in rfdetr",
    "qwen": "trains Qwen-VL",
}


class Export(Page):
    """The form of an export, and the files made so far.

    Attributes:
        snapshot: dropdown of what is exported: now, or a snapshot.
    """

    name, title = "export", "Export"
    kinds = ("datasets_export", "datasets_build_qwen", "crop_zip")
    snapshot: Choice

    def build(self) -> None:
        """Draw the form and the list."""
        shell = self.shell
        kind, self.snapshot, written = self._what()
        cut, tiling = _tile_fields()
        choice, chosen = _choosing()
        with gr.Row(elem_classes="t-line"):
            label = "Classes (none chosen: all)"
            classes = Choice([], multiselect=True, value=[], label=label, elem_id="export-classes", scale=3)
            told = "Without them the file holds labels only."
            with_images = gr.Checkbox(True, label="Include the images", info=told, elem_id="export-images", scale=2)
            self._start = gr.Button("Export", variant="primary", elem_id="export-start", scale=0)
        shell.anew(self.snapshot, "")
        shell.anew(classes, [])
        listing = h.panel(elem_id="exports")
        self.outputs = [listing, self.snapshot, classes]
        self._inputs = [kind, *written, self.snapshot, with_images, *tiling, *chosen, classes]
        shell.on(kind.change, fitted, kind, [*written, cut, self.snapshot, choice, classes, with_images])
        shell.on(listing.pick, self._picked, None, listing)

    def _what(self) -> tuple[gr.Dropdown, Choice, list]:
        """Draw what is exported and of which state.

        Returns both, and then format and margin, which stand between them.
        """
        with gr.Row(elem_classes="t-line"):
            kind = gr.Dropdown(KINDS, value=WHOLE, label="What", elem_id="export-kind", scale=2)
            fmt = gr.Dropdown(formats(self.shell), value="yolo", label="Format", elem_id="export-format", scale=2)
            facts: dict[str, Any] = {"minimum": 0, "maximum": 5, "step": 0.05, "visible": False, "scale": 2}
            margin = gr.Number(0, label="Margin (share of the box)", elem_id="export-margin", **facts)
            snapshot = Choice([NOW], value="", label="State of the dataset", elem_id="export-of", scale=2)
        return kind, snapshot, [fmt, margin]

    def draw(self, dataset: str) -> tuple:
        """Return the files, and the snapshots and classes that can be chosen."""
        return listed(self.shell), *choices(self.shell, dataset)

    def wire(self, panel: JobPanel, pages: Pages) -> None:
        """Start exports as jobs of the tab."""
        panel.start(self._start.click, self._begin, [self.shell.dataset, *self._inputs])

    def _begin(
        self, dataset: str, kind: str, fmt: str, margin: float, snapshot: str, with_images: bool, *chosen: list
    ) -> str:
        call, dataset = self.shell.call, self.shell.require(dataset)
        *tiling, splits, states, statuses, classes = chosen
        if kind == QWEN:
            return call("datasets_build_qwen", dataset=dataset)
        what = {
            "splits": splits or [],
            "states": states or [],
            "classes": classes or [],
            "statuses": statuses or ["accepted"],
            "snapshot": snapshot or "",
        }
        if kind == CROPS:
            return call("crop_zip", dataset=dataset, margin=margin or 0, **what)
        what |= dict(zip(TILE_SETTINGS, tiling, strict=True)) if kind == TILES else {}
        return call("datasets_export", dataset=dataset, format=fmt, with_images=with_images, **what)

    def _picked(self, event: gr.EventData) -> h.Html:
        told = dict(event._data)
        if told.get("act") == "delete_export":
            self.shell.call("exports_delete", file=told["file"])
        if told.get("act") == "delete_qwen":
            self.shell.call("qwen_datasets_delete", name=told["name"])
        return listed(self.shell)


def fitted(kind: str) -> tuple:
    """Return updates that show the fields of a kind of export, in the form's order."""
    told, written = gr.update(visible=kind != QWEN), gr.update(visible=kind in (WHOLE, TILES))
    margin, cut = gr.update(visible=kind == CROPS), gr.update(visible=kind == TILES)
    return written, margin, cut, told, told, told, written


def formats(shell: Shell) -> list[tuple[str, str]]:
    """Return the formats that can be written, as dropdown choices."""
    rows = [row for row in shell.call("formats_list") if row["writes"]]
    return [
        (f"{row['label']} ({HINTS[row['name']]})" if row["name"] in HINTS else row["label"], row["name"])
        for row in rows
    ]


def _choosing() -> tuple[gr.Row, list]:
    """Draw which images and boxes are written.

    Returns the row, and its widgets: splits, states, statuses.
    """
    with gr.Row(elem_classes="t-line") as choice:
        splits = gr.CheckboxGroup(SPLITS, label="Splits (none chosen: all)", elem_id="export-splits", scale=2)
        states = gr.CheckboxGroup(STATES, label="States (none chosen: all worked on)", elem_id="export-states", scale=2)
        statuses = gr.CheckboxGroup(STATUSES, value=["accepted"], label="Boxes", elem_id="export-statuses", scale=2)
    return choice, [splits, states, statuses]


def _tile_fields() -> tuple[gr.Row, list]:
    """Draw the fields that only tiles need.

    Returns the row, and its widgets in the order of TILE_SETTINGS.
    """
    with gr.Row(visible=False, elem_classes="t-line") as cut:
        size = gr.Number(640, label="Tile side (pixels)", minimum=32, precision=0, elem_id="export-tile", scale=2)
        overlap = gr.Number(
            0.2, label="Overlap (share)", minimum=0, maximum=0.9, step=0.05, elem_id="export-overlap", scale=2
        )
        visible = gr.Number(
            0.25,
            label="Label objects showing (share)",
            minimum=0,
            maximum=1,
            step=0.05,
            elem_id="export-visible",
            scale=2,
        )
        keep = gr.Checkbox(
            True,
            label="Keep empty tiles",
            info="They teach a model what is not an object.",
            elem_id="export-empty",
            scale=2,
        )
    return cut, [size, overlap, visible, keep]


def choices(shell: Shell, dataset: str) -> tuple[dict, dict]:
    """Return updates that list the snapshots and classes of a dataset.

    What was chosen stays chosen.
    """
    kept = [row["name"] for row in shell.call("snapshots_list", dataset=dataset)]
    names = [row["name"] for row in shell.call("datasets_get", dataset=dataset)["classes"]]
    return gr.update(choices=[NOW, *((f"Snapshot {name}", name) for name in kept)]), gr.update(choices=names)


def listed(shell: Shell) -> h.Html:
    """Return the exports as they stand, each with what its job had to say."""
    done = [
        job["result"] for kind in MAKERS for job in shell.call("jobs_list", kind=kind, limit=NOTED) if job["result"]
    ]
    notes = {result["file"]: result.get("notes", []) for result in done}
    return exports(shell.call("exports_list"), shell.call("qwen_datasets_list"), notes)


def exports(rows: Sequence[dict], folders: Sequence[dict], notes: Mapping[str, Sequence[str]]) -> h.Html:
    """Draw the files and folders of conversations made so far.

    Each file has its notes and its download link.
    """
    if not rows and not folders:
        return h.div("Exports that you make are listed here for download.", cls="t-note")
    cells = [
        [
            [h.span(row["file"], cls="t-mono"), [h.div(note, cls="t-note") for note in notes.get(row["file"], ())]],
            w.size(row.get("bytes")),
            w.when(row.get("created_at")),
            h.div(
                h.link("Download", row["url"].lstrip("/"), download=row["file"]),
                h.button("Delete", "delete_export", "bad", data_file=row["file"]),
                cls="t-row t-nowrap t-end",
            ),
        ]
        for row in rows
    ]
    built = [
        [
            h.span(row["name"], cls="t-mono"),
            h.chip("folder of conversations"),
            w.when(row.get("created_at")),
            h.div(h.button("Delete", "delete_qwen", "bad", data_name=row["name"]), cls="t-row t-nowrap t-end"),
        ]
        for row in folders
    ]
    return h.table(["File", "Size", "Made", ""], [*cells, *built], numeric=(1, 2))
