"""Named, immutable states of a dataset.

Each is frozen to a file with a hash, can be compared, and always exports to the same bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import time
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from tator.datasets.dataset import REMARKS, Dataset, ImageRow
from tator.datasets.fingerprints import take_fingerprints
from tator.datasets.label_map import LabelClass
from tator.storage.atomic import replacing
from tator.storage.images import sha256
from tator.storage.schema import ANNOTATION_STATUSES, snapshot
from tator.storage.workspace import Workspace, inside
from tator.types import BadInput, Conflict, NotFound, Progress, Work

VERSION = "tator-snapshot-1"
BATCH = 500  # images read at once
LONGEST_NAME = 100
ANNOTATION_KEYS = ("id", "class_id", "polygons", "rle", "confidence", "source", "status")
_NAME = re.compile(r"[^\x00-\x1f/\\]{1,100}")


def freeze(dataset: Dataset, name: str, with_hashes: bool = True, user: str = "") -> Work:
    """Write what a dataset holds now into a file that never changes.

    Args:
        dataset: what to freeze.
        name: of the snapshot, unique in the dataset.
        with_hashes: also hash every image file, so that an export tells when one has changed since.
        user: who is acting.

    Returns:
        The snapshot as `snapshots_of` lists it.

    Raises:
        BadInput: a refused name.
        Conflict: the dataset has a snapshot of that name.
    """
    name = check_snapshot_name(name)
    _refuse_taken(dataset, name)
    rows = dataset.images(readable=False)
    hashes: dict[int, str] = {}
    if with_hashes:
        prints, _ = yield from take_fingerprints(dataset, rows)
        hashes = {image_id: each.sha256 for image_id, each in prints.items()}
    file = dataset.workspace.folder("snapshots") / f"{dataset.id}-{os.urandom(8).hex()}.jsonl.gz"
    digest, boxes = hashlib.sha256(), 0
    try:
        with replacing(file) as part:
            with (
                open(part, "wb") as raw,
                gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0, compresslevel=6) as packed,
            ):
                for line, count in _lines(dataset, rows, hashes):
                    if count < 0:
                        yield Progress(-count, len(rows), "Writing the snapshot")
                        continue
                    digest.update(line)
                    packed.write(line)
                    boxes += count
            os.chmod(part, 0o444)
        facts = {
            "dataset_id": dataset.id,
            "name": name,
            "sha256": digest.hexdigest(),
            "file": file.name,
            "images": len(rows),
        }
        _record(dataset, {**facts, "annotations": boxes, "user": user[:100], "created_at": time.time()})
    except BaseException:
        file.unlink(missing_ok=True)
        raise
    return _one(dataset, name)


def check_snapshot_name(name: str) -> str:
    """Return a snapshot's name in its stored form.

    Raises:
        BadInput: it is empty, too long, or has slashes or control characters.
    """
    name = unicodedata.normalize("NFC", name).strip()
    if not _NAME.fullmatch(name):
        raise BadInput(f"snapshot name {name[:40]!r} must be 1 to {LONGEST_NAME} characters without slashes")
    return name


def _lines(dataset: Dataset, rows: Sequence[ImageRow], hashes: dict[int, str]) -> Iterator[tuple[bytes, int]]:
    """Yield (line, annotations in it) of the file; (b"", -images done) now and then."""
    yield _json({"format": VERSION, "classes": [row.as_json() for row in dataset.classes()]}), 0
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        ids = [row.id for row in batch]
        found = [dataset.annotation_rows(ids, status) for status in ANNOTATION_STATUSES]
        captions, remarks = dataset.captions(ids), dataset.remarks(ids)
        for row in batch:
            boxes = [_annotation(each) for rows_of in found for each in rows_of[row.id]]
            facts = {key: getattr(row, key) for key in ("id", "path", "width", "height", "split", "state", "problem")}
            facts |= {"caption": captions.get(row.id), "sha256": hashes.get(row.id), "annotations": boxes}
            facts |= remarks.get(row.id, {})
            yield _json(facts), len(boxes)
        if start:
            yield b"", -start


def _annotation(row: Any) -> dict:
    """Return what is frozen of an annotation.

    One without attributes has no key for them, so that states frozen before keep their hash.
    """
    attributes = {"attributes": row["attributes"]} if row["attributes"] else {}
    box = {"xyxy": [row["x1"], row["y1"], row["x2"], row["y2"]]}
    return {key: row[key] for key in ANNOTATION_KEYS} | box | attributes


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def _refuse_taken(dataset: Dataset, name: str) -> None:
    if any(each["name"] == name for each in snapshots_of(dataset)):
        raise Conflict(f"dataset {dataset.name!r} has a snapshot {name!r}; snapshots never change, choose another name")


def _record(dataset: Dataset, values: dict) -> None:
    try:
        with dataset.store.write() as conn:
            conn.execute(insert(snapshot).values(**values))
    except IntegrityError as error:
        raise Conflict(f"dataset {dataset.name!r} has a snapshot {values['name']!r}; choose another name") from error


def snapshots_of(dataset: Dataset) -> list[dict]:
    """Return the facts of each snapshot, newest first.

    Keys: name, sha256, images, annotations, bytes, user, created_at.
    """
    query = (
        select(snapshot)
        .where(snapshot.c.dataset_id == dataset.id, snapshot.c.trash.is_(None))
        .order_by(snapshot.c.created_at.desc(), snapshot.c.id.desc())
    )
    with dataset.store.read() as conn:
        rows = conn.execute(query).mappings().all()
    folder = dataset.workspace.folder("snapshots")
    told = ("name", "sha256", "images", "annotations", "user", "created_at")
    return [{key: row[key] for key in told} | {"bytes": _size(folder / row["file"])} for row in rows]


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _one(dataset: Dataset, name: str) -> dict:
    found = next((each for each in snapshots_of(dataset) if each["name"] == name), None)
    if found is None:
        raise NotFound(f"dataset {dataset.name!r} has no snapshot {name!r}")
    return found


@dataclass
class Snapshot:
    """A snapshot opened for reading; it can be exported like a dataset.

    Attributes:
        name: of the dataset and the snapshot.
        root: folder that image paths are relative to.
        workspace: folders.
        sha256: of the content.
        lines: one JSON text an image, in path order.
    """

    name: str
    root: Path
    workspace: Workspace
    sha256: str
    header: dict
    lines: list[bytes]

    @classmethod
    def open(cls, dataset: Dataset, name: str) -> Snapshot:
        """Return a snapshot after checking that its file is what was written.

        Raises:
            NotFound: no such snapshot, or its file is gone.
            Conflict: the file was changed.
        """
        facts = _one(dataset, name)
        with dataset.store.read() as conn:
            mine = (snapshot.c.dataset_id == dataset.id) & (snapshot.c.name == name)
            path = (
                dataset.workspace.folder("snapshots") / conn.execute(select(snapshot.c.file).where(mine)).scalar_one()
            )
        if not path.is_file():
            raise NotFound(f"the file of snapshot {name!r} is missing: {path}")
        try:
            with gzip.open(path, "rb") as file:
                content = file.read()
        except (OSError, EOFError) as error:
            raise Conflict(f"the file of snapshot {name!r} is damaged: {error}") from error
        if hashlib.sha256(content).hexdigest() != facts["sha256"]:
            raise Conflict(f"the file of snapshot {name!r} is not what was written: its hash differs")
        head, *lines = content.splitlines(keepends=False)
        return cls(f"{dataset.name}-{name}", dataset.root, dataset.workspace, facts["sha256"], json.loads(head), lines)

    def __post_init__(self) -> None:
        self._rows = [json.loads(line) for line in (_without_annotations(line) for line in self.lines)]
        self._at = {row["id"]: at for at, row in enumerate(self._rows)}

    def classes(self) -> list[LabelClass]:
        """Return the classes in label-map order."""
        return [LabelClass(**row) for row in self.header["classes"]]

    def images(
        self, states: Sequence[str] | None = None, splits: Sequence[str] | None = None, readable: bool = True
    ) -> list[ImageRow]:
        """Return images in path order; see Dataset.images."""
        rows = [
            row
            for row in self._rows
            if (not states or row["state"] in states)
            and (not splits or (row["split"] or "") in splits)
            and not (readable and row["problem"])
        ]
        keys = ("id", "path", "width", "height", "split", "state")
        return [
            ImageRow(
                **{key: row[key] for key in keys}, revision=0, annotation_count=row["count"], problem=row["problem"]
            )
            for row in rows
        ]

    def annotations_of(self, image_id: int) -> list[dict]:
        """Return an image's annotations as they were frozen."""
        return json.loads(self.lines[self._at[image_id]])["annotations"]

    def annotation_rows(self, image_ids: Sequence[int], status: str = "accepted") -> dict[int, list[dict]]:
        """Return {image id: rows like those of the annotation table}."""
        found = {}
        for image_id in image_ids:
            rows = [row for row in self.annotations_of(image_id) if row["status"] == status]
            sides = [dict(zip(("x1", "y1", "x2", "y2"), row["xyxy"], strict=True)) for row in rows]
            found[image_id] = [{"attributes": None} | row | box for row, box in zip(rows, sides, strict=True)]
        return found

    def captions(self, image_ids: Sequence[int]) -> dict[int, str]:
        """Return {image id: caption} of those that have one."""
        rows = {image_id: self._rows[self._at[image_id]]["caption"] for image_id in image_ids}
        return {image_id: caption for image_id, caption in rows.items() if caption}

    def remarks(self, image_ids: Sequence[int]) -> dict[int, dict]:
        """Return {image id: {"tags", "notes"}} of those that have any."""
        rows = {image_id: self._rows[self._at[image_id]] for image_id in image_ids}
        found = {key: {name: row[name] for name in REMARKS if row.get(name)} for key, row in rows.items()}
        return {image_id: each for image_id, each in found.items() if each}

    def path(self, row: ImageRow) -> Path:
        """Return an image's file if it still is what was frozen.

        Raises:
            BadInput: the file was changed since, or its path leads out of the root.
            NotFound: the file is gone.
        """
        found = inside(self.root, row.path, self.workspace.linkable)
        if not found.is_file():
            raise NotFound(f"image {row.path!r} is missing from {self.root}")
        frozen = self._rows[self._at[row.id]]["sha256"]
        if frozen and sha256(found) != frozen:
            raise BadInput(f"image {row.path!r} has changed since snapshot {self.name!r}")
        return found

    def facts_of(self) -> dict[str, dict]:
        """Return {path: image facts without annotations}."""
        return {row["path"]: row for row in self._rows}


def _without_annotations(line: bytes) -> bytes:
    """Return an image's line with the count of its annotations instead of them.

    The index stays small that way.
    """
    row = json.loads(line)
    row["count"] = sum(each["status"] == "accepted" for each in row.pop("annotations"))
    return json.dumps(row).encode()
