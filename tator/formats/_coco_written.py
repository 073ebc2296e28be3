"""Write COCO JSON: files of objects and of captions, piece by piece.

Source: https://cocodataset.org/#format-data and https://cocodataset.org/#format-results.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from tator.attributes import Attributes, Skeleton
from tator.formats import Label
from tator.formats._rle import rle_area
from tator.formats.writing import Output, Splits, Written, write_rows
from tator.types import Polygon
from tator.vision import masks

THEIRS = {"crowd": "is_crowd", "track": "track_id", "z": "z_order"}  # names in `attributes` for ours


def write(out: Output, names: list[str], splits: Splits) -> Iterator[int]:
    """Write a file per split, and one of captions; yield how many images are done."""
    done = 0
    for split, images in splits.items():
        counted = _Counted(images)
        written = write_file(out, f"annotations/instances_{split}.json", names, counted, lambda i: i.name)
        yield from (done + count for count in written)
        if counted.captions:
            _write_captions(out, f"annotations/captions_{split}.json", images)
        done += counted.images


class _Counted:
    """Images that are counted as they are gone through, as each pass costs queries.

    Attributes:
        images: how many there were.
        captions: how many of them had one.
    """

    def __init__(self, found: Iterable[Written]) -> None:
        self._found = found
        self.images = self.captions = 0

    def __iter__(self) -> Iterator[Written]:
        self.images = self.captions = 0
        for image in self._found:
            self.images += 1
            self.captions += bool(image.caption)
            yield image


def write_file(
    out: Output, file_name: str, names: list[str], images: Iterable[Written], reference: Callable[[Written], str]
) -> Iterator[int]:
    """Write one COCO file piece by piece; yield how many images are done.

    Memory does not grow with the dataset.

    Args:
        out: where to.
        file_name: of the file.
        names: class names in label-map order.
        images: all of the file.
        reference: returns what the file calls an image.
    """
    head = b'{"info": {"description": "", "version": "1"}, "licenses": [],\n"categories": ' + _json(
        categories_json(names, out.skeletons)
    )
    with out.open(file_name) as file:
        write_rows(
            file,
            (_json(_image_json(image, at, reference)) for at, image in enumerate(images, 1)),
            head + b',\n"images": [\n',
            b"],\n",
        )
        file.write(b'"annotations": [')
        number = done = 0
        for done, image in enumerate(images, 1):
            for label in image.labels:
                number += 1
                facts = annotation_json(label, number, done, (image.width, image.height))
                facts |= _no_points(label, out.skeletons) if "keypoints" not in facts else {}
                file.write((b",\n" if number > 1 else b"\n") + _json(facts))
            yield done
        file.write(b"]}\n")


def _write_captions(out: Output, file_name: str, images: Iterable[Written]) -> None:
    with out.open(file_name) as file:
        rows = (_json(_image_json(image, at, lambda i: i.name)) for at, image in enumerate(images, 1))
        write_rows(file, rows, b'{"info": {}, "licenses": [],\n"images": [\n', b"],\n")
        said = ((at, image.caption) for at, image in enumerate(images, 1) if image.caption)
        captions = (_json({"id": at, "image_id": at, "caption": caption}) for at, caption in said)
        write_rows(file, captions, b'"annotations": [\n', b"]}\n")


def _image_json(image: Written, number: int, reference: Callable[[Written], str]) -> dict:
    facts = {"id": number, "file_name": reference(image), "width": image.width, "height": image.height}
    if image.tags:
        facts["tags"] = list(image.tags)
    return facts | {"notes": image.notes} if image.notes else facts


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


def categories_json(classes: Sequence[str], skeletons: Mapping[int, Skeleton]) -> list[dict]:
    """Return COCO's categories: ids from 1 in label-map order.

    Args:
        classes: names.
        skeletons: {row of the label map: key points of the class}; COCO counts joints from 1.
    """
    rows: list[dict] = [{"id": row, "name": name, "supercategory": ""} for row, name in enumerate(classes, 1)]
    for row, each in skeletons.items():
        rows[row] |= {"keypoints": list(each.names), "skeleton": [[a + 1, b + 1] for a, b in each.edges]}
    return rows


def annotation_json(label: Label, number: int, image_id: int, size: tuple[int, int]) -> dict:
    """Return a label as COCO has it.

    Args:
        label: class_index being the row of the label map.
        number: id of the annotation in the file.
        image_id: id of the image in the file.
        size: (width, height) of the image in pixels.
    """
    x1, y1, x2, y2 = label.xyxy
    w, h = x2 - x1, y2 - y1
    shape, area = _segmentation(label.polygons, label.rle, size)
    facts = {
        "id": number,
        "image_id": image_id,
        "category_id": label.class_index + 1,
        "bbox": [round(v, 3) for v in (x1, y1, w, h)],
        "area": round(w * h if area is None else area, 3),
        "segmentation": shape,
        "iscrowd": int((label.attributes or {}).get("crowd") is True),
    }
    facts |= _said(label.attributes or {})
    return facts if label.confidence is None else facts | {"score": label.confidence}


def _no_points(label: Label, skeletons: Mapping[int, Skeleton]) -> dict:
    """Return what readers of key points expect of an object without them.

    Nothing where no class has any.

    Source: https://github.com/cocodataset/cocoapi/blob/master/PythonAPI/pycocotools/cocoeval.py, which asks every object.
    """
    if not skeletons:
        return {}
    known = skeletons.get(label.class_index)
    return {"num_keypoints": 0} | ({"keypoints": [0] * 3 * len(known.names)} if known else {})


def _said(attributes: Attributes) -> dict:
    """Return key points as COCO has them, other attributes as CVAT and Datumaro do.

    A crowd is said there too: in the files of both, `iscrowd` may mean any object with run lengths.
    """
    left = {THEIRS.get(name, name): value for name, value in attributes.items() if name != "keypoints"}
    facts: dict[str, Any] = {"attributes": left} if left else {}
    points = attributes.get("keypoints")
    if points:
        facts["keypoints"] = [round(value, 3) for point in points for value in point]
        facts["num_keypoints"] = sum(1 for point in points if point[2])
    return facts


def _segmentation(polygons: list[Polygon] | None, rle: dict | None, size: tuple[int, int]) -> tuple[Any, float | None]:
    """Return COCO's segmentation and its area; an empty list and None for a plain box."""
    if polygons and all(len(polygon) == 1 for polygon in polygons):
        flat = [[round(value, 3) for value in polygon[0]] for polygon in polygons]
        return flat, sum(map(masks.ring_area, flat))
    if polygons:  # COCO's polygons have no holes
        mask = masks.of_polygons(polygons, *size)
        rle = masks.to_rle(mask, *size) if mask else None
    return (rle, float(rle_area(rle))) if rle else ([], None)
