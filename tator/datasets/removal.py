"""Delete a dataset: into the trash, back from there, or for good.

In the trash it stays whole.

A deleted dataset keeps its rows and files where they are; its own row carries the note.
"""

from __future__ import annotations

import re
import time
from pathlib import Path

from sqlalchemy import Connection, RowMapping, delete, func, select, update

from tator.datasets.dataset import Dataset, check_dataset_name
from tator.datasets.owners import IN_USE
from tator.datasets.settings import setting_of
from tator.storage.database import Store
from tator.storage.runs import delete_runs_of
from tator.storage.schema import annotation, edit, image, snapshot
from tator.storage.schema import dataset as dataset_table
from tator.storage.trash import Trash, TrashKind, register_trash, row_id
from tator.storage.trash_files import delete_files
from tator.storage.trash_rows import TrashRows
from tator.storage.workspace import Workspace
from tator.types import BadInput, Conflict, Deleted, Progress, Work

BEGUN = "its deletion for good was begun; delete it again to finish"
IMAGES = 200  # images whose rows are deleted in one transaction
ROWS = 2_000  # annotations, and edits, deleted in one transaction: others save in between
REST = 1.0  # pause after each transaction, as a share of its time, so that a waiting save comes first
_STAGE = re.compile("[0-9a-f]{16}")  # name of a folder that an import fills
_ROWS = TrashRows(dataset_table, "dataset")


def remove_dataset(dataset: Dataset, confirm: str, user: str = "") -> dict:
    """Put a dataset into the trash, with everything that is stored about it.

    Args:
        dataset: what to delete.
        confirm: its name once more.
        user: who is acting.

    Returns:
        {"deleted": name, "entry": its id in the trash}.

    Raises:
        BadInput: confirm is not the name.
    """
    if confirm != dataset.name:
        raise BadInput(f"confirm is {confirm!r}; to delete the dataset it must be its name, {dataset.name!r}")
    with dataset.store.read() as conn:
        counted = select(func.count(), func.coalesce(func.sum(image.c.annotation_count), 0))
        images, boxes = conn.execute(counted.where(image.c.dataset_id == dataset.id)).one()
    with dataset.store.write() as conn:
        return _ROWS.throw(conn, dataset.id, dataset.name, user, images=images, annotations=int(boxes))


def removed_datasets(trash: Trash) -> list[Deleted]:
    """Return the datasets in the trash, in no order."""
    with trash.store.read() as conn:
        rows = conn.execute(select(dataset_table).where(~IN_USE)).mappings().all()
    return [
        _ROWS.listed(
            row,
            images=row["trash"]["images"],
            annotations=row["trash"]["annotations"],
            problem=BEGUN if row["trash"].get("is_purged") else "",
        )
        for row in rows
    ]


def restore_dataset(trash: Trash, entry: str, new_name: str = "") -> str:
    """Take a dataset out of the trash and return its name.

    Args:
        trash: that it is in.
        entry: its id there.
        new_name: what to call it; "" for the name that it had.

    Raises:
        NotFound: it is not in the trash.
        BadInput: the new name is refused.
        Conflict: a dataset has the name, or the deletion for good was begun.
    """
    with trash.store.write() as conn:
        row = _ROWS.row(conn, row_id(entry))
        note = row["trash"]
        if note.get("is_purged"):
            raise Conflict(f"dataset {note['name']!r} is being deleted for good; it cannot come back")
        name = check_dataset_name(new_name) if new_name else note["name"]
        if conn.execute(select(dataset_table.c.id).where(dataset_table.c.name == name)).first():
            raise Conflict(f"a dataset called {name!r} exists; give another name to restore this one under")
        _ROWS.put_back(conn, row["id"], name)
    return name


def purge_dataset(trash: Trash, entry: str) -> Work:
    """Delete a dataset in the trash for good.

    Its rows go, and its files where the workspace owns them.

    From its first step on it cannot be restored. Cut off, it is still in the trash, and purging it again goes on.

    Args:
        trash: that it is in.
        entry: its id there.

    Returns:
        {"images", "files", "freed_bytes"}; the room of its rows in the database is used again for others.

    Raises:
        NotFound: it is not in the trash.
        Conflict: another dataset lies in its folder.
        Unavailable: a file cannot be deleted.
    """
    store, workspace, dataset_id = trash.store, trash.workspace, row_id(entry)
    with store.write() as conn:
        row = _ROWS.row(conn, dataset_id)
        note, folders = row["trash"], owned_folders(row, workspace)
        _check_alone(conn, row, note["name"], folders)
        mine = update(dataset_table).where(dataset_table.c.id == dataset_id)
        conn.execute(mine.values(trash=note | {"is_purged": True}))
    files = freed = 0
    for folder in folders:
        for size in delete_files(folder):
            files, freed = files + 1, freed + size
            yield Progress(files, max(files, note["images"]), f"Deleting the files of {note['name']}")
    freed += _delete_snapshots(store, workspace, dataset_id) + delete_runs_of(workspace, dataset_id)
    deleted = yield from _delete_images(store, dataset_id, note)
    with store.write() as conn:
        conn.execute(delete(dataset_table).where(dataset_table.c.id == dataset_id))
    return {"images": deleted, "files": files, "freed_bytes": freed}


def owned_folders(row: RowMapping, workspace: Workspace) -> list[Path]:
    """Return the folders under the workspace's datasets that belong to one.

    Each holds a managed dataset, or parts of an unfinished one.

    Decided by where they lie, so that a folder outside the workspace can never be meant.

    Args:
        row: of the dataset table.
        workspace: folders.
    """
    home, root, found = workspace.folder("datasets").resolve(), Path(row["root"]).resolve(), []
    if row["storage"] == "managed" and root != home and root.is_relative_to(home):
        found.append(home / root.relative_to(home).parts[0])
    for key in ("import", "merge"):
        stage = str(setting_of(row, key).get("folder", ""))
        if _STAGE.fullmatch(stage):
            found.append(home / stage)
    return [folder for folder in dict.fromkeys(found) if folder.is_dir()]


def _check_alone(conn: Connection, row: RowMapping, name: str, folders: list[Path]) -> None:
    """See that no other dataset has its images in a folder that is to be deleted."""
    others = conn.execute(select(dataset_table).where(dataset_table.c.id != row["id"])).mappings()
    for other in others:
        if any(Path(other["root"]).resolve().is_relative_to(folder) for folder in folders):
            told = other["trash"]["name"] if other["trash"] else other["name"]
            raise Conflict(f"dataset {told!r} has its images in the folder of {name!r}; delete that one for good first")


def _delete_snapshots(store: Store, workspace: Workspace, dataset_id: int) -> int:
    """Delete the snapshots, in the trash or not; return the bytes that came free."""
    with store.read() as conn:
        files = conn.execute(select(snapshot.c.file).where(snapshot.c.dataset_id == dataset_id)).scalars().all()
    freed = sum(sum(delete_files(workspace.folder("snapshots") / file)) for file in files)
    with store.write() as conn:
        conn.execute(delete(snapshot).where(snapshot.c.dataset_id == dataset_id))
    return freed


def _delete_images(store: Store, dataset_id: int, note: dict) -> Work:
    """Delete the images with all rows of theirs, some at a time; return how many."""
    done = 0
    while True:
        began = time.monotonic()
        with store.write() as conn:
            ids = _some_images(conn, dataset_id)
            done += _delete_rows(conn, ids)
        if not ids:
            return done
        yield Progress(done, max(done, note["images"]), f"Deleting the rows of {note['name']}")
        time.sleep(REST * (time.monotonic() - began))


def _some_images(conn: Connection, dataset_id: int) -> list[int]:
    query = select(image.c.id).where(image.c.dataset_id == dataset_id).order_by(image.c.id).limit(IMAGES)
    return list(conn.execute(query).scalars())


def _delete_rows(conn: Connection, ids: list[int]) -> int:
    """Delete images, as far as one transaction may; return how many went.

    An image with too many annotations or edits first loses as many of these as fit.
    """
    for table in (annotation, edit):
        some = select(table.c.id).where(table.c.image_id.in_(ids)).limit(ROWS)
        if conn.execute(delete(table).where(table.c.id.in_(some))).rowcount == ROWS:
            return 0
    return conn.execute(delete(image).where(image.c.id.in_(ids))).rowcount


register_trash(TrashKind(_ROWS.kind, restore_dataset, removed_datasets, purge_dataset, is_last=True))
