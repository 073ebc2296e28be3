"""Write a dataset as a zip that other tools train on: streamed, and the same bytes for the same content."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol
from urllib.parse import quote

from tator.dataset import ImageRow
from tator.formats import SPLITS, Label
from tator.formats._writing import Written
from tator.formats.table import format_named, writable
from tator.label_map import LabelClass
from tator.schema import ANNOTATION_STATUSES
from tator.tiling import ENCODERS, SplitTiles, Tally, Tiling, count_tiles, encoded
from tator.types import BadInput, NotFound, Progress, Work
from tator.workspace import Workspace

BATCH = 500  # images whose annotations are held at once
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can say: fixed, so that equal content is equal bytes
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
    """

    def __init__(self, plan: Plan, split: str) -> None:
        self.plan, self.split, self.annotations = plan, split, 0

    def __iter__(self) -> Iterator[Written]:
        plan, self.annotations = self.plan, 0
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
                path = plan.image_path(self.split, name)
                yield Written(path, name, self.split, row.width, row.height, labels, captions.get(row.id))

    def _label(self, row: Any) -> Label:
        return Label(
            self.plan.class_rows[row["class_id"]],
            (row["x1"], row["y1"], row["x2"], row["y2"]),
            row["polygons"],
            row["rle"],
        )


class Zip:
    """A zip as a format's output: fixed times and rights, so that equal content is equal bytes."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.notes: Counter = Counter()

    def text(self, name: str, text: str) -> None:
        """Write a whole text file."""
        self.archive.writestr(entry(name), text, zipfile.ZIP_DEFLATED)

    def open(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Lend a file to write bytes to, one at a time."""
        return self.archive.open(entry(name, compressed=True), "w", force_zip64=True)


def entry(name: str, compressed: bool = False) -> zipfile.ZipInfo:
    """Return the head of a zip entry that depends on nothing but its name."""
    info = zipfile.ZipInfo(name, EPOCH)
    info.create_system, info.external_attr = 3, 0o644 << 16
    info.compress_type = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    return info


def export_dataset(
    dataset: Content,
    format: str,
    with_images: bool = True,
    splits: Sequence[str] = (),
    states: Sequence[str] = (),
    classes: Sequence[str] = (),
    statuses: Sequence[str] = ("accepted",),
    tiling: Tiling | None = None,
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
        tiling: cut the images into tiles; None writes them whole.

    Returns:
        {"file", "url", "bytes", "sha256", "images", "annotations", "left_out", "notes"}, and Tally.facts of tiles.

    Raises:
        BadInput: unknown format, state, status or class, or nothing to export.
    """
    if format not in writable():
        raise BadInput(f"format must be one of {', '.join(writable())}, is {format[:80]!r}")
    known = format_named(format)
    plan = plan_export(dataset, known.image_path, Choice(splits, states, classes, statuses), tiling)

    def fill(archive: zipfile.ZipFile) -> Work:
        out, total = Zip(archive), plan.total
        images: dict[str, Any] = {split: SplitImages(plan, split) for split in plan.rows}
        if tiling:
            images = {split: SplitTiles(each, tiling, known.image_path) for split, each in images.items()}
            total = yield from count_tiles(list(images.values()), plan.total)
        for done in known.write(out, plan.names, images):
            if done % 50 == 0 or done == total:
                yield Progress(done, total, "Writing labels")
        if with_images:
            yield from _write_tiles(archive, plan, images, total) if tiling else _write_images(archive, plan)
        facts = {"annotations": sum(each.annotations for each in images.values())}
        if not tiling:
            return facts | {"notes": _notes(plan, out.notes, format)}
        tally = Tally.of(images.values())
        return facts | tally.facts() | {"notes": _notes(plan, out.notes, format) + tally.notes(tiling.min_visible)}

    title = f"{dataset.name}-{format}" + (f"-tiles{tiling.size}" if tiling else "")
    return (yield from write_zip(dataset.workspace, title, plan, fill))


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


def write_files(workspace: Workspace, title: str, fill: Callable[[zipfile.ZipFile], Work]) -> Work:
    """Make a zip in the workspace's exports; nothing is left behind when it is cancelled or fails.

    Args:
        workspace: whose exports.
        title: what the file's name begins with.
        fill: writes it and returns further facts.

    Returns:
        {"file", "url", "bytes", "sha256"} and the further facts.
    """
    folder = workspace.folder("exports")
    name = f"{title.replace(' ', '_')}-{time.strftime('%Y%m%d-%H%M%S')}-{os.urandom(2).hex()}.zip"
    part = folder / f"{name}.part"
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            facts = yield from fill(archive)
        with open(part, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.replace(part, folder / name)
    finally:
        part.unlink(missing_ok=True)
    size = (folder / name).stat().st_size
    return {"file": name, "url": f"/export/{quote(name)}", "bytes": size, "sha256": digest, **facts}


def plan_export(
    content: Content, image_path: Callable[[str, str], str], choice: Choice, tiling: Tiling | None = None
) -> Plan:
    """Return which images go where.

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
        if reason := _problem(content, row, choice.states, tiling):
            plan.left_out.append({"file": row.path, "reason": reason})
            continue
        split = row.split or "train"
        plan.rows.setdefault(split, []).append((row, _name(image_path, row.path, split, taken)))
    plan.rows = {split: sorted(rows, key=lambda pair: pair[1]) for split, rows in sorted(plan.rows.items())}
    if not plan.total:
        why = (
            f"; {len(plan.left_out)} were left out, the first because {plan.left_out[0]['reason']}"
            if plan.left_out
            else ""
        )
        raise BadInput(f"dataset {content.name!r} has no image to export with these splits and states{why}")
    return plan


def _problem(content: Content, row: ImageRow, states: Sequence[str], tiling: Tiling | None) -> str:
    """Say why an image does not go into the export, or ""."""
    if row.problem:
        return row.problem
    if not states and row.state == "new" and not row.annotation_count:
        return "new and without annotations: a trainer would learn it as empty"
    try:
        content.path(row)
    except (BadInput, NotFound) as error:
        return str(error)
    return tiling.problem(row.width, row.height) if tiling else ""


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


def _write_tiles(archive: zipfile.ZipFile, plan: Plan, images: Mapping[str, SplitTiles], total: int) -> Work:
    """Write the tiles of one image after the other; an image that cannot be cut any more is said."""
    done = 0
    with ThreadPoolExecutor(ENCODERS) as pool:
        for split, rows in plan.rows.items():
            for (row, _), group in zip(rows, images[split].groups(), strict=True):
                try:
                    files = encoded(plan.content.path(row), (row.width, row.height), group, pool) if group else ()
                    for at, (path, file) in enumerate(files, 1):
                        archive.writestr(entry(path), file)
                        if at % 25 == 0 or at == len(group):
                            yield Progress(done + at, total, row.path)
                except (BadInput, NotFound) as error:
                    plan.left_out.append({"file": row.path, "reason": f"labels only: {error}"})
                done += len(group)


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


def listing(folder: Path) -> list[dict]:
    """Return the finished exports of a folder, newest first."""
    files = [(path, path.stat()) for path in folder.glob("*.zip")]
    rows = [
        {"file": p.name, "url": f"/export/{quote(p.name)}", "bytes": s.st_size, "created_at": s.st_mtime}
        for p, s in files
    ]
    return sorted(rows, key=lambda row: (-row["created_at"], row["file"]))


def export_file(folder: Path, name: str) -> Path:
    """Return an export's file.

    Raises:
        BadInput: the name is not that of a zip in the folder itself.
        NotFound: no such export.
    """
    if not re.fullmatch(r"[^/\\\x00-\x1f]{1,250}\.zip", name) or name.startswith("."):
        raise BadInput(f"export {name[:100]!r} is no file name; expected one of exports_list")
    if not (folder / name).is_file():
        raise NotFound(f"no export is called {name!r}")
    return folder / name
