"""Families of runs: what a workflow says once about what its trainings leave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from tator.storage.names import portable_name
from tator.storage.register import Register

if TYPE_CHECKING:
    from tator.storage.trash import Trash

T = TypeVar("T")
RECIPE, METRICS, LOG = "recipe.json", "metrics.json", "log.txt"


@dataclass(frozen=True)
class Along:
    """What goes to the trash and comes back with a run, such as rows of the database.

    Attributes:
        throw: takes the trash, the run's folder and who is acting, before the folder goes.
        restore: takes the trash and the run's folder, after it has come back.
    """

    throw: Callable[[Trash, Path, str], None]
    restore: Callable[[Trash, Path], None]


@dataclass(frozen=True)
class Family(Generic[T]):
    """One sort of run, declared by the workflow that trains it.

    Attributes:
        name: what verbs call it.
        label: what people read, in the plural.
        one: what one run is called in messages; with _ for spaces, its kind in the trash.
        weights: file that a folder must hold to be a run.
        load: reads the weights without running anything from them, BadInput where they are unsound; None where
            there is nothing to check, and then runs are neither activated nor imported.
        report: file that says how the training went.
        folder: below the workspace's runs; "" for the family's name.
        train: operation that trains one; its argument `name` is the run's.
        settings_of: the arguments of `train`, from the report of a run that was kept before there were recipes.
        is_of_dataset: a dataset has one run, named by the dataset's id.
        is_tree: all files of the folder and its folders belong to the run.
        figures: key figures of a run for lists, by name, from its weights and its report; plain values.
        check_report: says BadInput where the report of an imported run is not as this program writes it.
        along: what else goes and comes back with a run.
        check_name: returns a name that is allowed, from the name and `one`.
    """

    name: str
    label: str
    one: str
    weights: str
    load: Callable[[Path], T] | None = None
    report: str = METRICS
    folder: str = ""
    train: str = ""
    settings_of: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    figures: Callable[[T, dict[str, Any]], dict[str, Any]] | None = None
    check_report: Callable[[dict[str, Any]], None] | None = None
    is_of_dataset: bool = False
    is_tree: bool = False
    along: Along | None = None
    check_name: Callable[[str, str], str] = portable_name

    @property
    def kind(self) -> str:
        """What its runs are called in the trash."""
        return self.one.replace(" ", "_")

    @property
    def files(self) -> tuple[str, ...]:
        """Files that a run may consist of, where it is not a tree."""
        return tuple(dict.fromkeys((self.weights, self.report, RECIPE, LOG)))


_families: Register[Family] = Register("family of runs", "families of runs")


def add_family(family: Family) -> None:
    """Remember a family.

    Raises:
        ValueError: two families have one name.
    """
    _families.add(family.name, family)


def families() -> list[Family]:
    """Return the families that are known, by name."""
    return list(_families)


def family_called(name: str) -> Family:
    """Return a family by name.

    Raises:
        NotFound: there is none; the message names those that there are.
    """
    return _families.called(name)
