"""Write a dataset as a zip that other tools train on.

It is streamed, and equal content gives equal bytes.
"""

from __future__ import annotations

import io
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from tator.datasets.dataset import ImageRow
from tator.editing.candidate_pages import HUMAN
from tator.exporting.losses import Losses
from tator.exporting.plan import Choice, Content, Plan, plan_export
from tator.exporting.tiling import ENCODERS, SplitTiles, Tally, Tiling, count_tiles, encoded
from tator.exporting.zips import Zip, write_files
from tator.formats import Label
from tator.formats.table import FORMATS, writable
from tator.formats.writing import Written
from tator.storage.images import portable
from tator.storage.upright import NOT_TURNED, TURNED, upright_copy
from tator.storage.workspace import Workspace
from tator.storage.zips import entry
from tator.types import BadInput, NotFound, Progress, Work

BATCH = 500  # images whose annotations are held at once
LEFT_OUT_LISTED = 1000
STORED = frozenset(".jpg .jpeg .png .webp .gif .tif .tiff .mpo".split())  # compressed already


class SplitImages:
    """The images of one split with their labels.

    They are read from the database in batches, anew on each pass.

    Attributes:
        annotations: how many there were when last gone through.
        losses: what they had that a format may have no room for.
    """

    def __init__(self, plan: Plan, split: str, has_crowds: bool = False, notes: Counter | None = None) -> None:
        self.plan, self.split, self.has_crowds = plan, split, has_crowds
        self.annotations, self.losses = 0, Losses()
        self._notes = Counter() if notes is None else notes

    def __iter__(self) -> Iterator[Written]:
        plan = self.plan
        self.annotations, self.losses = 0, Losses()
        for start in range(0, len(plan.rows[self.split]), BATCH):
            batch = plan.rows[self.split][start : start + BATCH]
            ids = [row.id for row, _ in batch]
            found = [plan.content.annotation_rows(ids, status) for status in plan.choice.statuses]
            captions, remarks = plan.content.captions(ids), plan.content.remarks(ids)
            for row, name in batch:
                labels = [self._label(each) for rows in found for each in rows[row.id] if self._takes(each)]
                said, content = captions.get(row.id), partial(self._content, row)
                path = plan.image_path(self.split, name)
                image = Written(
                    path, name, self.split, row.width, row.height, labels, said, content, **remarks.get(row.id, {})
                )
                self.annotations += len(labels)
                self.losses.add(image)
                yield image

    def _takes(self, row: Any) -> bool:
        return self.losses.takes(row, self.plan, self.has_crowds)

    def _content(self, row: ImageRow) -> tuple[bytes, str]:
        """Return an image for a format that holds it; one that vanished meanwhile is said."""
        try:
            content, kind, is_own = portable(self.plan.content.path(row))
        except (BadInput, NotFound) as error:
            self.plan.left_out.append({"file": row.path, "reason": str(error)})
            return b"", ""
        if not is_own:
            self._notes[
                "images are encoded again, upright and with 8 bits, for decoders that know JPEG and PNG only"
            ] += 1
        return content, kind

    def _label(self, row: Any) -> Label:
        return Label(
            self.plan.class_rows[row["class_id"]],
            (row["x1"], row["y1"], row["x2"], row["y2"]),
            row["polygons"],
            row["rle"],
            None if row["status"] == "accepted" and row["source"] != HUMAN else row["confidence"],
            row["attributes"],
        )


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
    """Write a dataset's annotations and images into a zip in the exports folder.

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
        BadInput: unknown format, state, status or class, nothing to export, or a format that needs the images.
    """
    known = FORMATS.get(format)
    if known is None or known.write is None:
        raise BadInput(f"format must be one of {', '.join(writable())}, is {format[:80]!r}")
    write = known.write
    if known.holds_images and not with_images:
        raise BadInput(f"{known.label} holds the images themselves; export it with them")
    choice = Choice(splits, states, classes, statuses)
    plan = plan_export(dataset, known.image_path, choice, known.one_namespace, tiling, not with_images)

    def fill(archive: zipfile.ZipFile) -> Work:
        out, total = Zip(archive), plan.total
        out.skeletons = plan.skeletons
        whole = {split: SplitImages(plan, split, known.holds("crowd"), out.notes) for split in plan.rows}
        images: dict[str, Any] = dict(whole)
        if tiling:
            images = {split: SplitTiles(each, tiling, known.image_path) for split, each in whole.items()}
            total = yield from count_tiles(list(images.values()), plan.total)
        for done in write(out, plan.names, images):
            if done % 50 == 0 or done == total:
                yield Progress(done, total, "Writing labels")
        if with_images and not known.holds_images:
            yield from _write_tiles(archive, plan, images, total) if tiling else _write_images(archive, plan, out.notes)
        out.notes.update({NOT_TURNED: plan.turned} if plan.turned else {})
        losses = Losses.of(each.losses for each in whole.values())
        if tiling:  # Tally tells of these
            losses.captions = losses.notes = 0
        out.notes.update(losses.told(known))
        if plan.skeletons and not known.holds_skeletons:
            out.notes[f"classes lose the names and joints of their key points: {known.label} holds none"] = len(
                plan.skeletons
            )
        facts, notes = (
            {"annotations": sum(each.annotations for each in images.values())},
            notes_of(plan, out.notes) + _split_notes(plan, format),
        )
        if not tiling:
            return facts | {"notes": notes}
        tally = Tally.of(images.values())
        return facts | tally.facts() | {"notes": notes + tally.notes(tiling)}

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


def _write_images(archive: zipfile.ZipFile, plan: Plan, notes: Counter) -> Work:
    """Copy the image files in as they are, but those that EXIF turns upright.

    One that vanished meanwhile is said.
    """
    done = 0
    for split, rows in plan.rows.items():
        for row, name in rows:
            try:
                path = plan.content.path(row)
                upright = upright_copy(path)
                notes.update({TURNED: 1} if upright else {})
                with io.BytesIO(upright) if upright else open(path, "rb") as source:
                    head = entry(plan.image_path(split, name), compressed=Path(name).suffix.lower() not in STORED)
                    with archive.open(head, "w", force_zip64=True) as sink:
                        shutil.copyfileobj(source, sink, 1 << 20)
            except (BadInput, NotFound, FileNotFoundError, PermissionError) as error:
                plan.left_out.append({"file": row.path, "reason": f"labels only: {error}"})
            done += 1
            if done % 25 == 0 or done == plan.total:
                yield Progress(done, plan.total, name)


def _write_tiles(archive: zipfile.ZipFile, plan: Plan, images: Mapping[str, SplitTiles], total: int) -> Work:
    """Write the tiles, image by image; report images that can no longer be cut."""
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


def notes_of(plan: Plan, lost: Counter) -> list[str]:
    """Return what a person should know of what stays behind.

    Args:
        plan: of the export, after it was written.
        lost: {what was lost or changed: how often}.
    """
    notes = [f"{count} {text}" for text, count in lost.items()]
    if plan.unchosen_images:
        notes.append(f"{plan.unchosen_images} images of splits or states that were not chosen are left out")
    if plan.left_out:
        notes.append(f"{len(plan.left_out)} images were left out; left_out lists them, each with its reason")
    return notes


def _split_notes(plan: Plan, format: str) -> list[str]:
    notes = []
    if unsplit := sum(row.split is None for rows in plan.rows.values() for row, _ in rows):
        notes.append(f"{unsplit} images without a split are in train")
    if "val" not in plan.rows and format.startswith("yolo"):
        notes.append(f"there is no val split: data.yaml validates on {'test' if 'test' in plan.rows else 'train'}")
    return notes
