"""Delete a snapshot: into the trash, back from there, or for good.

Its row and file stay until it is deleted for good.
"""

from __future__ import annotations

import time

from sqlalchemy import Connection, RowMapping, delete, select, update

from tator.datasets.dataset import Dataset
from tator.datasets.removal import unaskable
from tator.datasets.snapshots import checked_name
from tator.storage.database import Store
from tator.storage.schema import dataset as dataset_table
from tator.storage.schema import snapshot
from tator.storage.trash import Trash, TrashKind, register_trash, row_id
from tator.storage.trash_files import delete_files
from tator.storage.workspace import Workspace
from tator.types import Conflict, Deleted, NotFound, Progress, Work

KIND = "snapshot"


def delete_snapshot(dataset: Dataset, name: str, user: str = "") -> dict:
    """Put a snapshot into the trash.

    Returns:
        {"deleted": name, "entry": its id in the trash}.

    Raises:
        NotFound: no such snapshot.
    """
    with dataset.store.write() as conn:
        mine = (snapshot.c.dataset_id == dataset.id) & (snapshot.c.name == name) & snapshot.c.trash.is_(None)
        key = conn.execute(select(snapshot.c.id).where(mine)).scalar()
        if key is None:
            raise NotFound(f"dataset {dataset.name!r} has no snapshot {name!r}")
        note = {"name": name, "at": time.time(), "user": user[:100]}
        conn.execute(update(snapshot).where(snapshot.c.id == key).values(trash=note, name=unaskable(key)))
    return {"deleted": name, "entry": f"{KIND}-{key}"}


def removed_snapshots(store: Store, workspace: Workspace) -> list[Deleted]:
    """Return the snapshots in the trash, in no order."""
    owner = dataset_table.c
    query = select(snapshot, owner.name.label("owner"), owner.trash.label("owner_trash")).where(
        snapshot.c.trash.is_not(None)
    )
    with store.read() as conn:
        rows = conn.execute(query.join(dataset_table, owner.id == snapshot.c.dataset_id)).mappings().all()
    folder, found = workspace.folder("snapshots"), []
    for row in rows:
        gone, file = row["owner_trash"], folder / row["file"]
        problem = f"dataset {gone['name']!r} is in the trash; restore it first" if gone else ""
        found.append(
            Deleted(
                f"{KIND}-{row['id']}",
                KIND,
                row["trash"]["name"],
                row["trash"]["at"],
                row["trash"]["user"],
                of=gone["name"] if gone else row["owner"],
                images=row["images"],
                annotations=row["annotations"],
                bytes=file.stat().st_size if file.is_file() else 0,
                problem=problem,
            )
        )
    return found


def restore_snapshot(store: Store, key: int, new_name: str = "") -> str:
    """Take a snapshot out of the trash and return its name.

    Raises:
        NotFound: it is not in the trash.
        BadInput: the new name is refused.
        Conflict: its dataset has a snapshot of that name.
    """
    with store.write() as conn:
        row = _thrown(conn, key)
        name = checked_name(new_name) if new_name else row["trash"]["name"]
        same = (snapshot.c.dataset_id == row["dataset_id"]) & (snapshot.c.name == name)
        if conn.execute(select(snapshot.c.id).where(same)).first():
            raise Conflict(f"the dataset has a snapshot {name!r}; give another name to restore this one under")
        conn.execute(update(snapshot).where(snapshot.c.id == key).values(name=name, trash=None))
    return name


def purge_snapshot(store: Store, workspace: Workspace, key: int) -> Work:
    """Delete a snapshot of the trash for good; return {"freed_bytes"}.

    Raises:
        NotFound: it is not in the trash.
        Unavailable: its file cannot be deleted.
    """
    yield Progress(0, 1, "Deleting a snapshot")
    with store.write() as conn:
        row = _thrown(conn, key)
        freed = sum(delete_files(workspace.folder("snapshots") / row["file"]))
        conn.execute(delete(snapshot).where(snapshot.c.id == key))
    return {"freed_bytes": freed}


def _thrown(conn: Connection, key: int) -> RowMapping:
    row = conn.execute(select(snapshot).where(snapshot.c.id == key, snapshot.c.trash.is_not(None))).mappings().first()
    if row is None:
        raise NotFound(f"no snapshot {key} is in the trash")
    return row


def _entries(trash: Trash) -> list[Deleted]:
    return removed_snapshots(trash.store, trash.workspace)


def _restore(trash: Trash, key: str, new_name: str) -> str:
    return restore_snapshot(trash.store, row_id(key), new_name)


def _purge(trash: Trash, key: str) -> Work:
    return (yield from purge_snapshot(trash.store, trash.workspace, row_id(key)))


register_trash(TrashKind(KIND, _restore, _entries, _purge))
