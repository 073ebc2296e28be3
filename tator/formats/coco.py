"""COCO JSON: images, categories, and annotations with boxes, polygons and RLE.

A machine's box keeps its confidence as "score", as in COCO's results; one that a person drew or accepted has none.

Source: https://cocodataset.org/#format-data and https://cocodataset.org/#format-results.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePosixPath

from tator.attributes import Skeleton
from tator.formats import SPLITS, Label, Report, folder_split
from tator.formats._coco_annotation import Dialect, label_of
from tator.formats._coco_attributes import Crowds, notes_of, skeleton_of, tags_of
from tator.formats._coco_ids import class_names, id_key, repeated_ids
from tator.formats._coco_shapes import stated_size
from tator.formats._coco_written import write as write
from tator.formats._gathered import note_lost
from tator.formats._json import read_json
from tator.formats._meant import Meant
from tator.formats._shapes import Place
from tator.formats._turning import stored_turn, turned_labels
from tator.formats.sameness import merged
from tator.formats.tree import Tree
from tator.formats.writing import ANY

NAME = "coco"
LABEL = "COCO"
HOLDS_CAPTIONS = True
HOLDS_CONFIDENCE = True
HOLDS_ATTRIBUTES = ANY
HOLDS_TAGS = True
HOLDS_NOTES = True
HOLDS_SKELETONS = True
SNIFFED_BYTES = 1 << 20  # of either end of a JSON file
LARGEST = 4 << 30  # bytes of a JSON file; COCO train2017 has 0.45 GB

NAMES = ("file_name", "filename", "coco_url", "path", "name", "url")  # of an image; LVIS has its address only


def sniff(tree: Tree) -> bool:
    """Whether a JSON file of the folder looks like COCO."""
    return any(_looks_coco(tree, path) for path, _ in tree.samples(".json"))


def _looks_coco(tree: Tree, path: str) -> bool:
    if not path.lower().endswith(".json"):
        return False
    try:
        with open(tree.root / path, "rb") as file:
            head = file.read(SNIFFED_BYTES)
            file.seek(max(0, file.seek(0, 2) - SNIFFED_BYTES))
            sample = head + file.read(SNIFFED_BYTES)
    except OSError:
        return False
    if b'"segments_info"' in sample:  # the panoptic form
        return False
    return sum(key in sample for key in (b'"images"', b'"annotations"', b'"categories"')) >= 2


def read(tree: Tree) -> CocoSource:
    """Return the source of a folder that `sniff` took.

    Every COCO file in it is read; categories are merged by name.
    """
    report = Report()
    files = [
        (path, content)
        for path in tree.each(".json")
        if _looks_coco(tree, path)
        if (content := _parse(tree, path, report)) is not None
    ]
    return CocoSource(tree, files, report)


def _parse(tree: Tree, path: str, report: Report) -> dict | None:
    """Return a COCO file's lists of objects, or None after noting why not."""
    content = read_json(tree, path, report, "a COCO file", LARGEST)
    if content is None:
        return None
    lists = {}
    for key in ("images", "annotations", "categories"):
        rows = content.get(key, []) if isinstance(content, dict) else None
        if not isinstance(rows, list):
            report.drop(path, "refused as COCO", f"{key} is not a list")
            return None
        lists[key] = [row for row in rows if isinstance(row, dict)]
        if len(lists[key]) < len(rows):
            report.drop(path, "entry is not an object", f"{len(rows) - len(lists[key])} of {key}")
    return lists


def file_split(path: str) -> str | None:
    """Return the split that a COCO file's name or folder names.

    Example: instances_val2017.json.
    """
    words = re.findall(r"[a-z]+", PurePosixPath(path).stem.lower())
    return next((SPLITS[word] for word in words if word in SPLITS), folder_split(path))


class CocoSource:
    """A folder with COCO files; see formats.Source."""

    format = NAME

    def __init__(self, tree: Tree, files: Sequence[tuple[str, dict]], report: Report) -> None:
        self.tree, self.report = tree, report
        self.classes: dict[int, str] = {}
        self.splits: dict[str, str] = {}
        self.captions: dict[str, str] = {}
        self.tags: dict[str, list[str]] = {}
        self.notes: dict[str, str] = {}
        self.skeletons: dict[int, Skeleton] = {}
        self._entries: dict[str, list[tuple[str, dict, list[dict], Dialect]]] = defaultdict(list)
        self._meant = Meant(self._forget)
        for path, content in files:
            self._take(path, content)
        for path in tree.images if not self.splits else ():
            if split := folder_split(path):
                self.splits[path] = split

    def _take(self, path: str, content: dict) -> None:
        """Index one file: its categories, and its annotations by the image they mean."""
        self.tree.claim(path)
        dialect = self._dialect(path, content)
        split = file_split(path)
        by_image = defaultdict(list)
        for row in content["annotations"]:
            by_image[id_key(row.get("image_id"))].append(row)
        shared = repeated_ids(content["images"])
        for entry in content["images"]:
            image = self._image(path, entry, split)
            key = id_key(entry.get("id"))
            rows = by_image.get(key, []) if key in shared else by_image.pop(key, [])
            if key in shared and rows:
                told = f"{str(entry.get('file_name'))[:120]} has the id {key or 'null'} of another"
                self.report.drop(path, "image id is used twice", f"{told}; {len(rows)} annotations are of neither")
                continue
            if image is None:
                continue
            if said := [row["caption"] for row in rows if _is_caption(row)]:
                known = self.captions[image].split("\n") if image in self.captions else []
                self.captions[image] = "\n".join(dict.fromkeys([*known, *said]))
                rows = [row for row in rows if not _is_caption(row)]
            if rows or not said:  # a file of captions says nothing about the objects
                self._entries[image].append((path, entry, rows, dialect))
                self._remarks(image, entry)
            if split:
                self.splits.setdefault(image, split)
        for image_id, rows in by_image.items():
            self.report.drop(path, "annotation of an unknown image", f"image_id {image_id}: {len(rows)} annotations")

    def _dialect(self, path: str, content: dict) -> Dialect:
        """Return what a file means by its rows."""
        indices = self._categories(path, content)
        self._skeletons(path, content["categories"], indices)
        crowds = Crowds()
        for row in content["annotations"]:
            crowds.see(row)
        if crowds.are_masks:
            told = f"it is on every mask ({crowds.marked:,}); each is read as one object"
            self.report.notice(path, "iscrowd marks masks here, not crowds", told)
        return Dialect(indices, {at: len(each.names) for at, each in self.skeletons.items()}, crowds.are_masks)

    def _skeletons(self, path: str, categories: Sequence[dict], indices: dict[str, int]) -> None:
        """Note the key points of the classes; the first file that names them counts."""
        for category in categories:
            index = indices.get(id_key(category.get("id")))
            found = None if index is None else skeleton_of(category, path, self.report)
            if index is not None and found and self.skeletons.setdefault(index, found).names != found.names:
                told = f"of {self.classes[index][:80]!r}: those of the first file are kept"
                self.report.notice(path, "names of key points differ", told)

    def _remarks(self, image: str, entry: dict) -> None:
        """Note the tags and notes of an image."""
        if tags := tags_of(entry):
            self.tags[image] = list(dict.fromkeys([*self.tags.get(image, ()), *tags]))
        if said := notes_of(entry):
            self.notes.setdefault(image, said)

    def _categories(self, path: str, content: dict) -> dict[str, int]:
        """Return {category id: our index}, and grow the classes by the names that are new."""
        used = {id_key(row.get("category_id")) for row in content["annotations"]}
        known = {name: index for index, name in self.classes.items()}
        indices = {}
        for key, name in class_names(content["categories"], used, path, self.report).items():
            indices[key] = known.setdefault(name, len(known))
            self.classes[indices[key]] = name
        return indices

    def _forget(self, file: str, image: str) -> None:
        """Leave out what a file said of an image, because it meant another."""
        self._entries[image] = [entry for entry in self._entries[image] if entry[0] != file]
        if not self._entries[image]:
            del self._entries[image]

    def _image(self, path: str, entry: dict, split: str | None) -> str | None:
        """Return the image file an entry means, or None after noting there is none."""
        given = (entry.get(key) for key in NAMES)
        name = next((text for text in given if isinstance(text, str) and text.strip()), None)
        if name is None:
            self.report.drop(path, "image without a file name", f"id {str(entry.get('id'))[:40]}")
            return None
        parent = PurePosixPath(path).parent
        homes = [parent, parent / "images", parent.parent, parent.parent / "images", PurePosixPath()]
        if split:
            names = [key for key, value in SPLITS.items() if value == split]
            stem = PurePosixPath(path).stem.removeprefix("instances_")
            homes += [base / sub for base in (parent.parent, parent.parent / "images") for sub in (*names, stem)]
        near = tuple("" if str(home) == "." else f"{home}/" for home in homes)
        found, is_guess = self.tree.find(name, near, split or "")
        if found is None:
            note_lost(self.tree, name, path, None, self.report)
        elif not self._meant.allows(path, found, name, is_guess, self.report, None):
            return None
        elif is_guess:
            self.report.repair(path, "path found by its end", f"{name} is {found}")
        return found

    def labels(self, path: str, width: int, height: int) -> list[Label] | None:
        """Return the labels of an image in pixels, or None when no file lists it."""
        if path not in self._entries:
            return None
        found: dict[str, list[Label]] = {}
        ids: dict[str, list[str]] = {}
        for file, entry, rows, dialect in self._entries[path]:
            told = stated_size(entry, rows) or (width, height)
            turn = stored_turn(self.tree.root, path, told, (width, height), self.report, file)
            frame = told if turn else (width, height)
            read = []
            for row in rows:
                where = f"{file} ({path}, annotation {str(row.get('id'))[:40]})"
                read.append(label_of(row, dialect, Place(*frame, self.report, where)))
            labels = [label for label in read if label is not None]
            read_rows = (row for row, label in zip(rows, read, strict=True) if label is not None)
            ids.setdefault(file, []).extend(id_key(row.get("id")) for row in read_rows)
            found.setdefault(file, []).extend(turned_labels(labels, turn, frame))
        return merged([part for part in found.items() if part[1]], self.report, path, ids)


def _is_caption(row: dict) -> bool:
    is_said = isinstance(row.get("caption"), str)
    return is_said and not any(row.get(shape) for shape in ("bbox", "segmentation", "keypoints"))
