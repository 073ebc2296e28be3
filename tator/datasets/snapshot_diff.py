"""Compare two snapshots of a dataset.

Reported are images, annotations and classes that were added, removed or changed.
"""

from __future__ import annotations

from collections import Counter

from tator.datasets.snapshots import Snapshot

LISTED = 500  # images that the answer lists; all are counted
IMAGE_FACTS = ("split", "state", "caption", "tags", "notes", "problem", "sha256", "width", "height")


def diff_snapshots(old: Snapshot, new: Snapshot) -> dict:
    """Return what differs from the old one to the new.

    Returns:
        {"same", "images": {"added", "removed", "changed"}, "annotations": {"added", "removed", "changed"}, "classes":
        {"added", "removed", "renamed"}, "rows": [{"name", "image_id", "change", "facts", "added", "removed", "changed"}]}.
    """
    if old.sha256 == new.sha256:
        empty = {"added": 0, "removed": 0, "changed": 0}
        return {
            "same": True,
            "images": empty,
            "annotations": dict(empty),
            "classes": _classes(old, new),
            "rows": [],
            "row_count": 0,
        }
    before, after = old.facts_of(), new.facts_of()
    images: Counter[str] = Counter()
    boxes: Counter[str] = Counter()
    rows: list[dict] = []
    for path in sorted(before.keys() | after.keys()):
        row = _image(path, before.get(path), after.get(path), old, new)
        if row is None:
            continue
        images[row["change"]] += 1
        boxes.update({key: row[key] for key in ("added", "removed", "changed")})
        rows.append(row)
    kinds = ("added", "removed", "changed")
    return {
        "same": not rows and old.header == new.header,
        "images": {kind: images[kind] for kind in kinds},
        "annotations": {kind: boxes[kind] for kind in kinds},
        "classes": _classes(old, new),
        "rows": rows[:LISTED],
        "row_count": len(rows),
    }


def _image(path: str, before: dict | None, after: dict | None, old: Snapshot, new: Snapshot) -> dict | None:
    """Return how one image differs, or None."""
    one = {row["id"]: row for row in old.annotations_of(before["id"])} if before else {}
    two = {row["id"]: row for row in new.annotations_of(after["id"])} if after else {}
    counts = {
        "added": len(two.keys() - one.keys()),
        "removed": len(one.keys() - two.keys()),
        "changed": sum(one[key] != two[key] for key in one.keys() & two.keys()),
    }
    facts = [key for key in IMAGE_FACTS if before and after and before.get(key) != after.get(key)]
    change = "added" if before is None else "removed" if after is None else "changed"
    if change == "changed" and not facts and not any(counts.values()):
        return None
    return {"name": path, "image_id": (after or before or {})["id"], "change": change, "facts": facts, **counts}


def _classes(old: Snapshot, new: Snapshot) -> dict:
    one, two = ({row.class_id: row.name for row in each.classes()} for each in (old, new))
    return {
        "added": [two[key] for key in two if key not in one],
        "removed": [one[key] for key in one if key not in two],
        "renamed": [[one[key], two[key]] for key in one if key in two and one[key] != two[key]],
    }
