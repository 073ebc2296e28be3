"""Write CVAT for images 1.1."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence

from tator.attributes import Skeleton
from tator.formats import Label
from tator.formats._cvat_marks import Specs, placed, turn_of
from tator.formats._cvat_skeletons import drawing_of, points_xml
from tator.formats._shapes import extent, turned
from tator.formats._xml import escaped
from tator.formats.writing import Output, Splits, Written, each, short_number
from tator.types import Mask
from tator.vision import masks

LABEL = "CVAT for images"
IN_MEMORY = 32 << 20  # bytes of shapes that wait in memory for the labels, which stand before them; more go to the disk
SAME = 0.01  # pixels by which a box may differ from that around its key points


def write(out: Output, names: list[str], splits: Splits) -> Iterator[int]:
    """Write annotations.xml piece by piece; yield how many images are done.

    What the labels declare is known when all shapes are written, and stands before them.
    """
    pen = _Pen(out, names)
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as shapes:
        for done, image in enumerate(each(splits), 1):
            shapes.write(pen.image(done - 1, image).encode())
            yield done
        shapes.seek(0)
        with out.open("annotations.xml") as file:
            file.write(pen.head(list(splits)).encode())
            shutil.copyfileobj(shapes, file, 1 << 20)
            file.write(b"</annotations>\n")


class _Pen:
    """Writes shapes, and remembers what their labels are to declare."""

    def __init__(self, out: Output, names: list[str]) -> None:
        self.out, self.names = out, names
        self._specs = Specs()
        self._tags: dict[str, None] = {}
        self._points: dict[int, int] = {}  # most key points of a class

    def image(self, at: int, image: Written) -> str:
        """Return an image with its shapes."""
        groups = [(label.attributes or {}).get("group") for label in image.labels]
        free = max((group for group in groups if isinstance(group, int)), default=0)
        rows = [self._object(label, group) for group, label in enumerate(image.labels, max(free, 0) + 1)]
        self._tags |= dict.fromkeys(image.tags)
        rows += [f'<tag label="{escaped(tag)}" source="manual"></tag>\n' for tag in image.tags]
        where = f'name="{escaped(image.name)}" subset="{escaped(image.split)}"'
        return f'<image id="{at}" {where} width="{image.width}" height="{image.height}">\n{"".join(rows)}</image>\n'

    def _object(self, label: Label, free_group: int) -> str:
        """Return a label as a shape, a skeleton, or both in one group."""
        points = (label.attributes or {}).get("keypoints")
        if not points:
            return self._shape(label, label.attributes or {})
        self._points[label.class_index] = max(self._points.get(label.class_index, 0), len(points))
        others = {name: value for name, value in (label.attributes or {}).items() if name != "keypoints"}
        seen = [value for x, y, v in points if v for value in (x, y)]
        is_around = len(seen) > 3 and all(abs(a - b) <= SAME for a, b in zip(extent(seen), label.xyxy, strict=True))
        own = others["group"] if isinstance(others.get("group"), int) else 0
        if is_around and not own and not label.polygons and not label.rle:
            return self._skeleton(label, points, others)
        grouped = f' group_id="{own or free_group}"'
        shape = self._shape(
            label, {name: value for name, value in others.items() if not _is_group(name, value)}, grouped
        )
        z = {"z": others["z"]} if "z" in others else {}
        return shape + self._skeleton(label, points, z, grouped) if shape else ""

    def _skeleton(self, label: Label, points: Sequence[Sequence[float]], attributes: dict, grouped: str = "") -> str:
        tag, free = placed(attributes, 0.0)
        name = self.names[label.class_index]
        inside = points_xml(points, self._skeleton_of(label.class_index).names) + self._specs.marks_xml(name, free)
        return f'<skeleton label="{escaped(name)}" {tag}{grouped}>\n{inside}</skeleton>\n'

    def _skeleton_of(self, row: int) -> Skeleton:
        """Return the skeleton of a class, with numbers for the points that have no name."""
        known = self.out.skeletons.get(row, Skeleton(()))
        numbered = range(len(known.names) + 1, self._points.get(row, 0) + 1)
        return Skeleton((*known.names, *map(str, numbered)), known.edges)

    def _shape(self, label: Label, attributes: dict, grouped: str = "") -> str:
        """Return a box, an outline or a mask; "" where it holds no pixel."""
        turn, name = turn_of(label), self.names[label.class_index]
        tag, free = placed(attributes, turn)
        common, inside = f'label="{escaped(name)}" {tag}{grouped}', self._specs.marks_xml(name, free)
        if label.rle and not label.polygons:
            return _mask_xml(masks.of_rle(label.rle), common, inside)
        if not label.polygons or turn:
            box = _before_turning(label.polygons[0][0], turn) if label.polygons else label.xyxy
            angle = f' rotation="{short_number(turn)}"' if turn else ""
            sides = zip(("xtl", "ytl", "xbr", "ybr"), box, strict=True)
            values = " ".join(f'{key}="{short_number(value)}"' for key, value in sides)
            return f"<box {common} {values}{angle}>{inside}</box>\n"
        if len(label.polygons) == 1 and len(label.polygons[0]) == 1:
            flat = label.polygons[0][0]
            pairs = zip(flat[0::2], flat[1::2], strict=True)
            points = ";".join(f"{short_number(x)},{short_number(y)}" for x, y in pairs)
            return f'<polygon {common} points="{points}">{inside}</polygon>\n'
        size = max(label.xyxy[2], 1), max(label.xyxy[3], 1)
        told = f"outlines of several parts or with holes are written as masks of whole pixels: {LABEL} has no holes"
        self.out.notes[told] += 1
        return _mask_xml(masks.of_polygons(label.polygons, int(size[0]) + 1, int(size[1]) + 1), common, inside)

    def head(self, splits: Sequence[str]) -> str:
        """Return what stands before the images: subsets and labels."""
        subsets = "".join(
            f"<task><name>{escaped(each)}</name><subset>{escaped(each)}</subset></task>\n" for each in splits
        )
        labels = [self._label(row, name) for row, name in enumerate(self.names)]
        tags = [tag for tag in self._tags if tag not in self.names]
        labels += [f"<label><name>{escaped(tag)}</name><type>tag</type></label>\n" for tag in tags]
        project = f"<name>tator</name>\n<tasks>\n{subsets}</tasks>\n<labels>\n{''.join(labels)}</labels>\n"
        start = '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>\n'
        return f"{start}<meta><project>\n{project}</project></meta>\n"

    def _label(self, row: int, name: str) -> str:
        declared = f"<attributes>{self._specs.declared_xml(name)}</attributes>"
        skeleton = self._skeleton_of(row)
        if not skeleton.names:
            return f"<label><name>{escaped(name)}</name>{declared}</label>\n"
        drawing = f"<type>skeleton</type><svg>{escaped(drawing_of(skeleton))}</svg>"
        parts = "".join(
            f"<label><name>{escaped(point)}</name><type>points</type><parent>{escaped(name)}</parent></label>\n"
            for point in skeleton.names
        )
        return f"<label><name>{escaped(name)}</name>{declared}{drawing}</label>\n{parts}"


def _is_group(name: str, value: object) -> bool:
    return name == "group" and isinstance(value, int)


def _before_turning(flat: Sequence[float], turn_deg: float) -> tuple[float, float, float, float]:
    """Return the box that has these corners when it is turned."""
    back = turned(flat, -turn_deg, sum(flat[0::2]) / 4, sum(flat[1::2]) / 4)
    return back[0], back[1], back[4], back[5]


def _mask_xml(mask: Mask | None, common: str, inside: str) -> str:
    """Return a mask as CVAT has it: runs off and on, row by row, the first off."""
    import numpy as np

    if mask is None:
        return ""
    flat = mask.data.ravel().astype(np.int8)
    turns = np.flatnonzero(np.diff(flat, prepend=0))
    runs = np.diff(turns, prepend=0, append=len(flat)).tolist()
    height, width = mask.data.shape
    box = f'left="{mask.x}" top="{mask.y}" width="{width}" height="{height}"'
    return f'<mask {common} rle="{", ".join(map(str, runs))}" {box}>{inside}</mask>\n'
