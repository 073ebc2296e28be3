"""Delete a dataset without touching what belongs to somebody else."""
from __future__ import annotations

import os
import time
from pathlib import Path

from sqlalchemy import delete

from tator.dataset import Dataset
from tator.schema import dataset as dataset_table
from tator.types import BadInput


def remove_dataset(dataset: Dataset, confirm: str) -> dict:
    """Take a dataset out of the database; its folder goes to the trash when the workspace owns it.

    Args:
        dataset: what to delete.
        confirm: its name once more.

    Returns:
        {"deleted": name, "trash": folder in the trash or ""}.

    Raises:
        BadInput: confirm is not the name.
    """
    if confirm != dataset.name:
        raise BadInput(f"confirm is {confirm!r}; to delete the dataset it must be its name, {dataset.name!r}")
    own = owned_folder(dataset)
    with dataset.store.write() as conn:
        conn.execute(delete(dataset_table).where(dataset_table.c.id == dataset.id))
    if own is None:
        return {"deleted": dataset.name, "trash": ""}
    target = dataset.workspace.folder("trash") / f"{dataset.name}-{time.strftime('%Y%m%d-%H%M%S')}-{os.urandom(3).hex()}"
    os.replace(own, target)
    return {"deleted": dataset.name, "trash": str(target)}


def owned_folder(dataset: Dataset) -> Path | None:
    """Return the folder under the workspace's datasets that holds a managed dataset, or None when there is none.

    Decided by where the root lies, so that a folder outside the workspace can never be meant.
    """
    home = dataset.workspace.folder("datasets").resolve()
    root = dataset.root.resolve()
    if dataset.storage != "managed" or root == home or not root.is_relative_to(home):
        return None
    folder = home / root.relative_to(home).parts[0]
    return folder if folder.is_dir() else None
