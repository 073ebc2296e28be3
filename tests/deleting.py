"""Datasets with everything that can be lost, and what a test of the trash looks at."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from tator.datasets.dataset import Dataset
from tator.datasets.snapshots import freeze
from tator.editing import edits
from tator.editing.captions import set_caption
from tator.editing.edits import save_edits
from tator.editing.leases import renew_lease
from tator.ops import call, operations
from tator.storage import schema
from tator.storage.trash import Trash
from tests.folders import finish, make, yolo_folder

ROWS = {"a.png": "0 .5 .5 .5 .5\n1 .2 .2 .1 .1\n", "b.png": "1 .5 .5 .1 .1\n", "c.png": None}
TABLES = ("dataset", "label_class", "image", "annotation", "edit", "fingerprint", "snapshot", "lease")


def full_dataset(wb, tmp_path: Path) -> Dataset:
    """Return a linked dataset, "pets", with edits, an undo, a caption, a glossary, a snapshot, fingerprints and a lease."""
    pets = make(wb, yolo_folder(tmp_path / "pets", ROWS, ["cat", "dog"]), "pets")
    row = pets.images()[2]
    draw = {"id": "drawn", "class_id": 1, "xyxy": [1, 2, 30, 40]}
    for seq, revision in ((1, 0), (2, 1)):
        op = {"op": "add", "annotation": draw} if seq == 1 else {"op": "set", "id": "drawn", "changes": {"class_id": 0}}
        save_edits(wb.store, row.id, revision, "me", [{"seq": seq, "kind": "edit", "label": f"e{seq}", "ops": [op]}])
    edits.undo(wb.store, row.id, "me", 3)
    set_caption(pets, "images/a.png", "A cat on a mat")
    call(wb, "datasets_glossary_set", dataset="pets", text="cat: kitty\ndog: hound")
    finish(freeze(pets, "v1"))
    renew_lease(wb.store, row.id, "me")
    return pets


def dump(wb) -> dict[str, list[tuple]]:
    """Return every row of every dataset, of every table that belongs to one."""
    with wb.store.read() as conn:
        return {
            name: [tuple(row) for row in conn.execute(select(table).order_by(*table.primary_key.columns))]
            for name in TABLES
            for table in [schema.metadata.tables[name]]
        }


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def entries(wb) -> list[tuple[str, str]]:
    return [(row["kind"], row["name"]) for row in call(wb, "trash_list")]


def delete(wb, name: str) -> str:
    return call(wb, "datasets_delete", dataset=name, confirm=name)["entry"]


def purge(wb, entry: str) -> dict:
    return finish(Trash(wb.store, wb.workspace).purge(entry))


def counts(wb) -> dict[str, int]:
    return {name: len(rows) for name, rows in dump(wb).items()}


def work_of(wb, name: str, **arguments):
    """Return the work of an operation, to be driven step by step."""
    return operations()[name].fn(wb, **arguments)
