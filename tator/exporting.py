"""Write a dataset as a zip that other tools train on: streamed, and the same bytes for the same content."""
from __future__ import annotations

import json
import os
import re
import shutil
import time
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from tator.dataset import Dataset, ImageRow
from tator.formats import SPLITS
from tator.formats._ultralytics import data_yaml
from tator.formats.coco import annotation_json, categories_json
from tator.formats.yolo import label_text
from tator.types import BadInput, NotFound, Progress, Work

FORMATS = ("yolo", "coco")
BATCH = 500  # images whose annotations are held at once
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can say: fixed, so that equal content is equal bytes
LEFT_OUT_LISTED = 1000


@dataclass
class Plan:
    """What goes into an export.

    Attributes:
        dataset: whose images.
        rows: {split: [(image, name inside the split's folder)]}, both sorted.
        class_rows: {class id: row of the label map, from 0}.
        names: class names in label-map order.
        left_out: {"file", "reason"} of images that do not go in.
        annotations: how many were written so far.
    """

    dataset: Dataset
    rows: dict[str, list[tuple[ImageRow, str]]]
    class_rows: dict[int, int]
    names: list[str]
    left_out: list[dict] = field(default_factory=list)
    annotations: int = 0

    @property
    def total(self) -> int:
        """Return how many images go in."""
        return sum(map(len, self.rows.values()))


def export_dataset(
    dataset: Dataset, format: str, with_images: bool = True, splits: Sequence[str] = (), states: Sequence[str] = ()
) -> Work:
    """Write a dataset's accepted annotations, and its images, into a zip of the workspace's exports.

    Args:
        dataset: what to export.
        format: one of FORMATS.
        with_images: put the image files in.
        splits: only these, "" being images without a split; empty takes all.
        states: only images in these states; empty takes all but those that are new and
            bare, which a trainer would learn as empty.

    Returns:
        {"file", "url", "bytes", "images", "annotations", "left_out", "notes"}.

    Raises:
        BadInput: unknown format or state, or nothing to export.
    """
    if format not in FORMATS:
        raise BadInput(f"format must be one of {', '.join(FORMATS)}, is {format!r}")
    plan = _plan(dataset, splits, states)
    if not plan.total:
        raise BadInput(f"dataset {dataset.name!r} has no image to export with these splits and states")
    folder = dataset.workspace.folder("exports")
    name = f"{dataset.name.replace(' ', '_')}-{format}-{time.strftime('%Y%m%d-%H%M%S')}-{os.urandom(2).hex()}.zip"
    part = folder / f"{name}.part"
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            yield from (_write_yolo if format == "yolo" else _write_coco)(archive, plan)
            if with_images:
                yield from _write_images(archive, plan)
        os.replace(part, folder / name)
    finally:
        part.unlink(missing_ok=True)
    return {
        "file": name, "url": f"/export/{quote(name)}", "bytes": (folder / name).stat().st_size, "images": plan.total,
        "annotations": plan.annotations, "left_out_count": len(plan.left_out),
        "left_out": plan.left_out[:LEFT_OUT_LISTED], "notes": _notes(plan),
    }


def _plan(dataset: Dataset, splits: Sequence[str], states: Sequence[str]) -> Plan:
    classes = dataset.classes()
    plan = Plan(dataset, {}, {row.class_id: at for at, row in enumerate(classes)}, [row.name for row in classes])
    taken: set[str] = set()
    for row in dataset.images(states, splits, readable=False):
        if reason := _problem(dataset, row, states):
            plan.left_out.append({"file": row.path, "reason": reason})
            continue
        split = row.split or "train"
        plan.rows.setdefault(split, []).append((row, _name(row.path, split, taken)))
    plan.rows = dict(sorted(plan.rows.items()))
    return plan


def _problem(dataset: Dataset, row: ImageRow, states: Sequence[str]) -> str:
    """Say why an image does not go into the export, or ""."""
    if row.problem:
        return row.problem
    if not states and row.state == "new" and not row.annotation_count:
        return "new and without annotations: a trainer would learn it as empty"
    try:
        dataset.path(row)
    except (BadInput, NotFound) as error:
        return str(error)
    return ""


def _name(path: str, split: str, taken: set[str]) -> str:
    """Return an image's path under images/<split>/: its sub-folders kept, those that only say "images, train" left off.

    Two images never get one name, nor names that differ in case or ending only, as their label files would clash.
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
        key = "/".join(part.casefold().rstrip(". ") for part in (split, *parts[:-1], parts[-1].rpartition(".")[0]))
        if key not in taken:
            taken.add(key)
            return name
    raise BadInput(f"image {path!r} has over 900 namesakes; give it another name")


def _batches(plan: Plan, split: str) -> Iterator[list[tuple[ImageRow, str, list]]]:
    """Yield (image, name, accepted annotation rows of living classes) of a split, some at a time."""
    rows = plan.rows[split]
    for start in range(0, len(rows), BATCH):
        batch = rows[start:start + BATCH]
        found = plan.dataset.annotation_rows([row.id for row, _ in batch])
        yield [(row, name, [a for a in found[row.id] if a["class_id"] in plan.class_rows]) for row, name in batch]


def _entry(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, EPOCH)
    info.create_system, info.external_attr = 3, 0o644 << 16
    return info


def _write_text(archive: zipfile.ZipFile, name: str, text: str) -> None:
    archive.writestr(_entry(name), text, zipfile.ZIP_DEFLATED)


def _write_yolo(archive: zipfile.ZipFile, plan: Plan) -> Work:
    """Write data.yaml, the class names and a label file an image."""
    folders = {split: f"images/{split}" for split in plan.rows}
    first = next(iter(folders.values()))
    needed = {"train": folders.get("train", first), "val": folders.get("val", folders.get("test", first))}
    _write_text(archive, "data.yaml", data_yaml(plan.names, {**needed, **folders}))
    _write_text(archive, "labelmap.txt", "".join(f"{name}\n" for name in plan.names))
    done = 0
    for split in plan.rows:
        for batch in _batches(plan, split):
            for row, name, accepted in batch:
                boxes = [(plan.class_rows[a["class_id"]], (a["x1"], a["y1"], a["x2"], a["y2"])) for a in accepted]
                plan.annotations += len(boxes)
                stem = name.rpartition(".")[0]
                _write_text(archive, f"labels/{split}/{stem}.txt", label_text(boxes, row.width, row.height))
            done += len(batch)
            yield Progress(done, plan.total, "Writing labels")


def _write_coco(archive: zipfile.ZipFile, plan: Plan) -> Work:
    """Write a COCO file a split, piece by piece, so that memory does not grow with the dataset."""
    done = 0
    for split in plan.rows:
        with archive.open(_entry(f"annotations/instances_{split}.json"), "w", force_zip64=True) as file:
            file.write(b'{"info": {"description": "", "version": "1"}, "licenses": [],\n"categories": ')
            file.write(_json(categories_json(plan.names)) + b',\n"images": [')
            for number, (row, name) in enumerate(plan.rows[split], 1):
                facts = {"id": number, "file_name": name, "width": row.width, "height": row.height}
                file.write((b",\n" if number > 1 else b"\n") + _json(facts))
            file.write(b'],\n"annotations": [')
            number = image_number = 0
            for batch in _batches(plan, split):
                for row, _, accepted in batch:
                    image_number += 1
                    for found in accepted:
                        number += 1
                        category = plan.class_rows[found["class_id"]] + 1
                        facts = annotation_json(found, number, image_number, category, (row.width, row.height))
                        file.write((b",\n" if number > 1 else b"\n") + _json(facts))
                done += len(batch)
                yield Progress(done, plan.total, "Writing annotations")
            file.write(b"]}\n")
        plan.annotations += number


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


def _write_images(archive: zipfile.ZipFile, plan: Plan) -> Work:
    """Copy the image files in as they are; one that vanished meanwhile is said."""
    done = 0
    for split, rows in plan.rows.items():
        for row, name in rows:
            try:
                with open(plan.dataset.path(row), "rb") as source:
                    with archive.open(_entry(f"images/{split}/{name}"), "w", force_zip64=True) as sink:
                        shutil.copyfileobj(source, sink, 1 << 20)
            except (BadInput, NotFound, FileNotFoundError, PermissionError) as error:
                plan.left_out.append({"file": row.path, "reason": f"labels only: {error}"})
            done += 1
            if done % 25 == 0 or done == plan.total:
                yield Progress(done, plan.total, name)


def _notes(plan: Plan) -> list[str]:
    """Return what a person should know about the export."""
    notes = []
    if unsplit := sum(row.split is None for rows in plan.rows.values() for row, _ in rows):
        notes.append(f"{unsplit} images without a split are in train")
    if "val" not in plan.rows:
        notes.append(f"there is no val split: data.yaml validates on {'test' if 'test' in plan.rows else 'train'}")
    if plan.left_out:
        notes.append(f"{len(plan.left_out)} images were left out, each with its reason")
    return notes


def listing(folder: Path) -> list[dict]:
    """Return the finished exports of a folder, newest first."""
    files = [(path, path.stat()) for path in folder.glob("*.zip")]
    rows = [{"file": p.name, "url": f"/export/{quote(p.name)}", "bytes": s.st_size, "created_at": s.st_mtime} for p, s in files]
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
