"""Repair what a check found.

The changes to an image are one journalled edit, so undo takes them back.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import update

from tator.datasets.dataset import Dataset, ImageRow
from tator.datasets.fingerprints import SIDE, take_fingerprints
from tator.editing.checks import OPS_LIMIT
from tator.editing.edits import save_edits
from tator.storage.database import chunks
from tator.storage.images import small_grey
from tator.storage.schema import image
from tator.types import BadInput, Conflict, Progress, Work
from tator.vision import masks
from tator.workflows.quality.boxes_check import AnnotationRow, Limits, check_rows, outline_box
from tator.workflows.quality.check import BATCH, CHECKS
from tator.workflows.quality.images_check import alike_groups, equal_groups, leaking_groups

DELETES = ("class_out_of_range", "not_finite", "zero_area", "tiny_boxes", "duplicate_boxes", "contained_boxes")
SKIPPED_LISTED = 100


def repair_dataset(
    dataset: Dataset,
    check: str,
    image_ids: Collection[int] = (),
    limits: Limits | None = None,
    near_bits: int = 4,
    user: str = "",
) -> Work:
    """Find anew what a check finds and repair it.

    Args:
        dataset: what to repair.
        check: a name of CHECKS with a repair.
        image_ids: only these images; empty takes all.
        limits: what counts as tiny or contained; must be those of the check.
        near_bits: see check_dataset; for split_leakage.
        user: who is acting.

    Returns:
        {"check", "images": changed images, "changes", "skipped": [{"image_id", "reason"}]}.

    Raises:
        BadInput: no such check, or none that can be repaired.
    """
    if check not in CHECKS or not CHECKS[check].repair:
        able = ", ".join(name for name, each in CHECKS.items() if each.repair)
        raise BadInput(f"check must be one that can be repaired ({able}), is {check[:80]!r}")
    wanted = set(image_ids)
    rows = [row for row in dataset.images(readable=False) if not wanted or row.id in wanted]
    if check == "split_leakage":
        return (yield from _join_splits(dataset, rows, near_bits))
    return (yield from _edit(dataset, check, rows, limits or Limits(), user))


def _edit(dataset: Dataset, check: str, rows: Sequence[ImageRow], limits: Limits, user: str) -> Work:
    classes = {row.class_id for row in dataset.classes()}
    client, seq, images, changes, skipped = f"repair-{uuid.uuid4().hex}", 0, 0, 0, []
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        yield Progress(start, len(rows), f"Repairing: {CHECKS[check].label}")
        found = dataset.annotation_rows([row.id for row in batch])
        for row in batch:
            by_id = {each["id"]: each for each in found[row.id]}
            results = check_rows(found[row.id], row.width, row.height, classes, limits)
            ids = dict.fromkeys(i for name, ids, _ in results if name == check for i in ids)
            ops = [_op(check, by_id[i], row) for i in ids]
            revision = row.revision
            for part in (ops[at : at + OPS_LIMIT] for at in range(0, len(ops), OPS_LIMIT)):
                seq += 1
                edit = {"seq": seq, "kind": "edit", "label": f"Repair: {CHECKS[check].label}"[:200], "ops": part}
                try:
                    revision = save_edits(dataset.store, row.id, revision, client, [edit], user)["revision"]
                except (Conflict, BadInput) as error:
                    skipped.append({"image_id": row.id, "reason": str(error)[:300]})
                    break
                changes += len(part)
            images += bool(ops)
    yield Progress(len(rows), len(rows), "Done")
    return {
        "check": check,
        "images": images - len(skipped),
        "changes": changes,
        "skipped_count": len(skipped),
        "skipped": skipped[:SKIPPED_LISTED],
    }


def _op(check: str, row: AnnotationRow, found: ImageRow) -> dict:
    """Return the op that repairs one annotation."""
    if check in DELETES:
        return {"op": "delete", "id": row["id"]}
    if check == "outside":
        box = [
            min(max(row["x1"], 0.0), found.width),
            min(max(row["y1"], 0.0), found.height),
            min(max(row["x2"], 0.0), found.width),
            min(max(row["y2"], 0.0), found.height),
        ]
        if box[2] - box[0] < 1e-3 or box[3] - box[1] < 1e-3:  # nothing of it lies in the image
            return {"op": "delete", "id": row["id"]}
        changes: dict[str, Any] = {"xyxy": box}
        if row["polygons"]:
            changes["polygons"] = [[_cut(ring, found) for ring in polygon] for polygon in row["polygons"]]
        return {"op": "set", "id": row["id"], "changes": changes}
    if check == "box_off_outline":
        outer = outline_box(row)
        box = [min(max(v, 0.0), float((found.width, found.height)[at % 2])) for at, v in enumerate(outer or ())]
        return {"op": "set", "id": row["id"], "changes": {"xyxy": box}}
    mask = masks.of_polygons(row["polygons"], found.width, found.height)
    if mask is None:
        return {"op": "delete", "id": row["id"]}
    box = [float(value) for value in masks.box_of(mask)]
    return {"op": "set", "id": row["id"], "changes": {"polygons": masks.to_polygons(mask, tolerance=0.5), "xyxy": box}}


def _cut(ring: Sequence[float], found: ImageRow) -> list[float]:
    return [min(max(value, 0.0), float((found.width, found.height)[at % 2])) for at, value in enumerate(ring)]


def _join_splits(dataset: Dataset, rows: Sequence[ImageRow], near_bits: int) -> Work:
    """Move each group of equal or similar images to one split.

    That is train where one of them is in train, otherwise the split of the first.
    """
    by_id = {row.id: row for row in rows}
    prints, _ = yield from take_fingerprints(dataset, rows, looks=True)
    near = alike_groups(prints, near_bits, lambda image_id: small_grey(dataset.path(by_id[image_id]), SIDE)[0])
    groups = leaking_groups([*equal_groups(prints), *near], {row.id: row.split for row in rows})
    moves: dict[str, list[int]] = {}
    for group in groups:
        splits = [name for i in group if (name := by_id[i].split)]
        split = "train" if "train" in splits else splits[0]
        moves.setdefault(split, []).extend(i for i in group if by_id[i].split not in (split, None))
    moved = {image_id for ids in moves.values() for image_id in ids}
    with dataset.store.write() as conn:
        for split, ids in moves.items():
            for some in chunks(_unique(ids)):
                conn.execute(update(image).where(image.c.id.in_(some)).values(split=split))
    return {"check": "split_leakage", "images": len(moved), "changes": len(moved), "skipped_count": 0, "skipped": []}


def _unique(ids: Iterable[int]) -> list[int]:
    return list(dict.fromkeys(ids))
