"""Write a dataset as a zip that other tools train on: streamed, and the same bytes for the same content."""

from __future__ import annotations

import shutil
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from tator.dataset import ImageRow
from tator.export_files import Zip, entry, write_files
from tator.formats import SPLITS, Label
from tator.formats._writing import Written
from tator.formats.table import format_named, writable
from tator.images import portable
from tator.label_map import LabelClass
from tator.schema import ANNOTATION_STATUSES
from tator.types import BadInput, NotFound, Progress, Work
from tator.workspace import Workspace

BATCH = 500  # images whose annotations are held at once
LEFT_OUT_LISTED = 1000
STORED = frozenset(".jpg .jpeg .png .webp .gif .tif .tiff .mpo".split())  # compressed already


class Content(Protocol):
    """What can be exported: a dataset, or a snapshot of one."""

    name: str
    workspace: Workspace

    def classes(self) -> list[LabelClass]:
        """Return the classes in label-map order."""

    def images(self, states: Sequence[str] | None, splits: Sequence[str] | None, readable: bool) -> list[ImageRow]:
        """Return images in path order."""

    def annotation_rows(self, image_ids: Sequence[int], status: str) -> dict[int, list[Any]]:
        """Return {image id: rows of the annotation table}."""

    def captions(self, image_ids: Sequence[int]) -> dict[int, str]:
        """Return {image id: caption} of those that have one."""

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
        left_out: {"file", "reason"} of images that do not go in.
    """

    content: Content
    image_path: Callable[[str, str], str]
    choice: Choice
    rows: dict[str, list[tuple[ImageRow, str]]]
    class_rows: dict[int, int]
    names: list[str]
    left_out: list[dict] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Return how many images go in."""
        return sum(map(len, self.rows.values()))


class SplitImages:
    """The images of one split with their labels, read from the database some at a time, each time they are gone through.

    Attributes:
        annotations: how many there were when last gone through.
        captions: how many there were.
    """

    def __init__(self, plan: Plan, split: str, notes: Counter | None = None) -> None:
        self.plan, self.split, self.annotations, self.captions = plan, split, 0, 0
        self._notes = Counter() if notes is None else notes

    def __iter__(self) -> Iterator[Written]:
        plan, self.annotations, self.captions = self.plan, 0, 0
        for start in range(0, len(plan.rows[self.split]), BATCH):
            batch = plan.rows[self.split][start : start + BATCH]
            ids = [row.id for row, _ in batch]
            found = [plan.content.annotation_rows(ids, status) for status in plan.choice.statuses]
            captions = plan.content.captions(ids)
            for row, name in batch:
                labels = [
                    self._label(each) for rows in found for each in rows[row.id] if each["class_id"] in plan.class_rows
                ]
                self.annotations += len(labels)
                self.captions += row.id in captions
                path = plan.image_path(self.split, name)
                caption, content = captions.get(row.id), partial(self._content, row)
                yield Written(path, name, self.split, row.width, row.height, labels, caption, content)

    def _content(self, row: ImageRow) -> tuple[bytes, str]:
        """Return an image for a format that holds it; one that vanished meanwhile is said."""
        try:
            content, kind, is_own = portable(self.plan.content.path(row))
        except (BadInput, NotFound) as error:
            self.plan.left_out.append({"file": row.path, "reason": str(error)})
            return b"", ""
        if not is_own:
            self._notes["images are encoded anew, upright and with 8 bits, for decoders that know JPEG and PNG only"] += 1
        return content, kind

    def _label(self, row: Any) -> Label:
        return Label(
            self.plan.class_rows[row["class_id"]],
            (row["x1"], row["y1"], row["x2"], row["y2"]),
            row["polygons"],
            row["rle"],
        )


def export_dataset(
    dataset: Content,
    format: str,
    with_images: bool = True,
    splits: Sequence[str] = (),
    states: Sequence[str] = (),
    classes: Sequence[str] = (),
    statuses: Sequence[str] = ("accepted",),
) -> Work:
    """Write a dataset's annotations, and its images, into a zip of the workspace's exports.

    Args:
        dataset: what to export: a Dataset or a Snapshot.
        format: a name of formats.table.writable().
        with_images: put the image files in.
        splits: see Choice.
        states: see Choice.
        classes: see Choice.
        statuses: see Choice.

    Returns:
        {"file", "url", "bytes", "sha256", "images", "annotations", "left_out", "notes"}.

    Raises:
        BadInput: unknown format, state, status or class, nothing to export, or a format that needs the images.
    """
    if format not in writable():
        raise BadInput(f"format must be one of {', '.join(writable())}, is {format[:80]!r}")
    known = format_named(format)
    if known.holds_images and not with_images:
        raise BadInput(f"{known.label} holds the images themselves; export it with them")
    plan = plan_export(dataset, known.image_path, Choice(splits, states, classes, statuses), one_namespace=known.one_namespace)

    def fill(archive: zipfile.ZipFile) -> Work:
        out = Zip(archive)
        images = {split: SplitImages(plan, split, out.notes) for split in plan.rows}
        for done in known.write(out, plan.names, images):
            if done % 50 == 0 or done == plan.total:
                yield Progress(done, plan.total, "Writing labels")
        if with_images and not known.holds_images:
            yield from _write_images(archive, plan)
        if (captions := sum(each.captions for each in images.values())) and not known.holds_captions:
            out.notes[f"captions are left out: {known.label} holds none"] += captions
        return {"annotations": sum(each.annotations for each in images.values()), "notes": _notes(plan, out.notes, format)}

    return (yield from write_zip(dataset.workspace, f"{dataset.name}-{format}", plan, fill))


def write_zip(workspace: Workspace, title: str, plan: Plan, fill: Callable[[zipfile.ZipFile], Work]) -> Work:
    """Make a zip of a plan in the workspace's exports; see write_files.

    Args:
        workspace: whose exports.
        title: what the file's name begins with.
        plan: what goes in.
        fill: writes it and returns further facts.
    """
    facts = yield from write_files(workspace, title, fill)
    left_out = {"left_out_count": len(plan.left_out), "left_out": plan.left_out[:LEFT_OUT_LISTED]}
    return {"images": plan.total, **left_out, **facts}


def plan_export(
    content: Content, image_path: Callable[[str, str], str], choice: Choice, one_namespace: bool = False
) -> Plan:
    """Return which images go where.

    Args:
        content: whose images.
        image_path: where an image of a split goes, by split and name.
        choice: what of it.
        one_namespace: images of two splits need names of their own.

    Raises:
        BadInput: a state, status or class is unknown, or nothing is left to export.
    """
    if unknown := sorted(set(choice.statuses) - set(ANNOTATION_STATUSES)) or (not choice.statuses and ["nothing"]):
        raise BadInput(f"statuses must be some of {', '.join(ANNOTATION_STATUSES)}, is {', '.join(unknown)}")
    classes = content.classes()
    if unknown := sorted(set(choice.classes) - {row.name for row in classes}):
        raise BadInput(f"dataset {content.name!r} has no class {unknown[0]!r}")
    if choice.classes:
        classes = [row for row in classes if row.name in choice.classes]
    rows = {row.class_id: at for at, row in enumerate(classes)}
    plan = Plan(content, image_path, choice, {}, rows, [row.name for row in classes])
    taken: set[str] = set()
    for row in content.images(choice.states, choice.splits, readable=False):
        if reason := _problem(content, row, choice.states):
            plan.left_out.append({"file": row.path, "reason": reason})
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
    """Return what no two images may share where splits are no folders: the name."""
    return name


def _problem(content: Content, row: ImageRow, states: Sequence[str]) -> str:
    """Say why an image does not go into the export, or ""."""
    if row.problem:
        return row.problem
    if not states and row.state == "new" and not row.annotation_count:
        return "new and without annotations: a trainer would learn it as empty"
    try:
        content.path(row)
    except (BadInput, NotFound) as error:
        return str(error)
    return ""


def _name(image_path: Callable[[str, str], str], path: str, split: str, taken: set[str]) -> str:
    """Return an image's path inside its split: its sub-folders kept, those that only say "images, train" left off.

    Two images never get one place, nor places that differ in case or ending only, as their label files would clash.
    """
    *folders, file = path.split("/")
    plain = [part for part in folders if part.lower() != "images" and part.lower() not in SPLITS]
    # Ultralytics finds labels by replacing the last /images/ of a path, so no folder below may be called that.
    full = ["imgs" if part.lower() == "images" else part for part in folders]
    stem, dot, ending = file.rpartition(".")
    tries = [[*plain, file], [*full, file]]
    tries += [[*full, f"{stem}-{number}{dot}{ending}"] for number in range(2, 1000)]
    for parts in tries:
        name = "/".join(parts)
        trunk = image_path(split, name).rpartition(".")[0]
        key = "/".join(part.casefold().rstrip(". ") for part in trunk.split("/"))
        if key not in taken:
            taken.add(key)
            return name
    raise BadInput(f"image {path!r} has over 900 namesakes; give it another name")


def _write_images(archive: zipfile.ZipFile, plan: Plan) -> Work:
    """Copy the image files in as they are; one that vanished meanwhile is said."""
    done = 0
    for split, rows in plan.rows.items():
        for row, name in rows:
            try:
                with open(plan.content.path(row), "rb") as source:
                    head = entry(
                        plan.image_path(split, name), compressed=Path(name).suffix.lower() not in STORED
                    )
                    with archive.open(head, "w", force_zip64=True) as sink:
                        shutil.copyfileobj(source, sink, 1 << 20)
            except (BadInput, NotFound, FileNotFoundError, PermissionError) as error:
                plan.left_out.append({"file": row.path, "reason": f"labels only: {error}"})
            done += 1
            if done % 25 == 0 or done == plan.total:
                yield Progress(done, plan.total, name)


def _notes(plan: Plan, lost: Counter, format: str) -> list[str]:
    """Return what a person should know about the export."""
    notes = [f"{count} {text}" for text, count in lost.items()]
    if unsplit := sum(row.split is None for rows in plan.rows.values() for row, _ in rows):
        notes.append(f"{unsplit} images without a split are in train")
    if "val" not in plan.rows and format.startswith("yolo"):
        notes.append(f"there is no val split: data.yaml validates on {'test' if 'test' in plan.rows else 'train'}")
    if plan.left_out:
        notes.append(f"{len(plan.left_out)} images were left out, each with its reason")
    return notes
