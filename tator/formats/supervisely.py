"""Supervisely: meta.json with the classes, and ann/<image>.json beside img/.

Source: https://developer.supervisely.com/getting-started/supervisely-annotation-format/objects
"""

from __future__ import annotations

import base64
import io
import json
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from tator.formats import folder_split
from tator.formats._drawn import Drawn, DrawnSource
from tator.formats._gathered import Refused
from tator.formats._json import as_dict, as_list, read_object
from tator.formats._shapes import mask_of, number, ordered, polygons_of
from tator.formats.tree import Tree
from tator.formats.writing import Output, Splits, Written
from tator.types import Mask

NAME = "supervisely"
LABEL = "Supervisely"
HOLDS_TAGS = True
HOLDS_NOTES = True
LARGEST_PIXELS = 400_000_000  # of one bitmap
NO_AREA = {"point", "line", "polyline", "graph", "cuboid", "cuboid_2d", "any"}


def sniff(tree: Tree) -> bool:
    """Whether the folder has annotations of Supervisely."""
    return any(is_supervisely(sample) for _, sample in tree.samples(".json"))


def is_supervisely(sample: bytes) -> bool:
    """Whether both ends of a file look like an image's annotations."""
    return b'"objects"' in sample and b'"size"' in sample and (b'"classTitle"' in sample or b'"tags"' in sample)


def read(tree: Tree) -> SuperviselySource:
    """Return the source of a folder that `sniff` took."""
    source = SuperviselySource.of_files(tree, is_supervisely, ".json")
    for path in tree.tables:
        if PurePosixPath(path).name == "meta.json":
            source.take_meta(path)
    source.settle()
    return source


class SuperviselySource(DrawnSource):
    """A folder with Supervisely projects; see formats.Source."""

    format = NAME

    def __init__(self, tree: Tree, report: Any) -> None:
        super().__init__(tree, report)
        self.tags: dict[str, list[str]] = {}
        self.notes: dict[str, str] = {}

    def take_meta(self, path: str) -> None:
        """Take the classes of a project."""
        content = read_object(self.tree, path, self.report, "the meta.json of a Supervisely project")
        for row in as_list(as_dict(content).get("classes")):
            if isinstance(title := as_dict(row).get("title"), str):
                self.listed.setdefault(self.name(title))

    def add(self, path: str) -> None:
        """Take the annotations of an image."""
        content = read_object(self.tree, path, self.report, "a Supervisely annotation")
        if content is None:
            return
        parts = path.removesuffix(".json").split("/")
        at = max((at for at, part in enumerate(parts[:-1]) if part == "ann"), default=len(parts) - 2)
        folder = "".join(f"{part}/" for part in parts[: max(at, 0)])
        near = [folder + name for name in ("img/", "images/", "")]
        image = self.find("/".join(parts[at + 1 :]), path, None, near)
        if image is None:
            return
        self.tree.claim(path)
        size = as_dict(content.get("size"))
        self.told_size(image, path, size.get("width"), size.get("height"))
        self.tags[image] = [text for tag in as_list(content.get("tags")) if (text := _tag(tag))]
        if isinstance(said := content.get("description"), str) and said:
            self.notes[image] = said
        if split := folder_split(image):
            self.splits[image] = split
        for row in as_list(content.get("objects")):
            self.take(image, path, None, self._entry(as_dict(row)))

    def _entry(self, row: dict) -> Drawn | Refused:
        name, kind = row.get("classTitle"), str(row.get("geometryType"))
        if not isinstance(name, str) or not name:
            return Refused("object without a class", str(row.get("id"))[:40])
        if kind in NO_AREA:
            return Refused("shape without an area", f"{kind}: {name[:80]}")
        points = as_dict(row.get("points"))
        outer = [[number(v) for v in as_list(pair)] for pair in as_list(points.get("exterior"))]
        facts: dict[str, Any] = {"attributes": _attributes(row)}
        if kind == "rectangle" and len(outer) == 2 and all(len(pair) == 2 for pair in outer):
            return Drawn(self.name(name), box=ordered(*outer[0], *outer[1]), **facts)
        if kind == "polygon":
            holes = [
                [number(v) for pair in as_list(ring) for v in as_list(pair)] for ring in as_list(points.get("interior"))
            ]
            return Drawn(self.name(name), rings=[[[v for pair in outer for v in pair], *holes]], **facts)
        if kind == "bitmap":
            mask = _bitmap(as_dict(row.get("bitmap")))
            return mask if isinstance(mask, Refused) else Drawn(self.name(name), mask=mask, **facts)
        return Refused("unknown shape", f"{kind[:40]} of {len(outer)} points: {name[:80]}")


def _tag(tag: Any) -> str:
    if isinstance(tag, str):
        return tag
    row = as_dict(tag)
    value = row.get("value")
    return f"{row.get('name')}: {value}" if value not in (None, "") else str(row.get("name") or "")


def _attributes(row: dict) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for tag in map(as_dict, as_list(row.get("tags"))):
        if isinstance(name := tag.get("name"), str) and name:
            value = tag.get("value")
            found[name] = True if value is None else value
    if isinstance(said := row.get("description"), str) and said:
        found["text"] = said
    return found


def _bitmap(bitmap: dict) -> Mask | Refused:
    """Return the mask of a packed PNG: what is not transparent or black."""
    import numpy as np
    from PIL import Image, UnidentifiedImageError

    origin = [number(v) for v in as_list(bitmap.get("origin"))]
    try:
        if len(origin) != 2 or origin[0] != origin[0] or origin[1] != origin[1]:
            raise ValueError("origin is not x, y")
        unpack = zlib.decompressobj()
        content = unpack.decompress(base64.b64decode(str(bitmap.get("data")), validate=True), LARGEST_PIXELS)
        with Image.open(io.BytesIO(content), formats=["PNG"]) as picture:
            if picture.width * picture.height > LARGEST_PIXELS:
                raise ValueError(f"{picture.width} x {picture.height} pixels")
            plane = np.asarray(picture.convert("RGBA" if "A" in picture.mode else "L"))
    except (ValueError, zlib.error, OSError, UnidentifiedImageError, OverflowError) as error:
        return Refused("bitmap refused", f"{str(error)[:120]}; expected a PNG packed by zlib in base64, and its origin")
    return Mask(round(origin[0]), round(origin[1]), (plane[..., 3] if plane.ndim == 3 else plane) > 0)


def image_path(split: str, name: str) -> str:
    """Return where an image is: the datasets of a project are its splits."""
    return f"{split}/img/{name}"


def write(out: Output, names: list[str], splits: Splits) -> Iterator[int]:
    """Write meta.json and a file an image; yield images done."""
    shape = {"shape": "any", "color": "#208020", "geometry_config": {}, "hotkey": ""}
    out.text(
        "meta.json",
        json.dumps({"classes": [{"title": name, **shape} for name in names], "tags": []}, ensure_ascii=False),
    )
    done = 0
    for split, images in splits.items():
        for image in images:
            rows = [row for label in image.labels for row in _objects(label, image, names)]
            facts: dict[str, Any] = {
                "description": image.notes or "",
                "tags": [{"name": tag, "value": None} for tag in image.tags],
            }
            facts |= {"size": {"height": image.height, "width": image.width}, "objects": rows}
            out.text(f"{split}/ann/{image.name}.json", json.dumps(facts, ensure_ascii=False))
            done += 1
            yield done


def _objects(label: Any, image: Written, names: list[str]) -> Iterator[dict]:
    """Yield an object: a bitmap where it has several parts or is a mask."""
    common = {"classTitle": names[label.class_index], "description": "", "tags": []}
    if label.rle or len(label.polygons or ()) > 1:
        if mask := mask_of(label, image.width, image.height):
            yield {**common, "geometryType": "bitmap", "bitmap": {"origin": [mask.x, mask.y], "data": _packed(mask)}}
    elif polygons := polygons_of(label):
        outer, *holes = [
            [[round(x, 4), round(y, 4)] for x, y in zip(r[0::2], r[1::2], strict=True)] for r in polygons[0]
        ]
        yield {**common, "geometryType": "polygon", "points": {"exterior": outer, "interior": holes}}
    else:
        x1, y1, x2, y2 = (round(v, 4) for v in label.xyxy)
        yield {**common, "geometryType": "rectangle", "points": {"exterior": [[x1, y1], [x2, y2]], "interior": []}}


def _packed(mask: Mask) -> str:
    import numpy as np
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(mask.data.astype(np.uint8) * 255).convert("1").save(file, "PNG")
    return base64.b64encode(zlib.compress(file.getvalue())).decode()
