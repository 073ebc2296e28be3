"""Delete a snapshot: into the trash, back from there, or for good.

Its row and file stay until it is deleted for good.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import RowMapping, delete, select

from tator.datasets.dataset import Dataset
from tator.datasets.snapshots import check_snapshot_name
from tator.storage.database import Store
from tator.storage.schema import dataset as dataset_table
from tator.storage.schema import snapshot
from tator.storage.trash import Trash, TrashKind, register_trash, row_id
from tator.storage.trash_files import delete_files
from tator.storage.trash_rows import TrashRows
from tator.types import Conflict, Deleted, NotFound, Progress, Work

_ROWS = TrashRows(snapshot, "snapshot")


def delete_snapshot(dataset: Dataset, name: str, user: str = "") -> dict:
    """Put a snapshot into the trash.

    Returns:
        {"deleted": name, "entry": its id in the trash}.

    Raises:
        NotFound: no such snapshot.
    """
    told = throw_snapshot(dataset.store, dataset.id, name, user)
    if told is None:
        raise NotFound(f"dataset {dataset.name!r} has no snapshot {name!r}")
    return told


def throw_snapshot(store: Store, dataset_id: int, name: str, user: str = "") -> dict | None:
    """Put a snapshot into the trash, as delete_snapshot does; None where it is gone."""
    with store.write() as conn:
        mine = (snapshot.c.dataset_id == dataset_id) & (snapshot.c.name == name) & snapshot.c.trash.is_(None)
        key = conn.execute(select(snapshot.c.id).where(mine)).scalar()
        return None if key is None else _ROWS.throw(conn, key, name, user)


def removed_snapshots(trash: Trash) -> list[Deleted]:
    """Return the snapshots in the trash, in no order."""
    owner = dataset_table.c
    query = select(snapshot, owner.name.label("owner"), owner.trash.label("owner_trash")).where(
        snapshot.c.trash.is_not(None)
    )
    with trash.store.read() as conn:
        rows = conn.execute(query.join(dataset_table, owner.id == snapshot.c.dataset_id)).mappings().all()
    return [_listed(row, trash.workspace.folder("snapshots") / row["file"]) for row in rows]


def _listed(row: RowMapping, file: Path) -> Deleted:
    gone = row["owner_trash"]
    return _ROWS.listed(
        row,
        of=gone["name"] if gone else row["owner"],
        images=row["images"],
        annotations=row["annotations"],
        bytes=file.stat().st_size if file.is_file() else 0,
        problem=f"dataset {gone['name']!r} is in the trash; restore it first" if gone else "",
    )


def restore_snapshot(trash: Trash, entry: str, new_name: str = "") -> str:
    """Take a snapshot out of the trash and return its name.

    Raises:
        NotFound: it is not in the trash.
        BadInput: the new name is refused.
        Conflict: its dataset has a snapshot of that name.
    """
    with trash.store.write() as conn:
        row = _ROWS.row(conn, row_id(entry))
        name = check_snapshot_name(new_name) if new_name else row["trash"]["name"]
        same = (snapshot.c.dataset_id == row["dataset_id"]) & (snapshot.c.name == name)
        if conn.execute(select(snapshot.c.id).where(same)).first():
            raise Conflict(f"the dataset has a snapshot {name!r}; give another name to restore this one under")
        _ROWS.put_back(conn, row["id"], name)
    return name


def purge_snapshot(trash: Trash, entry: str) -> Work:
    """Delete a snapshot of the trash for good; return {"freed_bytes"}.

    Raises:
        NotFound: it is not in the trash.
        Unavailable: its file cannot be deleted.
    """
    yield Progress(0, 1, "Deleting a snapshot")
    with trash.store.write() as conn:
        row = _ROWS.row(conn, row_id(entry))
        freed = sum(delete_files(trash.workspace.folder("snapshots") / row["file"]))
        conn.execute(delete(snapshot).where(snapshot.c.id == row["id"]))
    return {"freed_bytes": freed}


register_trash(TrashKind(_ROWS.kind, restore_snapshot, removed_snapshots, purge_snapshot))
