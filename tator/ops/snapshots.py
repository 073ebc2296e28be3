"""Deal images into splits; freeze, list, compare and delete snapshots."""

from __future__ import annotations

from typing import Literal

from tator.datasets.snapshot_diff import diff_snapshots
from tator.datasets.snapshot_removal import delete_snapshot
from tator.datasets.snapshots import Snapshot, freeze, snapshots_of
from tator.datasets.splitting import split_dataset
from tator.ops import operation
from tator.types import Work
from tator.workbench import Workbench
from tator.workflows.evaluation import evaluations_by_snapshot, evaluations_of


@operation
def datasets_split(
    wb: Workbench,
    dataset: str,
    by: Literal["image", "folder", "group", "stratified"] = "stratified",
    train: float = 0.7,
    val: float = 0.2,
    test: float = 0.1,
    seed: int = 42,
    key: str = "",
    keep: bool = False,
) -> dict:
    """Split a dataset's images into train, val and test, repeatably by the seed.

    Args:
        dataset: dataset name, from datasets_list.
        by: image (each alone), folder or group (those stay together), stratified (each class in each split by its share).
        train: share of train; the three shares are scaled to sum to 1.
        val: share of val.
        test: share of test; 0 makes none.
        seed: of the choice.
        key: for group, how many letters of a file's name name its group (5), or the sign that ends them (_).
        keep: leave the split of images that have one as it is.

    Raises:
        NotFound: no such dataset.
        BadInput: shares or key are refused, or there is no image.
    """
    return split_dataset(wb.dataset(dataset), by, train, val, test, seed, key, keep)


@operation(title="Snapshot")
def snapshots_create(wb: Workbench, dataset: str, name: str, with_hashes: bool = True) -> Work:
    """Freeze what a dataset holds now under a name; it never changes.

    Args:
        dataset: dataset name, from datasets_list.
        name: of the snapshot, unique in the dataset.
        with_hashes: also hash every image file, so that an export tells when one has changed since.

    Raises:
        NotFound: no such dataset.
        BadInput: the name is refused.
        Conflict: the dataset has a snapshot of that name.
    """
    return (yield from freeze(wb.dataset(dataset), name, with_hashes, wb.user))


@operation(writes=False)
def snapshots_list(wb: Workbench, dataset: str) -> list[dict]:
    """List a dataset's snapshots with hash and counts, newest first.

    "evaluation" names the one that a snapshot was frozen for and goes with; empty for those that a person or a run froze.

    Args:
        dataset: dataset name, from datasets_list.

    Raises:
        NotFound: no such dataset.
    """
    data = wb.dataset(dataset)
    owners = evaluations_by_snapshot(evaluations_of(wb.workspace).folder)
    return [each | {"evaluation": owners.get((data.id, each["name"]), "")} for each in snapshots_of(data)]


@operation(writes=False)
def snapshots_diff(wb: Workbench, dataset: str, old: str, new: str) -> dict:
    """Compare two snapshots: images, annotations and classes that differ.

    Args:
        dataset: dataset name, from datasets_list.
        old: name of the earlier snapshot.
        new: name of the later snapshot.

    Raises:
        NotFound: no such dataset or snapshot.
        Conflict: the file of a snapshot was changed.
    """
    data = wb.dataset(dataset)
    return diff_snapshots(Snapshot.open(data, old), Snapshot.open(data, new))


@operation
def snapshots_delete(wb: Workbench, dataset: str, name: str) -> dict:
    """Put a snapshot into the trash; trash_restore brings it back.

    Args:
        dataset: dataset name, from datasets_list.
        name: name of the snapshot.

    Raises:
        NotFound: no such dataset or snapshot.
    """
    return delete_snapshot(wb.dataset(dataset), name, wb.user)
