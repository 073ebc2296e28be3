"""Open Images: a CSV file a split, with a row a box in 0..1, classes by id.

Source: https://storage.googleapis.com/openimages/web/download_v7.html#dense-labels-formats
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import PurePosixPath

from tator.formats import SPLITS, Label, Report, folder_split
from tator.formats._csv import each_row, harmless, header, restored
from tator.formats._gathered import Gathered, Refused
from tator.formats._shapes import Place, box_label, number
from tator.formats._writing import Output, Splits, Written, boxes_only, each
from tator.tree import Tree

NAME = "openimages"
LABEL = "Open Images"
COLUMNS = (
    "ImageID",
    "Source",
    "LabelName",
    "Confidence",
    "XMin",
    "XMax",
    "YMin",
    "YMax",
    "IsOccluded",
    "IsTruncated",
    "IsGroupOf",
    "IsDepiction",
    "IsInside",
)
INDEX = (
    "ImageID",
    "Subset",
    "OriginalURL",
    "OriginalLandingURL",
    "License",
    "AuthorProfileURL",
    "Author",
    "Title",
    "OriginalSize",
    "OriginalMD5",
    "Thumbnail300KURL",
    "Rotation",
)
NEEDED = ("imageid", "labelname", "xmin", "xmax", "ymin", "ymax")
FILES = {"train": "train", "val": "validation", "test": "test"}


def sniff(tree: Tree) -> bool:
    """Whether the folder has a file with Open Images' columns."""
    return any(is_openimages(sample) for _, sample in tree.samples(".csv"))


def is_openimages(sample: bytes) -> bool:
    """Whether the head of a file has Open Images' columns."""
    return set(NEEDED) <= set(header(sample))


def read(tree: Tree) -> OpenImagesSource:
    """Return the source of a folder that `sniff` took."""
    source = OpenImagesSource(tree, Report())
    for path, sample in tree.each_sample(".csv"):
        if is_openimages(sample):
            source.add(path)
        elif {"imageid", "subset"} <= set(header(sample)):
            source.add_index(path)
        elif "imageid" in header(sample):
            source.report.drop(
                path,
                "not boxes",
                "only the boxes of Open Images are read, not its masks, relations and whole-image labels",
            )
    source.settle(dict(enumerate(source.words.values())) if source.words else None)
    return source


class OpenImagesSource(Gathered):
    """A folder with Open Images' files; see formats.Source."""

    format = NAME

    def __init__(self, tree: Tree, report: Report) -> None:
        super().__init__(tree, report)
        self.words = self._class_words()

    def _class_words(self) -> dict[str, str]:
        """Return {class id: words} of the class descriptions, in their order."""
        words: dict[str, str] = {}
        for path in self.tree.tables:
            if path.lower().endswith(".csv") and "class-descriptions" in PurePosixPath(path).name.lower():
                for line, row in each_row(self.tree, path, self.report):
                    if len(row) == 2 and [cell.lower() for cell in row] != ["labelname", "displayname"]:
                        words.setdefault(row[0], restored(row[1]))
                    elif len(row) != 2:
                        self.report.drop(path, "not a class description", ",".join(row)[:80], line)
        return words

    def add(self, path: str) -> None:
        """Take the boxes of a file."""
        name = PurePosixPath(path).name.lower()
        split = next(
            (SPLITS[word] for word in name.replace(".", "-").split("-") if word in SPLITS), None
        ) or folder_split(path)
        near = [f"images/{folder}/" for folder in (split, FILES.get(split)) if folder] if split else []
        rows = each_row(self.tree, path, self.report)
        columns = {name.strip().lower(): at for at, name in enumerate(next(rows, (1, []))[1])}
        images: dict[str, str | None] = {}
        for line, row in rows:
            cells = {key: row[at] for key, at in columns.items() if at < len(row)}
            reference = cells.get("imageid", "")
            if reference not in images:
                images[reference] = self.find(reference, path, line, near, split or "")
            image = images[reference]
            if image is None:
                continue
            if split:
                self.splits[image] = split
            self._take(image, path, line, cells)

    def add_index(self, path: str) -> None:
        """Take the list of all images, also of those without a box; most folders hold some of them only."""
        rows = each_row(self.tree, path, self.report)
        columns = [name.strip().lower() for name in next(rows, (1, []))[1]]
        for line, row in rows:
            cells = dict(zip(columns, row, strict=False))
            split = SPLITS.get(cells.get("subset", "").lower(), "")
            near = (*(f"images/{folder}/" for folder in (split, FILES.get(split)) if folder), "images/", "")
            image, _ = self.tree.find(cells.get("imageid", ""), near, split)
            if image is None:
                self.report.notice(path, "listed image is not in the folder", cells.get("imageid", "")[:200], line)
                continue
            self.know(image)
            if split:
                self.splits[image] = split

    def _take(self, image: str, path: str, line: int, cells: dict[str, str]) -> None:
        given = cells.get("labelname", "")
        if not given:
            if any(cells.get(key, "").strip() for key in ("xmin", "xmax", "ymin", "ymax")):
                self.take(image, path, line, Refused("object without a class", image))
        elif cells.get("isgroupof", "").strip() == "1":
            self.take(image, path, line, Refused("group of objects", "a region of many objects is no single object"))
        elif number(cells.get("confidence", "")) == 0:
            self.take(image, path, line, Refused("box said to be wrong", "its confidence is 0"))
        else:
            values = tuple(number(cells.get(key, "")) for key in ("xmin", "ymin", "xmax", "ymax"))
            self.take(image, path, line, (self.name(self.words.get(given) or restored(given)), values))

    def _label(self, entry: tuple[str, tuple[float, ...]], place: Place) -> Label | None:
        name, (x1, y1, x2, y2) = entry
        index = self._numbered(name, place)
        if index is None:
            return None
        return box_label(index, (x1 * place.width, y1 * place.height, x2 * place.width, y2 * place.height), place)


def image_path(split: str, name: str) -> str:
    """Return where an image goes."""
    return f"images/{FILES.get(split, split)}/{name}"


def write(out: Output, names: list[str], splits: Splits) -> Iterator[int]:
    """Write a CSV file for each split, and the class descriptions; yield how many images are done."""
    ids = [harmless(name) for name in names]  # as datumaro does: readers that look at one column only see names too
    out.text(
        "annotations/oidv6-class-descriptions.csv", _line("LabelName", "DisplayName") + "".join(map(_line, ids, ids))
    )
    out.text("annotations/image_ids_and_rotation.csv", _line(*INDEX) + "".join(map(_index_row, each(splits))))
    done = 0
    for split, images in splits.items():
        with out.open(f"annotations/{FILES.get(split, split)}-annotations-bbox.csv") as file:
            file.write(_line(*COLUMNS).encode())
            for image in images:
                file.write(_rows(out, image, ids).encode())
                done += 1
                yield done


def _rows(out: Output, image: Written, ids: list[str]) -> str:
    """Return a row a box."""
    lines = []
    for label in image.labels:
        boxes_only(out, label, LABEL)
        x1, y1, x2, y2 = label.xyxy
        sides = (f"{v:.7f}" for v in (x1 / image.width, x2 / image.width, y1 / image.height, y2 / image.height))
        lines.append(_line(image.trunk, "xclick", ids[label.class_index], 1, *sides, 0, 0, 0, 0, 0))
    return "".join(lines)


def _index_row(image: Written) -> str:
    """Return an image's row in the list of all images, which names those without a box too."""
    return _line(image.trunk, FILES.get(image.split, image.split), *[""] * (len(INDEX) - 3), "0.0")


def _line(*cells: object) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
