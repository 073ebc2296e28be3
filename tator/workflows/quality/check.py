"""Check a dataset.

Every finding is counted and names its image; some can be repaired.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tator.datasets.dataset import Dataset, ImageRow
from tator.datasets.fingerprints import SIDE, take_fingerprints
from tator.storage.images import small_grey
from tator.types import BadInput, NotFound, Progress, Work
from tator.workflows.quality.boxes_check import Limits, check_rows
from tator.workflows.quality.images_check import alike_groups, equal_groups, leaking_groups

BATCH = 250
LISTED = 500  # findings of each check that the answer lists; all are counted


@dataclass(frozen=True)
class Check:
    """One thing that can be wrong.

    Attributes:
        name: what operations call it.
        label: what people call it.
        help: why it matters, in one sentence.
        severity: error, warning or info.
        repair: what one click does, "" where a person has to decide.
    """

    name: str
    label: str
    help: str
    severity: str = "error"
    repair: str = ""


CHECKS = {
    check.name: check
    for check in (
        Check("unreadable", "Images that cannot be read", "They are left out of every export and training run."),
        Check("missing", "Images whose file is gone", "The dataset lists them, but they are not on the disk."),
        Check(
            "labels_without_image",
            "Labels without an image",
            "The import found labels whose image was not there.",
            "warning",
        ),
        Check(
            "images_without_label",
            "Images without a label",
            "Nobody has looked at them yet; exports leave them out.",
            "info",
        ),
        Check("class_out_of_range", "Boxes of a class that is gone", "They are in no export.", repair="delete them"),
        Check(
            "not_finite", "Boxes with a number that is not finite", "No trainer can read them.", repair="delete them"
        ),
        Check("zero_area", "Boxes without an area", "Most are slips of the mouse.", repair="delete them"),
        Check(
            "outside",
            "Boxes that reach outside the image",
            "Trainers clip or refuse them.",
            repair="cut them to the image",
        ),
        Check(
            "tiny_boxes",
            "Tiny boxes",
            "Too small to hold an object, unless objects are that small.",
            "info",
            "delete them",
        ),
        Check(
            "duplicate_boxes",
            "Duplicate boxes",
            "Each object should count once.",
            repair="delete the newer one",
        ),
        Check(
            "contained_boxes",
            "Boxes inside another of their class",
            "Often one object boxed twice.",
            "warning",
            "delete the inner one",
        ),
        Check(
            "crossing_polygons",
            "Outlines that cross themselves",
            "Their area is ambiguous.",
            "warning",
            "redraw them",
        ),
        Check(
            "box_off_outline",
            "Boxes that do not fit their outline",
            "A trainer of boxes and one of outlines would learn two objects.",
            "warning",
            "fit the box to the outline",
        ),
        Check("duplicate_images", "The same image more than once", "It counts more than other images.", "warning"),
        Check(
            "near_duplicate_images",
            "Images that look alike",
            "Frames of a video, or copies that were scaled or compressed again.",
            "info",
        ),
        Check(
            "split_leakage",
            "The same image in two splits",
            "Scores on val and test come out too good.",
            repair="move them to one split",
        ),
        Check(
            "rotated",
            "Images rotated by EXIF",
            "Labels made by a tool that ignores EXIF are rotated against them.",
            "info",
        ),
    )
}


@dataclass
class Findings:
    """What was found.

    Attributes:
        counts: {check: how often}.
        rows: {check: the first LISTED findings}.
    """

    counts: Counter = field(default_factory=Counter)
    rows: dict[str, list[dict]] = field(default_factory=dict)

    def add(
        self, check: str, row: ImageRow | None, detail: str, annotation_ids: Sequence[str] = (), **more: object
    ) -> None:
        """Note a finding about an image, or about none."""
        self.counts[check] += 1
        listed = self.rows.setdefault(check, [])
        if len(listed) < LISTED:
            where = {"image_id": row and row.id, "name": row.path if row else "", "detail": detail[:300]}
            listed.append({**where, "annotation_ids": list(annotation_ids), **more})

    def as_json(self) -> list[dict]:
        """Return every check with its findings, also those that found nothing."""
        return [
            {
                "check": each.name,
                "label": each.label,
                "help": each.help,
                "severity": each.severity,
                "repair": each.repair,
                "count": self.counts[each.name],
                "findings": self.rows.get(each.name, []),
            }
            for each in CHECKS.values()
        ]


def check_dataset(dataset: Dataset, limits: Limits, near_bits: int = 4, with_looks: bool = True) -> Work:
    """Look for everything in CHECKS.

    Args:
        dataset: what to check.
        limits: what counts as tiny or contained.
        near_bits: bits of 64 that the looks of two images may differ in to be near duplicates, 0 to 10.
        with_looks: decode every image, which near duplicates and EXIF need; it takes most of the time.

    Returns:
        {"images", "checks": [{"check", "label", "help", "severity", "repair", "count", "findings"}], "took_s"}; a finding is
        {"image_id", "name" (the image's path; Gradio's clients would fetch a "path"), "detail", "annotation_ids"}.

    Raises:
        BadInput: near_bits is out of range.
    """
    if not 0 <= near_bits <= 10:
        raise BadInput(f"near_bits must be from 0 to 10, is {near_bits}")
    began, findings = time.perf_counter(), Findings()
    rows = dataset.images(readable=False)
    yield from _check_rows(dataset, rows, limits, findings)
    yield from _check_files(dataset, rows, near_bits, with_looks, findings)
    for entry in (dataset.describe()["report"] or {}).get("dropped", ()):
        if entry["reason"] in (
            "label file without an image",
            "annotation of an unknown image",
            "image is not in the folder",
        ):
            findings.add("labels_without_image", None, f"{entry['file']}: {entry['detail'] or entry['reason']}")
    return {"images": len(rows), "checks": findings.as_json(), "took_s": round(time.perf_counter() - began, 2)}


def _check_rows(dataset: Dataset, rows: Sequence[ImageRow], limits: Limits, findings: Findings) -> Work:
    classes = {row.class_id for row in dataset.classes()}
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        yield Progress(start, len(rows), "Checking annotations")
        found = dataset.annotation_rows([row.id for row in batch])
        for row in batch:
            for check, ids, detail in check_rows(found[row.id], row.width, row.height, classes, limits):
                findings.add(check, row, detail, ids)
            if not found[row.id] and row.state == "new" and not row.problem:
                findings.add("images_without_label", row, "new and without annotations")


def _check_files(
    dataset: Dataset, rows: Sequence[ImageRow], near_bits: int, with_looks: bool, findings: Findings
) -> Work:
    by_id = {row.id: row for row in rows}
    prints, problems = yield from take_fingerprints(dataset, rows, looks=with_looks)
    for image_id, problem in problems.items():
        findings.add(_kind(dataset, by_id[image_id]), by_id[image_id], by_id[image_id].problem or problem)
    for row in rows:
        if row.problem and row.id not in problems:
            findings.add("unreadable", row, row.problem)
    for image_id, each in prints.items():
        if (each.orientation or 1) != 1:
            findings.add("rotated", by_id[image_id], f"EXIF orientation {each.orientation}")
    yield Progress(0, 0, "Comparing images")
    equal = equal_groups(prints)
    near = (
        alike_groups(prints, near_bits, lambda image_id: small_grey(dataset.path(by_id[image_id]), SIDE)[0])
        if with_looks
        else []
    )
    splits = {row.id: row.split for row in rows}
    for check, groups in (
        ("duplicate_images", equal),
        ("near_duplicate_images", near),
        ("split_leakage", leaking_groups([*equal, *near], splits)),
    ):
        for group in groups:
            told = [f"{by_id[i].path} ({by_id[i].split or 'no split'})" for i in group]
            findings.add(
                check,
                by_id[group[0]],
                ", ".join(told),
                group=[{"image_id": i, "name": by_id[i].path} for i in group[:50]],
            )


def _kind(dataset: Dataset, row: ImageRow) -> str:
    """Say whether a file without a fingerprint is gone or unreadable."""
    try:
        dataset.path(row)
    except (BadInput, NotFound):
        return "missing"
    return "unreadable"
