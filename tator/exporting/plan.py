"""Decide which images go into an export, and under which names."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tator.attributes import Skeleton
from tator.datasets.dataset import ImageRow
from tator.datasets.label_map import LabelClass
from tator.exporting.tiling import Tiling
from tator.formats import SPLITS
from tator.storage.schema import ANNOTATION_STATUSES
from tator.storage.upright import tells_turn
from tator.storage.workspace import Workspace
from tator.types import BadInput, NotFound


class Content(Protocol):
    """What can be exported: a dataset, or a snapshot of one."""

    @property
    def name(self) -> str:
        """Name of the dataset."""

    @property
    def workspace(self) -> Workspace:
        """Where exports are written."""

    def classes(self) -> list[LabelClass]:
        """Return the classes in label-map order."""

    def images(
        self, states: Sequence[str] | None = None, splits: Sequence[str] | None = None, *, readable: bool = True
    ) -> list[ImageRow]:
        """Return images in path order."""

    def annotation_rows(self, image_ids: Sequence[int], status: str) -> dict[int, list[Any]]:
        """Return {image id: rows of the annotation table}."""

    def captions(self, image_ids: Sequence[int]) -> dict[int, str]:
        """Return {image id: caption} of those that have one."""

    def remarks(self, image_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Return {image id: {"tags", "notes"}} of those that have any."""

    def path(self, row: ImageRow) -> Path:
        """Return an image's file."""


@dataclass(frozen=True)
class Choice:
    """What of a dataset goes into an export.

    Attributes:
        splits: only these, "" being images without a split; empty takes all.
        states: only images in these states; empty takes all but those that are new and bare, which a
            trainer would learn as empty.
        classes: only these class names; empty takes all.
        statuses: of annotations.
    """

    splits: Sequence[str] = ()
    states: Sequence[str] = ()
    classes: Sequence[str] = ()
    statuses: Sequence[str] = ("accepted",)


@dataclass
class Plan:
    """What goes into an export.

    Attributes:
        content: whose images.
        image_path: where an image of a split goes, by split and name.
        choice: what of it.
        rows: {split: [(image, name inside the split)]}, both sorted.
        class_rows: {class id: row of the label map, from 0}.
        names: class names in label-map order.
        skeletons: {row of the label map: key points of the class}.
        unchosen: names of the dataset's other classes by class id, whose annotations stay behind.
        unchosen_images: how many images are of other splits or states than those chosen.
        left_out: {"file", "reason"} of images that do not go in.
        turned: how many images EXIF turns, where that was asked for.
    """

    content: Content
    image_path: Callable[[str, str], str]
    choice: Choice
    rows: dict[str, list[tuple[ImageRow, str]]]
    class_rows: dict[int, int]
    names: list[str]
    skeletons: dict[int, Skeleton] = field(default_factory=dict)
    unchosen: dict[int, str] = field(default_factory=dict)
    unchosen_images: int = 0
    left_out: list[dict] = field(default_factory=list)
    turned: int = 0

    @property
    def total(self) -> int:
        """Return how many images go in."""
        return sum(map(len, self.rows.values()))


def plan_export(
    content: Content,
    image_path: Callable[[str, str], str],
    choice: Choice,
    one_namespace: bool = False,
    tiling: Tiling | None = None,
    counts_turned: bool = False,
) -> Plan:
    """Return which images go where.

    Args:
        content: whose images.
        image_path: where an image of a split goes, by split and name.
        choice: what of it.
        one_namespace: images of two splits need names of their own.
        tiling: how they will be cut; those that cannot be are left out.
        counts_turned: whether to look for images that EXIF turns, which stay as they are.

    Raises:
        BadInput: a state, status or class is unknown, or nothing is left to export.
    """
    if unknown := sorted(set(choice.statuses) - set(ANNOTATION_STATUSES)) or (not choice.statuses and ["nothing"]):
        raise BadInput(f"statuses must be some of {', '.join(ANNOTATION_STATUSES)}, is {', '.join(unknown)}")
    classes = content.classes()
    if unknown := sorted(set(choice.classes) - {row.name for row in classes}):
        raise BadInput(f"dataset {content.name!r} has no class {unknown[0]!r}")
    chosen = [row for row in classes if row.name in choice.classes] if choice.classes else classes
    rows = {row.class_id: at for at, row in enumerate(chosen)}
    plan = Plan(content, image_path, choice, {}, rows, [row.name for row in chosen])
    plan.skeletons = {rows[row.class_id]: Skeleton.of(row.skeleton) for row in chosen if row.skeleton}
    plan.unchosen = {row.class_id: row.name for row in classes if row.class_id not in rows}
    taken: set[str] = set()
    wanted = content.images(choice.states, choice.splits, readable=False)
    if choice.states or choice.splits:
        plan.unchosen_images = len(content.images(readable=False)) - len(wanted)
    for row in wanted:
        try:
            path = _checked(content, row, choice.states, tiling)
            plan.turned += counts_turned and tells_turn(path)
        except (BadInput, NotFound) as error:
            plan.left_out.append({"file": row.path, "reason": str(error)})
            continue
        split = row.split or "train"
        place = in_one if one_namespace else image_path
        plan.rows.setdefault(split, []).append((row, _name(place, row.path, split, taken)))
    plan.rows = {split: sorted(rows, key=lambda pair: pair[1]) for split, rows in sorted(plan.rows.items())}
    if not plan.total:
        why = (
            f"; {len(plan.left_out)} were left out, the first because {plan.left_out[0]['reason']}"
            if plan.left_out
            else ""
        )
        raise BadInput(f"dataset {content.name!r} has no image to export with these splits and states{why}")
    return plan


def in_one(split: str, name: str) -> str:
    """Return what no two images may share where splits are not folders: the name."""
    return name


def _checked(content: Content, row: ImageRow, states: Sequence[str], tiling: Tiling | None) -> Path:
    """Return an image's file.

    Raises:
        BadInput: says why it does not go into the export.
        NotFound: the file is gone.
    """
    if row.problem:
        raise BadInput(row.problem)
    if not states and row.state == "new" and not row.annotation_count:
        raise BadInput("new and without annotations: a trainer would learn it as empty")
    path = content.path(row)
    if tiling and (problem := tiling.problem(row.width, row.height)):
        raise BadInput(problem)
    return path


def _name(image_path: Callable[[str, str], str], path: str, split: str, taken: set[str]) -> str:
    """Return an image's path inside its split.

    Sub-folders are kept; those that only say "images" or "train" are left off.

    Two images never get one place, nor places that differ in case or ending only, as their label files would clash.
    """
    *folders, file = path.split("/")
    plain = [part for part in folders if part.lower() != "images" and part.lower() not in SPLITS]
    # Ultralytics finds labels by replacing the last /images/ of a path, so no folder below may be called that.
    full = ["imgs" if part.lower() == "images" else part for part in folders]
    stem, dot, ending = file.rpartition(".")
    numbered = ([*full, f"{stem}-{number}{dot}{ending}"] for number in range(2, 1000))
    for parts in itertools.chain(([*plain, file], [*full, file]), numbered):
        name = "/".join(parts)
        trunk = image_path(split, name).rpartition(".")[0]
        key = "/".join(part.casefold().rstrip(". ") for part in trunk.split("/"))
        if key not in taken:
            taken.add(key)
            return name
    raise BadInput(f"image {path!r} has over 900 namesakes; give it another name")
