"""Copy a dataset's images and annotations: into a clone, or merged into another."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import insert, select, update

from tator.datasets.dataset import Dataset, ImageRow, check_dataset_name
from tator.datasets.label_map import add_classes, add_skeletons, read_classes, retired_ids
from tator.datasets.settings import change_setting, read_settings, setting_of
from tator.editing.rows import add_many
from tator.formats import Report
from tator.importing.class_mapping import ClassMapping
from tator.importing.filling import LEFT_OUT
from tator.importing.merging import free_prefix
from tator.storage.atomic import copy_file
from tator.storage.schema import annotation, image, label_class
from tator.storage.schema import dataset as dataset_table
from tator.types import BadInput, Conflict, NotFound, Progress, Unavailable, Work
from tator.warning_codes import SOURCE_LEFT_OUT, warned

BATCH = 200  # images committed at once
EVERY = 20  # images between two steps, whose files may be large
NOT_COPIED = "image cannot be copied"
CARRIED = ("width", "height", "sha256", "split", "state", "caption", "tags", "notes", "problem")
KEPT = ("xyxy", "polygons", "rle", "attributes", "confidence", "source", "status", "author")


@dataclass(frozen=True)
class Copy:
    """What goes where.

    Attributes:
        source: dataset that is read.
        target: dataset that is filled.
        prefix: what image paths begin with in the target.
        class_ids: {class id in source: class id in target, or LEFT_OUT}.
        has_files: whether image files are copied too; else both have them in one place.
    """

    source: Dataset
    target: Dataset
    prefix: str
    class_ids: dict[int, int]
    has_files: bool


def clone_dataset(dataset: Dataset, new_name: str, storage: str = "same") -> Work:
    """Make a dataset with the same images, classes and annotations.

    Its history begins anew.

    Args:
        dataset: what to clone.
        new_name: of the clone.
        storage: linked (the images stay where they are), managed (they are copied; hard links where the disk
            allows), or same as the dataset's.

    Returns:
        {"dataset", "images", "annotations", "already_there", "left_out_count", "left_out"}.

    Raises:
        BadInput: a refused name, or a linked clone of a managed dataset.
        Conflict: another dataset has the name.
    """
    kind = dataset.storage if storage == "same" else storage
    if kind == "linked" and dataset.storage == "managed":
        raise BadInput(
            f"dataset {dataset.name!r} is managed: a linked clone would lose its images when it is deleted; clone it as managed"
        )
    target = _empty_clone(dataset, check_dataset_name(new_name), kind)
    same = {row.class_id: row.class_id for row in dataset.classes(retired=True)}
    result = yield from _copy(Copy(dataset, target, "", same, kind == "managed"))
    facts = _clone_facts(dataset, kind) | {"complete": True, "format": "clone"}
    with target.store.write() as conn:
        change_setting(conn, target.id, "import", facts)
    return {"dataset": target.name, **result}


def _clone_facts(dataset: Dataset, kind: str) -> dict:
    return {"source": f"dataset:{dataset.name}", "storage": kind}


def _empty_clone(dataset: Dataset, name: str, kind: str) -> Dataset:
    """Return a dataset with the classes only, or the one that a cut clone left behind."""
    facts = _clone_facts(dataset, kind) | {"complete": False}
    root = dataset.workspace.folder("datasets") / os.urandom(8).hex() if kind == "managed" else dataset.root
    with dataset.store.write() as conn:
        found = conn.execute(select(dataset_table).where(dataset_table.c.name == name)).mappings().first()
        if found is not None:
            if setting_of(found, "import") != facts:
                raise Conflict(f"a dataset called {name!r} exists; choose another name or delete it first")
            return Dataset.named(dataset.store, dataset.workspace, name)
        mine = conn.execute(select(dataset_table).where(dataset_table.c.id == dataset.id)).mappings().one()
        values = {
            "name": name,
            "storage": kind,
            "root": str(root),
            "next_class_id": mine["next_class_id"],
            "report": mine["report"],
        }
        made = insert(dataset_table).values(**values, settings={"import": facts}, created_at=time.time())
        dataset_id = conn.execute(made.returning(dataset_table.c.id)).scalar_one()
        classes = [{**asdict(row), "dataset_id": dataset_id} for row in read_classes(conn, dataset.id, retired=True)]
        if classes:
            conn.execute(insert(label_class), classes)
    return Dataset.named(dataset.store, dataset.workspace, name)


def merge_dataset(target: Dataset, source: Dataset, mapping: Sequence[str] = ()) -> Work:
    """Add another dataset's images and annotations.

    They keep confidence, source and status; after an interruption, running it again goes on.

    Args:
        target: what is added to.
        source: what is read; it stays as it is.
        mapping: see ClassMapping.parse; classes without an entry join ours of the same name, or are new.

    Returns:
        {"prefix", "images", "annotations", "left_out_by_mapping", "already_there", "left_out_count", "left_out"}.

    Raises:
        BadInput: the mapping is refused, the two are one, or the target is linked and the source lies elsewhere.
    """
    has_files, prefix = meeting(target, source)
    class_ids = _join_classes(target, source, mapping)
    prefix = _keep_prefix(target, source) if has_files else prefix
    result = {"prefix": prefix, **(yield from _copy(Copy(source, target, prefix, class_ids, has_files)))}
    with target.store.write() as conn:
        mine = dataset_table.c.id == target.id
        conn.execute(update(dataset_table).where(mine).values(report=_report_of(result)))
    return result


def _report_of(result: dict) -> dict:
    """Return what a merge did as the report of an import."""
    report = Report()
    report.read.update(images=result["images"], annotations=result["annotations"])
    if result["left_out_by_mapping"]:
        report.read["left out by the mapping"] = result["left_out_by_mapping"]
    for entry in result["left_out"]:
        report.drop(entry["file"], NOT_COPIED, entry["reason"])
    if more := result["left_out_count"] - len(result["left_out"]):
        report.counts["dropped"][NOT_COPIED] += more
    return report.as_json() | {"format": "dataset"}


def meeting(target: Dataset, source: Dataset) -> tuple[bool, str]:
    """Return if a merge copies files, and the target folder of the source's images.

    The folder ends with a slash.

    The folder is "" while a merge that copies files has not been begun.

    Raises:
        BadInput: the two are one, or the target is linked and the source lies elsewhere.
    """
    if target.id == source.id:
        raise BadInput(f"dataset {target.name!r} cannot be merged into itself")
    root, here = target.root.resolve(), source.root.resolve()
    if here.is_relative_to(root):
        relative = here.relative_to(root).as_posix()
        return False, "" if relative == "." else f"{relative}/"
    if target.storage != "managed":
        told = f"dataset {target.name!r} is linked to {target.root}, and {source.name!r} lies elsewhere"
        raise BadInput(f"{told}; clone it as managed and merge into the clone")
    with target.store.read() as conn:
        return True, read_settings(conn, target.id).get("merged", {}).get(str(source.id), "")


def _keep_prefix(target: Dataset, source: Dataset) -> str:
    """Return the folder in the target that this source goes to.

    It is the same when a cut merge is run again.
    """
    with target.store.write() as conn:
        prefixes = read_settings(conn, target.id).get("merged", {})
        if str(source.id) not in prefixes:
            prefixes = prefixes | {
                str(source.id): free_prefix(target, source.name.replace(" ", "_").strip("._") or "merged")
            }
            change_setting(conn, target.id, "merged", prefixes)
    return prefixes[str(source.id)]


def _join_classes(target: Dataset, source: Dataset, mapping: Sequence[str]) -> dict[int, int]:
    theirs = source.classes()
    plan = ClassMapping.parse(mapping, [row.name for row in theirs])
    with target.store.write() as conn:
        ours = {row.name: row.class_id for row in read_classes(conn, target.id)}
        wanted = {row.class_id: plan.target(row.name) for row in theirs}
        lacking = [name for name in dict.fromkeys(wanted.values()) if name and name not in ours]
        colors = {row.name: row.color for row in theirs}
        added = add_classes(conn, target.id, lacking, [colors.get(name, "") for name in lacking])
        ours |= {row.name: row.class_id for row in added}
        skeletons = {
            ours[wanted[row.class_id]]: row.skeleton for row in theirs if wanted[row.class_id] and row.skeleton
        }
        add_skeletons(conn, target.id, skeletons)
    return {class_id: ours[name] if name else LEFT_OUT for class_id, name in wanted.items()}


def _copy(copy: Copy) -> Work:
    """Copy the images that are not there yet, some at a time."""
    with copy.target.store.read() as conn:
        there = set(conn.execute(select(image.c.path).where(image.c.dataset_id == copy.target.id)).scalars())
    rows = copy.source.images(readable=False)
    waiting = [row for row in rows if copy.prefix + row.path not in there]
    boxes = dropped = 0
    left_out: list[dict] = []
    there_count = len(rows) - len(waiting)
    for start in range(0, len(waiting), BATCH):
        batch = []
        for at, row in enumerate(waiting[start : start + BATCH]):
            if at % EVERY == 0:
                yield Progress(there_count + start + at, len(rows), row.path)
            if not copy.has_files or _bring_file(copy, row, left_out):
                batch.append(row)
        kept, unwanted = _copy_rows(copy, batch)
        boxes, dropped = boxes + kept, dropped + unwanted
    yield Progress(len(rows), len(rows), "Done")
    answer = {
        "images": len(waiting) - len(left_out),
        "annotations": boxes,
        "left_out_by_mapping": dropped,
        "already_there": there_count,
        "left_out_count": len(left_out),
        "left_out": left_out[:1000],
    }
    return warned(answer, {SOURCE_LEFT_OUT: bool(left_out)})


def _bring_file(copy: Copy, row: ImageRow, left_out: list[dict]) -> bool:
    """Copy an image's file, or return why not.

    A hard link saves the space where both lie on one disk.
    """
    try:
        source, target = copy.source.path(row), copy.target.root / copy.prefix / row.path
    except (BadInput, NotFound) as error:
        left_out.append({"file": row.path, "reason": str(error)})
        return False
    if target.exists():
        return True
    if copy.source.storage == "managed":  # a linked image may be edited in place by its owner
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(source, target)
            return True
        except OSError:
            pass
    try:
        copy_file(source, target)
    except Unavailable as error:
        left_out.append({"file": row.path, "reason": str(error)})
        return False
    return True


def _copy_rows(copy: Copy, batch: Sequence[ImageRow]) -> tuple[int, int]:
    """Commit images with all their annotations, whatever their status.

    Returns how many came and how many were not wanted.
    """
    ids = [row.id for row in batch]
    with copy.target.store.write() as conn:
        facts = {row["id"]: row for row in conn.execute(select(image).where(image.c.id.in_(ids))).mappings()}
        rows = [
            {"dataset_id": copy.target.id, "path": copy.prefix + row.path}
            | {name: facts[row.id][name] for name in CARRIED}
            for row in batch
        ]
        added = conn.execute(insert(image).returning(image.c.id, image.c.path), rows).all() if rows else []
        new_id = {path: image_id for image_id, path in added}
        owner = {row.id: new_id[copy.prefix + row.path] for row in batch}
        query = select(annotation).where(annotation.c.image_id.in_(ids)).order_by(annotation.c.created_at)
        found = conn.execute(query).mappings().all()
        gone = retired_ids(conn, copy.target.id) if copy.prefix else set()  # a clone has them as its source has
        boxes = [
            {
                "id": uuid.uuid4().hex,
                "image_id": owner[row["image_id"]],
                "class_id": copy.class_ids[row["class_id"]],
                "xyxy": (row["x1"], row["y1"], row["x2"], row["y2"]),
                **{name: row[name] for name in KEPT if name != "xyxy"},
            }
            for row in found
            if copy.class_ids.get(row["class_id"], LEFT_OUT) not in {LEFT_OUT, *gone}
        ]
        return add_many(conn, copy.target.id, boxes), len(found) - len(boxes)
