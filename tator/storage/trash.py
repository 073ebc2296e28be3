"""Everything in the trash, whatever it was: listed, restored, deleted for good.

What can be deleted says itself how it comes back: its module registers a TrashKind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from tator.storage.database import Store
from tator.storage.register import Register
from tator.storage.trash_files import LEFT_BEHIND, Thrown, TrashFolder
from tator.storage.workspace import Workspace
from tator.types import Conflict, Deleted, NotFound, Progress, Work

OLD = "an earlier version put it there and did not note what it was"
EVERY = 200  # files between two steps of a deletion


@dataclass(frozen=True)
class TrashKind:
    """One kind of thing that can be in the trash.

    Attributes:
        kind: what its entries are called; an entry's id is "<kind>-" and what is its own.
        restore: takes the trash, an entry's id and a new name or "", puts it back and returns its name.
        entries: lists those that stay rows of the database; None where they lie in the trash folder.
        purge: deletes one of these rows for good and returns {"freed_bytes", ...}; None as above.
        is_last: emptied after the other kinds, the youngest first, because it may hold others.
    """

    kind: str
    restore: Callable[[Trash, str, str], str]
    entries: Callable[[Trash], list[Deleted]] | None = None
    purge: Callable[[Trash, str], Work] | None = None
    is_last: bool = False


_kinds: Register[TrashKind] = Register("kind of thing in the trash", "kinds of thing in the trash")


def register_trash(kind: TrashKind) -> None:
    """Let the trash know a kind.

    Raises:
        ValueError: two kinds have one name.
    """
    _kinds.add(kind.kind, kind)


class Trash:
    """The trash of a workspace.

    It holds rows of the database that have a note on them, and things in the trash folder.
    """

    def __init__(self, store: Store, workspace: Workspace) -> None:
        self.store, self.workspace = store, workspace
        self.folder = TrashFolder(workspace)

    def entries(self) -> list[Deleted]:
        """Return everything in the trash, what was deleted last first."""
        things = [_listed(thing) for thing in self.folder.things()]
        rows = [entry for kind in _kinds if kind.entries for entry in kind.entries(self)]
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
        """Put an entry back whole, and return it under the name that it has now.

        Args:
            key: id of the entry.
            new_name: what to call it; "" for the name that it had.

        Raises:
            NotFound: nothing in the trash has the id.
            BadInput: the new name is refused.
            Conflict: the name is taken, or the entry cannot be restored; the message says why.
        """
        entry = self.entry(key)
        if entry.problem:
            raise Conflict(f"{entry.kind} {entry.name!r} cannot be restored: {entry.problem}")
        return replace(entry, name=_kinds.called(entry.kind).restore(self, key, new_name.strip()))

    def purge(self, key: str) -> Work:
        """Delete an entry for good; return {"freed_bytes"} and what else it counted.

        Raises:
            NotFound: nothing in the trash has the id.
            Conflict: another dataset lies in its folder.
            Unavailable: a file cannot be deleted.
        """
        entry = self.entry(key)
        purge = _kinds.called(entry.kind).purge if entry.kind in _kinds else None
        if purge:
            return (yield from purge(self, key))
        return (yield from _deleted(self.folder.delete(self.thing(key)), entry.name))

    def empty(self) -> Work:
        """Delete everything in the trash for good.

        The result is {"deleted", "kept": [{"entry", "name", "reason"}], "freed_bytes"}.
        """
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

    def thing(self, key: str) -> Thrown:
        """Return what lies in the trash folder under an id.

        Raises:
            NotFound: it is gone by now.
        """
        found = next((thing for thing in self.folder.things() if thing.entry == key), None)
        if found is None:
            raise NotFound(f"{key!r} is no longer in the trash: somebody else restored or deleted it")
        return found

    def _emptied(self) -> Iterator[Deleted]:
        """Yield the entries in the order in which they can go.

        A dataset that lies in another's folder goes before that other: it is linked, so younger.
        """
        last = {kind.kind for kind in _kinds if kind.is_last}
        listed = self.entries()
        yield from (entry for entry in listed if entry.kind not in last)
        yield from sorted((e for e in listed if e.kind in last), key=lambda e: -row_id(e.entry))


def row_id(key: str) -> int:
    """Return the number of the row that an entry's id names."""
    return int(key.rpartition("-")[2])


def _listed(thing: Thrown) -> Deleted:
    problem = OLD if thing.kind == LEFT_BEHIND else ""
    if not problem and thing.kind not in _kinds:
        problem = f"this version does not know what a {thing.kind!r} is"
    return Deleted(thing.entry, thing.kind, thing.name, thing.at, thing.user, bytes=thing.bytes, problem=problem)


def _deleted(sizes: Iterator[int], name: str) -> Work:
    """Drive the deletion of files."""
    freed = 0
    for files, size in enumerate(sizes, 1):
        freed += size
        if files % EVERY == 1:
            yield Progress(files, 0, f"Deleting {name}")
    return {"freed_bytes": freed}
