"""A dataset: its images, label map and annotations, from database and disk."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import RowMapping, Select, func, select, update

from tator.datasets import label_map
from tator.datasets.label_map import LabelClass
from tator.datasets.owners import IN_USE, owner_of
from tator.datasets.selecting import select_annotations
from tator.datasets.settings import setting_of
from tator.storage.database import Store, chunks
from tator.storage.images import read_image
from tator.storage.schema import IMAGE_STATES, annotation, image
from tator.storage.schema import dataset as dataset_table
from tator.storage.workspace import Workspace, inside
from tator.types import BadInput, Conflict, Detections, Image, NotFound
from tator.vision.masks import of_outline

LONGEST_NAME = 100


def check_dataset_name(name: str) -> str:
    """Return a dataset's name in its stored form (NFC).

    Raises:
        BadInput: empty, too long, or with other characters than letters, digits, space, dot, dash, underscore.
    """
    name = unicodedata.normalize("NFC", name)
    if not name or len(name) > LONGEST_NAME:
        raise BadInput(f"dataset name has {len(name)} characters; expected 1 to {LONGEST_NAME}")
    odd = sorted({letter for letter in name if letter not in " .-_" and unicodedata.category(letter)[0] not in "LMN"})
    if odd:
        told = " ".join(letter if letter.isprintable() else f"U+{ord(letter):04X}" for letter in odd)
        raise BadInput(f"dataset name {name!r} has {told}; expected letters, digits, space, dot, dash and underscore")
    if name[0] in " ." or name[-1] in " .":
        raise BadInput(f"dataset name {name!r} begins or ends with a dot or a space; remove it")
    return name


@dataclass(frozen=True)
class ImageRow:
    """An image as the database knows it.

    Attributes:
        id: number in the database.
        path: relative to the dataset's root, with /.
        width: pixels, after EXIF orientation; 0 when unreadable.
        height: pixels, after EXIF orientation; 0 when unreadable.
        split: train, val, test or None.
        state: new, in_progress or reviewed.
        revision: number of edits so far.
        annotation_count: accepted annotations.
        problem: why it cannot be read; None when it can.
    """

    id: int
    path: str
    width: int
    height: int
    split: str | None
    state: str
    revision: int
    annotation_count: int
    problem: str | None = None


REMARKS = ("tags", "notes")  # columns of an image that its captions stand beside
IMAGE_COLUMNS = tuple(image.c[name] for name in ImageRow.__dataclass_fields__)


def select_images(dataset_id: int, states: Sequence[str] | None = None, splits: Sequence[str] | None = None) -> Select:
    """Return the query for a dataset's images in path order.

    Args:
        dataset_id: whose images.
        states: only these; None or empty takes all.
        splits: only these, "" being images without a split; None or empty takes all.

    Raises:
        BadInput: a state is unknown.
    """
    if unknown := sorted(set(states or ()) - set(IMAGE_STATES)):
        raise BadInput(f"no image state is called {', '.join(unknown)}; there are {', '.join(IMAGE_STATES)}")
    query = select(*IMAGE_COLUMNS).where(image.c.dataset_id == dataset_id).order_by(image.c.path)
    if states:
        query = query.where(image.c.state.in_(states))
    if splits:
        query = query.where(func.coalesce(image.c.split, "").in_(splits))
    return query


@dataclass(frozen=True)
class Dataset:
    """One dataset.

    Attributes:
        id: number in the database.
        name: unique name.
        storage: linked (images stay where they are) or managed (copied into the workspace).
        root: folder that image paths are relative to.
    """

    id: int
    name: str
    storage: str
    root: Path
    store: Store = field(repr=False, compare=False)
    workspace: Workspace = field(repr=False, compare=False)

    @classmethod
    def named(cls, store: Store, workspace: Workspace, name: str) -> Dataset:
        """Return a dataset by name.

        Raises:
            NotFound: no dataset has that name.
        """
        with store.read() as conn:
            row = conn.execute(select(dataset_table).where(dataset_table.c.name == name, IN_USE)).mappings().first()
        if row is None:
            raise NotFound(f"no dataset is called {name!r}")
        return cls._of(row, store, workspace)

    @classmethod
    def of_image(cls, store: Store, workspace: Workspace, image_id: int) -> tuple[Dataset, ImageRow]:
        """Return an image and the dataset it belongs to.

        Raises:
            NotFound: no image has that id, or its dataset is in the trash.
        """
        with store.read() as conn:
            owner = owner_of(conn, image_id)
            row = conn.execute(select(*IMAGE_COLUMNS).where(image.c.id == image_id)).mappings().one()
        return cls._of(owner, store, workspace), _image_row(row)

    @classmethod
    def _of(cls, row: RowMapping, store: Store, workspace: Workspace) -> Dataset:
        return cls(row["id"], row["name"], row["storage"], Path(row["root"]), store, workspace)

    @staticmethod
    def listing(store: Store) -> list[dict]:
        """Return name, storage, root and counts of every dataset, by name."""
        with store.read() as conn:
            rows = conn.execute(select(dataset_table).where(IN_USE).order_by(dataset_table.c.name)).mappings().all()
            counts = _counts(conn)
            return [_facts(row, counts.get(row["id"], {}), label_map.count_classes(conn, row["id"])) for row in rows]

    def describe(self) -> dict:
        """Return what `listing` says of this dataset, its classes and its import report."""
        with self.store.read() as conn:
            row = conn.execute(select(dataset_table).where(dataset_table.c.id == self.id)).mappings().one()
            counts = _counts(conn, self.id).get(self.id, {})
            classes = label_map.read_classes(conn, self.id)
            used = self._used(conn)
        facts = _facts(row, counts, len(classes))
        rows = [{**c.as_json(), "annotations": used.get(c.class_id, 0)} for c in classes]
        return {**facts, "classes": rows, "report": row["report"] or {}}

    def _used(self, conn: Any) -> dict[int, int]:
        query = select_annotations(self.id, annotation.c.class_id, func.count(), status="accepted")
        return {class_id: n for class_id, n in conn.execute(query.group_by(annotation.c.class_id))}

    def rename(self, new_name: str) -> Dataset:
        """Give the dataset another name and return it.

        Raises:
            BadInput: the name is refused.
            Conflict: another dataset has it.
        """
        new_name = check_dataset_name(new_name)
        with self.store.write() as conn:
            query = select(dataset_table.c.id).where(dataset_table.c.name == new_name, dataset_table.c.id != self.id)
            if conn.execute(query).first():
                raise Conflict(f"a dataset called {new_name!r} exists; choose another name")
            conn.execute(update(dataset_table).where(dataset_table.c.id == self.id).values(name=new_name))
        return replace(self, name=new_name)

    def classes(self, retired: bool = False) -> list[LabelClass]:
        """Return the classes in label-map order; deleted ones only if asked for, last."""
        with self.store.read() as conn:
            return label_map.read_classes(conn, self.id, retired)

    def class_names(self, retired: bool = False) -> dict[int, str]:
        """Return {class id: name} in label-map order; deleted classes only if asked for."""
        return {row.class_id: row.name for row in self.classes(retired)}

    def add_class(self, name: str, color: str = "") -> LabelClass:
        """Append a class; see label_map.add_classes."""
        with self.store.write() as conn:
            return label_map.add_classes(conn, self.id, [name], [color])[0]

    def rename_class(self, class_id: int, name: str) -> LabelClass:
        """Rename a class; see label_map.change_class."""
        with self.store.write() as conn:
            return label_map.change_class(conn, self.id, class_id, name=name)

    def recolor(self, class_id: int, color: str) -> LabelClass:
        """Give a class another colour; see label_map.change_class."""
        with self.store.write() as conn:
            return label_map.change_class(conn, self.id, class_id, color=color)

    def reorder(self, class_ids: Sequence[int]) -> list[LabelClass]:
        """Put the classes in this order; see label_map.reorder_classes."""
        with self.store.write() as conn:
            label_map.reorder_classes(conn, self.id, class_ids)
            return label_map.read_classes(conn, self.id)

    def retire_class(self, class_id: int) -> None:
        """Take a class out of the label map; see label_map.retire_class."""
        with self.store.write() as conn:
            label_map.retire_class(conn, self.id, class_id)

    def images(
        self,
        states: Sequence[str] | None = None,
        splits: Sequence[str] | None = None,
        with_annotations: bool = False,
        readable: bool = True,
    ) -> list[ImageRow]:
        """Return images in path order.

        Args:
            states: only these; None takes all.
            splits: only these, "" being images without a split; None takes all.
            with_annotations: only images with an accepted annotation.
            readable: leave out images that cannot be read.
        """
        query = select_images(self.id, states, splits)
        if with_annotations:
            query = query.where(image.c.annotation_count > 0)
        if readable:
            query = query.where(image.c.problem.is_(None))
        with self.store.read() as conn:
            return [_image_row(row) for row in conn.execute(query).mappings()]

    def image(self, image_id: int) -> ImageRow:
        """Return one image of this dataset.

        Raises:
            NotFound: this dataset has no such image.
        """
        query = select(*IMAGE_COLUMNS).where(image.c.id == image_id, image.c.dataset_id == self.id)
        with self.store.read() as conn:
            row = conn.execute(query).mappings().first()
        if row is None:
            raise NotFound(f"dataset {self.name!r} has no image with id {image_id}")
        return _image_row(row)

    def path(self, row: ImageRow) -> Path:
        """Return the image's file, contained in the root.

        Raises:
            BadInput: the stored path, or a link, leads out of the root.
            NotFound: the file is gone.
        """
        found = inside(self.root, row.path, self.workspace.linkable)
        if not found.is_file():
            raise NotFound(f"image {row.path!r} of dataset {self.name!r} is missing from {self.root}")
        return found

    def load(self, row: ImageRow) -> Image:
        """Return the pixels, (H, W, 3) uint8 RGB, upright.

        Raises:
            BadInput: the file cannot be read as an image.
            NotFound: the file is gone.
        """
        return read_image(self.path(row))

    def annotation_rows(self, image_ids: Sequence[int], status: str = "accepted") -> dict[int, list[RowMapping]]:
        """Return {image id: rows of the annotation table}, oldest first.

        Every id asked for is present.
        """
        found: dict[int, list[RowMapping]] = {image_id: [] for image_id in image_ids}
        with self.store.read() as conn:
            for ids in chunks(found):
                # Without coalesce SQLite takes the index of statuses, and reads those of every dataset for each query.
                wanted = annotation.c.image_id.in_(ids) & (func.coalesce(annotation.c.status, "") == status)
                order = (annotation.c.image_id, annotation.c.created_at, annotation.c.id)
                for row in conn.execute(select(annotation).where(wanted).order_by(*order)).mappings():
                    found[row["image_id"]].append(row)
        return found

    def captions(self, image_ids: Sequence[int]) -> dict[int, str]:
        """Return {image id: caption} of those images that have one."""
        found: dict[int, str] = {}
        with self.store.read() as conn:
            for ids in chunks(image_ids):
                wanted = image.c.id.in_(ids) & image.c.caption.is_not(None)
                found.update(
                    {row.id: row.caption for row in conn.execute(select(image.c.id, image.c.caption).where(wanted))}
                )
        return found

    def remarks(self, image_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Return {image id: {"tags", "notes"}} of those images that have any."""
        columns, found = [image.c[name] for name in REMARKS], {}
        with self.store.read() as conn:
            for ids in chunks(image_ids):
                wanted = image.c.id.in_(ids) & (image.c.tags.is_not(None) | image.c.notes.is_not(None))
                for key, *values in conn.execute(select(image.c.id, *columns).where(wanted)):
                    found[key] = {name: value for name, value in zip(REMARKS, values, strict=True) if value}
        return found

    def annotations(
        self, image_ids: Iterable[int], status: str = "accepted", outlines: bool = False
    ) -> dict[int, Detections]:
        """Return {image id: Detections}, class_id being the stable class id.

        The data columns are "id", "source" and "status"; an image without annotations has empty Detections. Crowd regions,
        which are not single objects, are left out.

        Args:
            image_ids: whose annotations.
            status: candidate, accepted or rejected.
            outlines: also fill `mask`, without a pixel where only the box is known, and the columns "polygons" and
                "rle" as they are stored, None where there is none.
        """
        found = self.annotation_rows(list(image_ids), status)
        return {i: _detections([row for row in rows if not is_crowd(row)], outlines) for i, rows in found.items()}


def is_crowd(row: Any) -> bool:
    """Return whether an annotation is a region of many objects, not one object."""
    return bool((row["attributes"] or {}).get("crowd"))


def _detections(rows: Sequence[RowMapping], outlines: bool) -> Detections:
    names = ("id", "source", "status", *(("polygons", "rle") if outlines else ()))
    return Detections(
        np.array([[row["x1"], row["y1"], row["x2"], row["y2"]] for row in rows], np.float32).reshape(-1, 4),
        np.array([np.nan if row["confidence"] is None else row["confidence"] for row in rows], np.float32),
        np.array([row["class_id"] for row in rows], np.int64),
        tuple(of_outline(row["polygons"], row["rle"]) for row in rows) if outlines else None,
        {name: _column([row[name] for row in rows]) for name in names},
    )


def _column(values: list[Any]) -> NDArray[np.object_]:
    """Return a column of arbitrary objects.

    NumPy would take lists among them apart.
    """
    column = np.empty(len(values), object)
    column[:] = values
    return column


def _image_row(row: RowMapping) -> ImageRow:
    return ImageRow(**{name: row[name] for name in ImageRow.__dataclass_fields__})


def _counts(conn: Any, dataset_id: int | None = None) -> dict[int, dict]:
    """Return counts of each dataset, by dataset id.

    Keys of each: states, splits, images, annotations, unreadable.
    """
    state, split = image.c.state, func.coalesce(image.c.split, "")
    bad = image.c.problem.is_not(None)
    query = select(image.c.dataset_id, state, split, bad, func.count(), func.sum(image.c.annotation_count))
    wanted = IN_USE if dataset_id is None else dataset_table.c.id == dataset_id
    query = query.where(image.c.dataset_id.in_(select(dataset_table.c.id).where(wanted)))
    found: dict[int, dict] = {}
    for owner, in_state, in_split, is_bad, n, boxes in conn.execute(
        query.group_by(image.c.dataset_id, state, split, bad)
    ):
        empty = {"images": 0, "annotations": 0, "unreadable": 0, "states": dict.fromkeys(IMAGE_STATES, 0), "splits": {}}
        counts = found.setdefault(owner, empty)
        counts["images"] += n
        counts["annotations"] += int(boxes)
        counts["unreadable"] += n if is_bad else 0
        counts["states"][in_state] += n
        counts["splits"][in_split] = counts["splits"].get(in_split, 0) + n
    return found


def _facts(row: RowMapping, counts: dict, class_count: int) -> dict:
    return {
        "id": row["id"],
        "name": row["name"],
        "storage": row["storage"],
        "root": row["root"],
        "images": counts.get("images", 0),
        "annotations": counts.get("annotations", 0),
        "unreadable": counts.get("unreadable", 0),
        "class_count": class_count,
        "states": counts.get("states", dict.fromkeys(IMAGE_STATES, 0)),
        "splits": counts.get("splits", {}),
        "is_complete": setting_of(row, "import").get("complete", True),
        "created_at": row["created_at"],
    }
