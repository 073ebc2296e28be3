"""Open Images: a CSV per split with a row per box, and one with a row per mask.

Boxes are in 0..1, classes are ids, masks are PNG files. The column Confidence is that of a machine's box; it is 1 in
all rows of Open Images itself, whose boxes people drew or verified, and so 1 reads as none.

Source: https://storage.googleapis.com/openimages/web/download_v7.html#dense-labels-formats
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from tator.formats import SPLITS, Label, Report, fit_confidence, folder_split
from tator.formats._gathered import Gathered, Refused
from tator.formats._mask_png import draw_mask, read_mask
from tator.formats._shapes import Place, box_label, number
from tator.formats.cells import each_row, harmless, header, restored
from tator.formats.tree import Tree
from tator.formats.writing import Output, Splits, Written, each, pixels_only
from tator.types import BadInput, Mask
from tator.vision import masks

NAME = "openimages"
LABEL = "Open Images"
HOLDS_MASKS = True
HOLDS_CONFIDENCE = True
ONE_NAMESPACE = True  # an image is known by its id alone
COLUMNS = (
    *("ImageID", "Source", "LabelName", "Confidence", "XMin", "XMax", "YMin", "YMax"),
    *("IsOccluded", "IsTruncated", "IsGroupOf", "IsDepiction", "IsInside"),
)
MASK_COLUMNS = (
    *("MaskPath", "ImageID", "LabelName", "BoxID", "BoxXMin", "BoxXMax", "BoxYMin", "BoxYMax"),
    *("PredictedIoU", "Clicks"),
)
INDEX = (
    *("ImageID", "Subset", "OriginalURL", "OriginalLandingURL", "License", "AuthorProfileURL", "Author", "Title"),
    *("OriginalSize", "OriginalMD5", "Thumbnail300KURL", "Rotation"),
)
NEEDED = ("imageid", "labelname", "xmin", "xmax", "ymin", "ymax")
MASKS_NEEDED = ("maskpath", "imageid", "labelname")
FILES = {"train": "train", "val": "validation", "test": "test"}
_MASK_FOLDER = re.compile(r"(.*[-_ ])?masks?([-_ ].*)?", re.I)
NEAR = 1e-5  # of a side, between the box of a mask and its own row: mask rows have six decimals
LARGEST_MASK = 64 << 20  # bytes of a file, and pixels in it; the largest of Open Images have 2 megapixels
MANY = 1000  # classes: a list as long as that of the whole-image labels (20,931) names what is met only


def sniff(tree: Tree) -> bool:
    """Whether the folder has a file with Open Images' columns."""
    return any(is_openimages(sample) for _, sample in tree.samples(".csv"))


def is_openimages(sample: bytes) -> bool:
    """Whether the head of a file has Open Images' columns, of boxes or of masks."""
    cells = set(header(sample))
    return set(NEEDED) <= cells or set(MASKS_NEEDED) <= cells


def read(tree: Tree) -> OpenImagesSource:
    """Return the source of a folder that `sniff` took.

    Mask files no longer count as images of the folder.
    """
    source = OpenImagesSource(tree, Report())
    headed = [(path, set(header(sample))) for path, sample in tree.each_sample(".csv")]
    with_masks = [path for path, cells in headed if set(MASKS_NEEDED) <= cells]
    source.set_masks_aside(with_masks)
    for path, cells in headed:
        if set(NEEDED) <= cells:
            source.add(path)
        elif {"imageid", "subset"} <= cells:
            source.add_index(path)
        elif "imageid" in cells and path not in with_masks:
            told = "only the boxes and masks of Open Images are read, not its relations, points and whole-image labels"
            source.report.drop(path, "not boxes", told)
    for path in with_masks:
        source.add_masks(path)
    source.settle(dict(enumerate(source.in_boxes.values())) if 0 < len(source.in_boxes) <= MANY else None)
    return source


@dataclass
class _Object:
    """An object of an image.

    Attributes:
        name: of its class.
        sides: xmin, ymin, xmax, ymax in 0..1, NaN where the file has none.
        mask: path of its mask file, or None.
        confidence: as the file has it, "" where it has none.
    """

    name: str
    sides: tuple[float, ...]
    mask: str | None = None
    confidence: str = ""


class OpenImagesSource(Gathered):
    """A folder with Open Images' files; see formats.Source."""

    format = NAME

    def __init__(self, tree: Tree, report: Report) -> None:
        super().__init__(tree, report)
        self.words: dict[str, str] = {}  # class id: words
        self.in_boxes: dict[str, str] = {}  # of the classes that boxes are of, in their order
        self._read_descriptions()
        self._images: dict[tuple[str, str], str | None] = {}
        self._objects: dict[str, list[_Object]] = defaultdict(list)
        self._masks: dict[str, list[str]] = defaultdict(list)  # by name

    def _read_descriptions(self) -> None:
        """Read the class descriptions; the list of classes with boxes comes first."""
        found = [path for path in self.tree.tables if "class-descriptions" in PurePosixPath(path).name.lower()]
        boxable = [path for path in found if "boxable" in PurePosixPath(path).name.lower()]
        for path in sorted(found):
            for line, row in each_row(self.tree, path, self.report) if path.lower().endswith(".csv") else ():
                if len(row) == 2 and [cell.lower() for cell in row] != ["labelname", "displayname"]:
                    self.words.setdefault(row[0], restored(row[1]))
                    if path in boxable or not boxable:
                        self.in_boxes.setdefault(row[0], restored(row[1]))
                elif len(row) != 2:
                    self.report.drop(path, "not a class description", ",".join(row)[:80], line)

    def set_masks_aside(self, paths: list[str]) -> None:
        """Find the mask files named by CSV files, and those in folders of masks.

        A mask may be called like its image.
        """
        pictures = {path: _last(path) for path in self.tree.images if path.lower().endswith(".png")} if paths else {}
        there = set(pictures.values())
        named: set[str] = set()
        images: set[str] = set()
        for _, cells in (row for path in paths for row in self._rows(path)):
            image = _last(cells.get("imageid", ""))
            named |= {_last(cells.get("maskpath", ""))} & there
            images |= {image, f"{image}.png"} & there
        for path, name in pictures.items():
            is_below = any(map(_MASK_FOLDER.fullmatch, path.split("/")[:-1]))
            if is_below and (name in named or name not in images) or name in named - images:
                self._masks[name].append(path)
                if name not in named:
                    self.report.notice(path, "mask that no row names")
        self.tree.set_aside({path for files in self._masks.values() for path in files})

    def _rows(self, path: str) -> Iterator[tuple[int, dict[str, str]]]:
        """Yield (line, {column: cell}) of a file."""
        rows = each_row(self.tree, path, self.report)
        columns = {name.strip().lower(): at for at, name in enumerate(next(rows, (1, []))[1])}
        for line, row in rows:
            yield line, {key: row[at] for key, at in columns.items() if at < len(row)}

    def _image(self, cells: dict[str, str], path: str, line: int, split: str) -> str | None:
        """Return the image of a row, found once for all rows of it."""
        reference = cells.get("imageid", "")
        if (reference, split) not in self._images:
            near = [f"images/{folder}/" for folder in (split, FILES.get(split)) if folder] if split else []
            self._images[reference, split] = self.find(reference, path, line, near, split)
        image = self._images[reference, split]
        if image and split:
            self.splits[image] = split
        return image

    def add(self, path: str) -> None:
        """Take the boxes of a file."""
        split = _split(path)
        for line, cells in self._rows(path):
            image = self._image(cells, path, line, split)
            if image is not None:
                self._take(image, path, line, cells)

    def add_index(self, path: str) -> None:
        """Take the list of all images, also of those without a box.

        Most folders hold only some of them.
        """
        for line, cells in self._rows(path):
            split = SPLITS.get(cells.get("subset", "").lower(), "")
            near = (*(f"images/{folder}/" for folder in (split, FILES.get(split)) if folder), "images/", "")
            image, _ = self.tree.find(cells.get("imageid", ""), near, split)
            if image is None:
                self.report.notice(path, "listed image is not in the folder", cells.get("imageid", "")[:200], line)
                continue
            self.know(image)
            if split:
                self.splits[image] = split

    def add_masks(self, path: str) -> None:
        """Take a file's masks: each joins the box of its class and place.

        A mask without such a box is an object of its own.
        """
        split = _split(path)
        for line, cells in self._rows(path):
            image = self._image(cells, path, line, split)
            if image is None:
                continue
            given = cells.get("labelname", "")
            if not given:
                self.take(image, path, line, Refused("object without a class", image))
                continue
            file = self._mask_file(cells.get("maskpath", ""), split)
            if file is None:
                told = f"{image}: {cells.get('maskpath', '')[:200]}"
                self.report.repair(path, "mask file is not in the folder", told, line)
            sides = tuple(number(cells.get(key, "")) for key in ("boxxmin", "boxymin", "boxxmax", "boxymax"))
            name = self.name(self.words.get(given) or restored(given))
            box = next(
                (each for each in self._objects[image] if each.mask is None and _is_same(each, name, sides)), None
            )
            if box is not None:
                box.mask = file
            elif file is not None or not math.isnan(sum(sides)):
                self.take(image, path, line, _Object(name, sides, file))

    def _mask_file(self, given: str, split: str) -> str | None:
        """Return the file that a row calls its mask, one of those set aside.

        The split decides between files of one name.
        """
        files = self._masks.get(_last(given), [])
        of_split = [path for path in files if {split, FILES.get(split)} & set(path.split("/")[:-1])]
        return next(iter(of_split or files), None) if len(of_split or files) == 1 else None

    def _take(self, image: str, path: str, line: int, cells: dict[str, str]) -> None:
        given = cells.get("labelname", "")
        if not given:
            if any(cells.get(key, "").strip() for key in ("xmin", "xmax", "ymin", "ymax")):
                self.take(image, path, line, Refused("object without a class", image))
        elif cells.get("isgroupof", "").strip() == "1":
            self.take(image, path, line, Refused("group of objects", "a region of many objects is not a single object"))
        elif number(cells.get("confidence", "")) == 0:
            self.take(image, path, line, Refused("box marked as wrong", "its confidence is 0"))
        else:
            sides = tuple(number(cells.get(key, "")) for key in ("xmin", "ymin", "xmax", "ymax"))
            name = self.name(self.words.get(given) or restored(given))
            self._objects[image].append(_Object(name, sides, confidence=cells.get("confidence", "").strip()))
            self.take(image, path, line, self._objects[image][-1])

    def _label(self, entry: _Object, place: Place) -> Label | None:
        index = self._numbered(entry.name, place)
        if index is None:
            return None
        mask = self._mask(entry.mask, place) if entry.mask else None
        sizes = place.width, place.height, place.width, place.height
        corners = [side * size for side, size in zip(entry.sides, sizes, strict=True)]
        if mask and math.isnan(sum(corners)):
            corners = masks.box_of(mask).tolist()
        label = box_label(index, corners, place)
        if label is None:
            return None
        rle = masks.to_rle(mask, place.width, place.height) if mask else None
        return replace(label, rle=rle, confidence=_confidence(entry.confidence, place))

    def _mask(self, path: str, place: Place) -> Mask | None:
        """Return a mask file's pixels at the image's size, or None after noting why not.

        The file's own size may differ.
        """
        try:
            with open(self.tree.root / path, "rb") as file:
                content = file.read(LARGEST_MASK + 1)
            if len(content) > LARGEST_MASK:
                raise BadInput(f"longer than {LARGEST_MASK >> 20} MB")
            pixels = read_mask(content, LARGEST_MASK)
        except (BadInput, OSError) as error:
            place.repair("mask left out", f"{path}: {error}")
            return None
        drawn, (height, width) = masks.of_dense(pixels), pixels.shape
        mask = drawn and masks.resized(drawn, (width, height), (place.width, place.height))
        if mask is None:
            place.repair("mask left out", f"{path}: no pixel is on")
        return mask


def _last(reference: str) -> str:
    return reference.replace("\\", "/").rpartition("/")[2]


def _split(path: str) -> str:
    """Return the split that a file's name, else its folder, speaks of; "" when none."""
    words = re.split(r"[-._]", PurePosixPath(path).name.lower())
    return next((SPLITS[word] for word in words if word in SPLITS), None) or folder_split(path) or ""


def _is_same(box: _Object, name: str, sides: tuple[float, ...]) -> bool:
    return box.name == name and all(abs(a - b) <= NEAR for a, b in zip(box.sides, sides, strict=True))


def _confidence(given: str, place: Place) -> float | None:
    """Return a machine's confidence; None for none and for 1, a person's box."""
    value = number(given)
    if not given or value == 1:
        return None
    return fit_confidence(given if math.isnan(value) else value, place.report, place.file, place.line)


def image_path(split: str, name: str) -> str:
    """Return where an image goes."""
    return f"images/{FILES.get(split, split)}/{name}"


def write(out: Output, names: list[str], splits: Splits) -> Iterator[int]:
    """Write CSV files per split, class descriptions and masks; yield images done."""
    ids = [harmless(name) for name in names]  # as datumaro does: readers that look at one column only see names too
    out.text(
        "annotations/oidv6-class-descriptions.csv", _line("LabelName", "DisplayName") + "".join(map(_line, ids, ids))
    )
    out.text("annotations/image_ids_and_rotation.csv", _line(*INDEX) + "".join(map(_index_row, each(splits))))
    done = 0
    for split, images in splits.items():
        folder = FILES.get(split, split)
        with out.open(f"annotations/{folder}-annotations-bbox.csv") as file:
            file.write(_line(*COLUMNS).encode())
            for image in images:
                file.write("".join(_box_row(label, image, ids) for label in image.labels).encode())
                done += 1
                yield done
        drawn = 0
        for name, label, image in _with_masks(images):
            with out.open(f"masks/{folder}/{name}", compressed=False) as file:
                pixels_only(out, label, LABEL)
                file.write(draw_mask(label, image.width, image.height))
            drawn += 1
            yield done
        if drawn:
            with out.open(f"annotations/{folder}-annotations-object-segmentation.csv") as file:
                file.write(_line(*MASK_COLUMNS).encode())
                for name, label, image in _with_masks(images):
                    file.write(_mask_row(name, label, image, ids).encode())


def _with_masks(images: Iterable[Written]) -> Iterator[tuple[str, Label, Written]]:
    """Yield (mask file, label, image) of objects with a mask.

    Each file's number is the id of its box.
    """
    count = 0
    for image in images:
        stem = image.trunk.rpartition("/")[2].encode()[:100].decode(errors="ignore")
        for label in image.labels:
            if label.polygons or label.rle:
                count += 1
                yield f"{stem}_{count:08x}.png", label, image


def _sides(label: Label, image: Written) -> list[str]:
    x1, y1, x2, y2 = label.xyxy
    return [f"{v:.7f}" for v in (x1 / image.width, x2 / image.width, y1 / image.height, y2 / image.height)]


def _box_row(label: Label, image: Written, ids: list[str]) -> str:
    confidence = 1 if label.confidence is None else label.confidence
    return _line(image.trunk, "xclick", ids[label.class_index], confidence, *_sides(label, image), 0, 0, 0, 0, 0)


def _mask_row(name: str, label: Label, image: Written, ids: list[str]) -> str:
    box_id = name.rpartition("_")[2].removesuffix(".png")
    return _line(name, image.trunk, ids[label.class_index], box_id, *_sides(label, image), "", "")


def _index_row(image: Written) -> str:
    """Return an image's row in the list of all images, boxes or not."""
    return _line(image.trunk, FILES.get(image.split, image.split), *[""] * (len(INDEX) - 3), "0.0")


def _line(*cells: object) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
