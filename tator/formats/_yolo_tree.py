"""The folder every YOLO task trains on: data.yaml, names and label files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tator.formats import Label
from tator.formats._ultralytics import data_yaml
from tator.formats.writing import Output, Splits, Written, each


def write_tree(
    out: Output,
    names: list[str],
    splits: Splits,
    row: Callable[[Label, Written], str],
    more: Mapping[str, Any] | None = None,
) -> Iterator[int]:
    """Write everything but the images; yield how many images are done.

    Args:
        out: where to.
        names: class names in label-map order.
        splits: images by split.
        row: returns the numbers of a label after its class.
        more: further entries of data.yaml.
    """
    folders = {split: f"images/{split}" for split in splits}
    first = next(iter(folders.values()))
    needed = {"train": folders.get("train", first), "val": folders.get("val", folders.get("test", first))}
    out.text("data.yaml", data_yaml(names, {**needed, **folders}, more))
    out.text("labelmap.txt", "".join(f"{name}\n" for name in names))
    for done, image in enumerate(each(splits), 1):
        rows = "".join(f"{label.class_index} {row(label, image)}\n" for label in image.labels)
        out.text(f"labels/{image.split}/{image.trunk}.txt", rows)
        yield done


def relative(flat: list[float], image: Written) -> str:
    """Return corners as shares of the image's width and height, inside the image."""
    sizes = image.width, image.height
    return " ".join(f"{min(max(value / sizes[at % 2], 0.0), 1.0):.6f}" for at, value in enumerate(flat))
