"""Bring label files onto images that a dataset has already."""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tator.attributes import cleaned
from tator.datasets.dataset import Dataset, ImageRow
from tator.datasets.snapshots import freeze
from tator.editing.candidates import replace_candidates, source_of
from tator.editing.checks import OPS_LIMIT
from tator.editing.edits import save_edits
from tator.editing.rows import ANNOTATIONS_LIMIT
from tator.formats import Label, Report
from tator.importing.filling import LEFT_OUT, Filling, number_classes, take_classes
from tator.importing.label_files import EVERY, LabelFiles, opening
from tator.storage.workspace import UPLOAD
from tator.types import BadInput, Conflict, Detections, Progress, Work
from tator.vision.masks import of_outline, to_polygons
from tator.warning_codes import warned

SAME_PX = 0.5  # boxes of one class whose sides differ by less are one label, read again
TRACED_PX = 0.5  # by which an outline may differ from its mask
BACKEND = "file"  # what stands before the name of the source of candidates


def import_labels(
    dataset: Dataset,
    source: str,
    status: str = "accepted",
    existing: str = "keep",
    name: str = "",
    format: str = "",
    mapping: Sequence[str] = (),
    user: str = "",
    renames: Sequence[str] = (),
) -> Work:
    """Bring label files onto a dataset's images; an upload is used up.

    A snapshot is taken first. Accepted labels are edits that undo takes back, image by image.

    Args:
        dataset: whose images are labelled.
        source: folder or .zip on the server, or upload:<id>.
        status: accepted or candidate.
        existing: what becomes of accepted labels of an image that the files describe: keep, replace, or skip the image.
        name: of the source of candidates.
        format: of the labels; "" takes the first that is recognised.
        mapping: see ClassMapping.parse.
        user: who is acting.
        renames: see label_tree.parsed_renames.

    Returns:
        {"format", "matched", "images", "annotations", "removed", "repeated", "skipped", "snapshot", "counts", "report"}.

    Raises:
        BadInput: the source is refused, holds no labels, or the mapping is refused.
    """
    source_of(BACKEND, name or "labels")
    folder = dataset.workspace.folder("tmp") / f"labels-{os.urandom(8).hex()}"
    try:
        files = yield from opening(dataset, source, format, folder, status == "candidate", renames)
        label = f"before labels {time.strftime('%Y-%m-%d %H.%M.%S')} {os.urandom(2).hex()}"
        frozen = yield from freeze(dataset, label, with_hashes=False, user=user)
        run = Run(dataset, files, status, existing, name or "labels", user, mapping)
        result = yield from run.take()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if source.startswith(UPLOAD):
        shutil.rmtree(dataset.workspace.source(source), ignore_errors=True)
    return result | {"snapshot": frozen["name"]}


class Run:
    """Label files on their way into a dataset.

    Args:
        dataset: whose images are labelled.
        files: opened ones.
        status: accepted or candidate.
        existing: keep, replace or skip.
        name: of the source of candidates.
        user: who is acting.
        mapping: see ClassMapping.parse.
    """

    def __init__(
        self,
        dataset: Dataset,
        files: LabelFiles,
        status: str,
        existing: str,
        name: str,
        user: str,
        mapping: Sequence[str],
    ) -> None:
        self.dataset, self.files, self.status, self.existing = dataset, files, status, existing
        self.name, self.user, self.client = name, user, f"labels-{uuid.uuid4().hex}"
        self.report = files.found.report = Report()
        facts = {"mapping": list(mapping)}
        self.filling = Filling(dataset.store, dataset.workspace, dataset.id, "labels", facts, self.report)
        self.counts: Counter = Counter(dict.fromkeys(("images", "annotations", "removed", "repeated", "skipped"), 0))

    def take(self) -> Work:
        """Read the labels of every image and store them."""
        take_classes(self.filling, self.files.found, self.files.report)
        matched = []
        for done, row, found in self.files.each():
            if done % EVERY == 0:
                yield Progress(done, len(self.files.rows), row.path)
            if found is not None:
                matched.append(row.path)
                self._take(row, found)
        yield Progress(len(self.files.rows), len(self.files.rows), "Done")
        whole = self.files.report.merge(self.report)
        answer = {"format": self.files.found.format, "matched": self.files.matching(matched), **self.counts}
        answer |= {"counts": whole.as_json()["counts"], "report": whole.as_json()}
        return warned(answer, whole.happened())

    def _take(self, row: ImageRow, found: list[Label]) -> None:
        """Store the labels of one image, or note why they are not."""
        with self.dataset.store.write() as conn:
            number_classes(self.filling, conn, self.files.found, {row.path: found})
        kept = [self._plain(row, label) for label in found if self.filling.class_ids[label.class_index] != LEFT_OUT]
        have = self.dataset.annotation_rows([row.id])[row.id]
        if have and self.existing == "skip":
            self.counts["skipped"] += 1
            return
        if len(kept) + len(have) > ANNOTATIONS_LIMIT:
            detail = f"{len(kept) + len(have)}; an image may have {ANNOTATIONS_LIMIT}, none of them is read"
            self.report.drop(row.path, "too many labels", detail)
            return
        try:
            if self.status == "candidate":
                self._propose(row, kept)
            else:
                self._accept(row, kept, have)
            self.counts["images"] += 1
        except (BadInput, Conflict) as error:
            self.report.drop(row.path, "labels refused", str(error)[:200])

    def _plain(self, row: ImageRow, label: Label) -> Label:
        kept = cleaned(label.attributes, lambda reason, detail: self.report.repair(row.path, reason, detail))
        return replace(label, attributes=kept)

    def _accept(self, row: ImageRow, labels: list[Label], have: Sequence[Any]) -> None:
        """Write labels as an edit of the image."""
        gone = [each["id"] for each in have] if self.existing == "replace" else []
        new = labels if gone else [label for label in labels if not self._is_there(label, have)]
        self.counts["repeated"] += len(labels) - len(new)
        ops: list[dict] = [{"op": "delete", "id": key} for key in gone]
        ops += [{"op": "add", "annotation": self._annotation(row, label)} for label in new]
        if row.state == "new":
            ops.append({"op": "image", "changes": {"state": "reviewed"}})
        revision = row.revision
        for start in range(0, len(ops), OPS_LIMIT):
            part = ops[start : start + OPS_LIMIT]
            edit = {"seq": revision + 1, "kind": "edit", "label": "Labels from files", "ops": part}
            client = f"{self.client}-{row.id}"
            revision = save_edits(self.dataset.store, row.id, revision, client, [edit], self.user)["revision"]
        self.counts.update(annotations=len(new), removed=len(gone))

    def _is_there(self, label: Label, have: Sequence[Any]) -> bool:
        class_id = self.filling.class_ids[label.class_index]
        return any(
            each["class_id"] == class_id
            and max(abs(each[side] - v) for side, v in zip(("x1", "y1", "x2", "y2"), label.xyxy, strict=True)) < SAME_PX
            for each in have
        )

    def _annotation(self, row: ImageRow, label: Label) -> dict:
        """Return a label as an annotation of the journal, whose outlines are polygons."""
        polygons = label.polygons
        if label.rle and not polygons:
            polygons = to_polygons(of_outline(None, label.rle), tolerance=TRACED_PX)
            self.report.repair(row.path, "mask is now an outline", "exact to half a pixel")
        facts = {"class_id": self.filling.class_ids[label.class_index], "xyxy": list(label.xyxy)}
        facts |= {"polygons": polygons or None, "confidence": label.confidence}
        return {"id": os.urandom(16).hex(), **facts, **({"attributes": label.attributes} if label.attributes else {})}

    def _propose(self, row: ImageRow, labels: list[Label]) -> None:
        """Write labels as candidates; those without a confidence are sure."""
        masks = tuple(of_outline(label.polygons, label.rle) for label in labels)  # empty for a plain box
        found = Detections.of(
            [label.xyxy for label in labels],
            [1.0 if label.confidence is None else label.confidence for label in labels],
            [self.filling.class_ids[label.class_index] for label in labels],
        )
        attributes = np.empty(len(labels), object)
        attributes[:] = [label.attributes for label in labels]
        found = Detections(found.xyxy, found.confidence, found.class_id, masks, {"attributes": attributes})
        told = replace_candidates(self.dataset, {row.id: found}, BACKEND, self.name)
        if told["retired"]:
            self.report.drop(row.path, "class was deleted meanwhile", f"{told['retired']} boxes")
        self.counts.update(annotations=told["new"] + told["updated"], removed=told["removed"], repeated=told["settled"])
