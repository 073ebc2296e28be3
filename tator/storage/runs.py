"""The shelf for what a training left: one folder a run, `runs/<family>/<name>/`.

A run holds its weights, a report of how it went and the recipe, which are the arguments it was trained with. The workflow
that trains declares its Family once and registers it; from then on its runs are listed, activated, renamed, moved to the
trash, downloaded and imported here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

from tator.storage.atomic import write_json
from tator.storage.families import RECIPE, Family, add_family, families
from tator.storage.names import is_folder_name
from tator.storage.trash import Trash, TrashKind, register_trash
from tator.storage.trash_files import TrashFolder, delete_files
from tator.storage.workspace import Workspace
from tator.types import BadInput, Conflict, NotFound, Unavailable

T = TypeVar("T")
ACTIVE = "active.json"


def register_family(family: Family[T]) -> Family[T]:
    """Let the shelf, and the trash, know a family; return it.

    Raises:
        ValueError: two families have one name.
    """

    def restore(trash: Trash, entry: str, new_name: str) -> str:
        return Runs(trash.workspace, family).restore(trash, entry, new_name)

    add_family(family)
    register_trash(TrashKind(family.kind, restore))
    return family


def delete_runs_of(workspace: Workspace, dataset_id: int) -> int:
    """Delete for good the runs kept by a dataset's id; return the bytes freed."""
    kept = [Runs(workspace, family).place(str(dataset_id)) for family in families() if family.is_of_dataset]
    return sum(sum(delete_files(folder)) for folder in kept)


class Runs(Generic[T]):
    """The runs of one family in a workspace."""

    def __init__(self, workspace: Workspace, family: Family[T]) -> None:
        """Look at runs/<family>; the folder is made when the first run is saved."""
        self.workspace, self.family = workspace, family
        self.folder = workspace.folder("runs") / (family.folder or family.name)

    def names(self) -> list[str]:
        """Return the names of all runs, sorted."""
        folders = [path.parent.name for path in self.folder.glob(f"*/{self.family.weights}")]
        return sorted(name for name in folders if is_folder_name(name))

    def place(self, name: str) -> Path:
        """Return the folder of a run, which need not be there."""
        return self.folder / name

    def path(self, name: str) -> Path:
        """Return the weights file of a run.

        Raises:
            NotFound: there is none.
        """
        file = self.place(name) / self.family.weights
        if not is_folder_name(name) or not file.is_file():
            there = ", ".join(self.names()) or "none"
            raise NotFound(f"no {self.family.one} is called {name!r}; there are: {there}")
        return file

    def load(self, name: str) -> T:
        """Return a run's weights, read and checked.

        Raises:
            NotFound: there is none.
            BadInput: its file is not sound, or the family has nothing to load.
        """
        path = self.path(name)
        if self.family.load is None:
            raise BadInput(f"a {self.family.one} holds no weights to load")
        return self.family.load(path)

    def report(self, name: str) -> dict[str, Any]:
        """Return what was recorded when it was trained; empty where nothing was.

        Raises:
            NotFound: there is none.
            BadInput: the file is damaged.
        """
        return self._read(name, self.family.report)

    def again(self, name: str) -> dict[str, Any]:
        """Return the arguments, without a name, that train another with the same settings.

        Raises:
            NotFound: there is none.
            Unavailable: its settings were not kept.
        """
        recipe, settings_of = self._read(name, RECIPE), self.family.settings_of
        if not recipe and settings_of:
            recipe = settings_of(self.report(name))
        if not recipe:
            raise Unavailable(
                f"the settings of {self.family.one} {name!r} were not kept; choose settings and train one with them"
            )
        return recipe

    def check_free(self, name: str) -> str:
        """Return a name that a new run can have.

        Raises:
            BadInput: the name cannot be a run's.
            Conflict: a run has it.
        """
        if self.place(self.family.check_name(name, self.family.one)).exists():
            raise Conflict(f"a {self.family.one} called {name!r} exists already; choose another name or delete it")
        return name

    def save(
        self, name: str, recipe: Mapping[str, Any], report: Mapping[str, Any], write: Callable[[Path], object]
    ) -> None:
        """Add a run, or replace the files of the one with that name, each in one step.

        Args:
            name: of the run.
            recipe: arguments, without the name, with which another like it is trained.
            report: how the training went.
            write: writes the weights to the path that it is given.

        Raises:
            BadInput: the name cannot be a run's.
        """
        folder = self.place(self.family.check_name(name, self.family.one))
        write_json(folder / RECIPE, dict(recipe))
        write_json(folder / self.family.report, dict(report))
        write(folder / self.family.weights)

    def rename(self, name: str, new_name: str) -> None:
        """Give a run another name; an active one stays active.

        Raises:
            NotFound: there is none.
            Conflict: the new name is taken.
            BadInput: the new name cannot be a run's.
        """
        source, is_active = self.path(name).parent, self.active() == name
        self._may_be_named()
        target = self.place(self.check_free(new_name))
        self._rename_report(source, new_name)
        source.rename(target)
        if is_active:
            write_json(self.folder / ACTIVE, {"name": new_name})

    def delete(self, name: str, user: str = "", trash: Trash | None = None) -> str:
        """Move a run to the trash and return its id there.

        Deleting the active one leaves none active. What goes along with the runs of a family needs the trash.

        Raises:
            NotFound: there is none.
        """
        folder = self.path(name).parent
        if self.active() == name:
            self.deactivate()
        if self.family.along and trash:
            self.family.along.throw(trash, folder, user)
        return TrashFolder(self.workspace).throw(self.family.kind, name, user, folder)

    def restore(self, trash: Trash, entry: str, new_name: str = "") -> str:
        """Take a run out of the trash and return its name; it is not made active.

        Raises:
            NotFound: it is not in the trash.
            BadInput: the new name cannot be a run's.
            Conflict: a run has the name.
        """
        thing = trash.thing(entry)
        if new_name and new_name != thing.name:
            self._may_be_named()
        name = self.family.check_name(new_name or thing.name, self.family.one)
        if self.place(name).exists():
            raise Conflict(f"a {self.family.one} called {name!r} exists; give another name to restore this one under")
        content = trash.folder.content(thing)
        self._rename_report(content, name)
        self.folder.mkdir(parents=True, exist_ok=True)
        content.rename(self.place(name))
        trash.folder.forget(thing)
        if self.family.along:
            self.family.along.restore(trash, self.place(name))
        return name

    def activate(self, name: str) -> None:
        """Make a run the one that is used where none is named.

        Raises:
            NotFound: there is none.
            BadInput: its file is not sound.
        """
        if self.family.load is None:
            raise BadInput(f"a {self.family.one} cannot be made active: it serves the dataset that it was made from")
        self.load(name)
        write_json(self.folder / ACTIVE, {"name": name})

    def deactivate(self) -> None:
        """Leave no run active."""
        (self.folder / ACTIVE).unlink(missing_ok=True)

    def active(self) -> str:
        """Return the active run's name, "" where there is none."""
        chosen = self.folder / ACTIVE
        if not chosen.is_file():
            return ""
        name = json.loads(chosen.read_text(encoding="utf-8"))["name"]
        return name if name in self.names() else ""

    def files(self, name: str) -> dict[str, Path]:
        """Return {path inside the run's folder: file} of what belongs to a run.

        Raises:
            NotFound: there is none.
        """
        folder = self.path(name).parent
        if self.family.is_tree:
            found = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
            return {path.relative_to(folder).as_posix(): path for path in found}
        return {file: folder / file for file in self.family.files if (folder / file).is_file()}

    def _read(self, name: str, file: str) -> dict[str, Any]:
        path = self.path(name).with_name(file)
        return read_object(path) if path.is_file() else {}

    def _may_be_named(self) -> None:
        if self.family.is_of_dataset:
            raise BadInput(f"a {self.family.one} is named after its dataset and cannot have another name")

    def _rename_report(self, folder: Path, name: str) -> None:
        """Write the name into a report that repeats it."""
        path = folder / self.family.report
        if path.is_file() and "name" in (report := read_object(path)):
            write_json(path, report | {"name": name})


def read_object(path: Path) -> dict[str, Any]:
    """Return the object that a JSON file holds.

    Raises:
        BadInput: it is not JSON, or not an object.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadInput(f"{path.name} is not readable JSON: {error}") from error
    if not isinstance(value, dict):
        raise BadInput(f"{path.name} must hold an object, holds {type(value).__name__}")
    return value
