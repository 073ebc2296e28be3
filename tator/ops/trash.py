"""List, restore and empty the trash."""

from __future__ import annotations

from dataclasses import asdict

from tator.ops import operation
from tator.storage.trash import Trash
from tator.types import BadInput, Work
from tator.workbench import Workbench


@operation(writes=False)
def trash_list(wb: Workbench) -> list[dict]:
    """List what was deleted and can be restored: the newest first.

    An entry says what it was (dataset, snapshot, head, glossary, recipe), its name, who deleted it when, what it holds, and in
    "problem" why it cannot be restored, if so.
    """
    return [asdict(entry) for entry in trash_of(wb).entries()]


@operation
def trash_restore(wb: Workbench, entry: str, new_name: str = "") -> dict:
    """Put something back from the trash, whole.

    A dataset has its annotations, history, classes, captions, glossary and snapshots again.

    Args:
        entry: id of what is restored, from trash_list.
        new_name: what to call it from now on, where its name is taken meanwhile; empty for the name that it had.

    Raises:
        NotFound: nothing in the trash has that id.
        BadInput: the new name is refused.
        Conflict: the name is taken, or it cannot be restored; the message says why.
    """
    return asdict(trash_of(wb).restore(entry, new_name))


@operation(title="Delete for good")
def trash_purge(wb: Workbench, entry: str, confirm: str) -> Work:
    """Delete something of the trash for good; files outside the workspace stay.

    Args:
        entry: id of what is deleted, from trash_list.
        confirm: its name, as a confirmation.

    Raises:
        NotFound: nothing in the trash has that id.
        BadInput: confirm is not the name.
        Conflict: another dataset has its images in this one's folder.
    """
    trash = trash_of(wb)
    found = trash.entry(entry)
    if confirm != found.name:
        raise BadInput(f"confirm is {confirm!r}; to delete it for good it must be its name, {found.name!r}")
    return (yield from trash.purge(entry))


@operation(title="Empty the trash")
def trash_empty(wb: Workbench, confirm: int) -> Work:
    """Delete everything in the trash for good; files outside the workspace stay.

    Args:
        confirm: how many entries trash_list has now, as a confirmation.

    Raises:
        BadInput: confirm is another number.
    """
    trash = trash_of(wb)
    if confirm != (count := len(trash.entries())):
        raise BadInput(f"confirm is {confirm}; to empty the trash it must be the number of things in it, {count}")
    return (yield from trash.empty())


def trash_of(wb: Workbench) -> Trash:
    """Return the trash of the workspace."""
    return Trash(wb.store, wb.workspace)
