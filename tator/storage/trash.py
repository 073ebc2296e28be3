"""Everything in the trash, whatever it was: listed, restored, deleted for good."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace

from tator.datasets import glossary, removal, snapshot_removal
from tator.storage.database import Store
from tator.storage.trash_files import LEFT_BEHIND, Thrown, TrashFolder
from tator.storage.workspace import Workspace
from tator.types import Conflict, Deleted, NotFound, Progress, Work
from tator.workflows.heads import head as heads
from tator.workflows.heads.head import HeadShelf

OLD = "an earlier version put it there without a note on what it was"
EVERY = 200  # files between two steps of a deletion


class Trash:
    """The trash of a workspace: rows of the database with a note on them, and things in the trash folder."""

    def __init__(self, store: Store, workspace: Workspace) -> None:
        self._store, self._workspace = store, workspace
        self.folder = TrashFolder(workspace)

    def entries(self) -> list[Deleted]:
        """Return everything in the trash, what was deleted last first."""
        things = [_listed(thing) for thing in self.folder.things()]
        rows = removal.removed_datasets(self._store) + snapshot_removal.removed_snapshots(self._store, self._workspace)
        return sorted(rows + things, key=lambda entry: (-entry.deleted_at, entry.entry))

    def entry(self, key: str) -> Deleted:
        """Return one entry by its id.

        Raises:
            NotFound: nothing in the trash has it.
        """
        found = next((entry for entry in self.entries() if entry.entry == key), None)
        if found is None:
            raise NotFound(f"nothing in the trash has the id {key[:80]!r}; trash_list says what is there")
        return found

    def restore(self, key: str, new_name: str = "") -> Deleted:
        """Put an entry back to where it was, whole; return it under the name that it has now.

        Args:
            key: id of the entry.
            new_name: what to call it; "" for the name that it had.

        Raises:
            NotFound: nothing in the trash has the id.
            BadInput: the new name is refused.
            Conflict: the name is taken, or the entry cannot be restored; the message says why.
        """
        entry, new_name = self.entry(key), new_name.strip()
        if entry.problem:
            raise Conflict(f"{entry.kind} {entry.name!r} cannot be restored: {entry.problem}")
        if entry.kind == removal.KIND:
            name = removal.restore_dataset(self._store, _row_id(key), new_name)
        elif entry.kind == snapshot_removal.KIND:
            name = snapshot_removal.restore_snapshot(self._store, _row_id(key), new_name)
        elif entry.kind == heads.KIND:
            name = HeadShelf(self._workspace.folder("runs")).restore(self.folder, self._thing(key), new_name)
        else:
            name = glossary.restore_to_library(self._store, self.folder, self._thing(key), new_name)
        return replace(entry, name=name)

    def purge(self, key: str) -> Work:
        """Delete an entry for good; return {"freed_bytes"} and what else it counted.

        Raises:
            NotFound: nothing in the trash has the id.
            Conflict: another dataset lies in its folder.
            Unavailable: a file cannot be deleted.
        """
        entry = self.entry(key)
        if entry.kind == removal.KIND:
            told = yield from removal.purge_dataset(self._store, self._workspace, _row_id(key))
            shutil.rmtree(self._workspace.folder("runs") / "box_refiner" / str(_row_id(key)), ignore_errors=True)
            return told
        if entry.kind == snapshot_removal.KIND:
            return (yield from snapshot_removal.purge_snapshot(self._store, self._workspace, _row_id(key)))
        return (yield from _deleted(self.folder.delete(self._thing(key)), entry.name))

    def empty(self) -> Work:
        """Delete everything in the trash for good; return {"deleted", "kept": [{"entry", "name", "reason"}], "freed_bytes"}."""
        deleted = freed = 0
        kept: list[dict] = []
        for entry in self._emptied():
            try:
                freed += (yield from self.purge(entry.entry))["freed_bytes"]
                deleted += 1
            except NotFound:
                continue  # it went with its dataset
            except Conflict as reason:
                kept.append({"entry": entry.entry, "name": entry.name, "reason": str(reason)})
        return {"deleted": deleted, "kept": kept, "freed_bytes": freed}

    def _emptied(self) -> Iterator[Deleted]:
        """Yield the entries, a dataset that lies in another's folder before that other: it is linked, so younger."""
        listed = self.entries()
        yield from (entry for entry in listed if entry.kind != removal.KIND)
        yield from sorted((e for e in listed if e.kind == removal.KIND), key=lambda e: -_row_id(e.entry))

    def _thing(self, key: str) -> Thrown:
        found = next((thing for thing in self.folder.things() if thing.entry == key), None)
        if found is None:
            raise NotFound(f"{key!r} is in the trash no more: somebody else was quicker")
        return found


def _row_id(key: str) -> int:
    return int(key.rpartition("-")[2])


def _listed(thing: Thrown) -> Deleted:
    problem = OLD if thing.kind == LEFT_BEHIND else ""
    return Deleted(thing.entry, thing.kind, thing.name, thing.at, thing.user, bytes=thing.bytes, problem=problem)


def _deleted(sizes: Iterator[int], name: str) -> Work:
    """Drive the deletion of files."""
    freed = 0
    for files, size in enumerate(sizes, 1):
        freed += size
        if files % EVERY == 1:
            yield Progress(files, 0, f"Deleting {name}")
    return {"freed_bytes": freed}
