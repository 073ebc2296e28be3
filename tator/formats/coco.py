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
from tator.formats._coco_attributes import notes_of, skeleton_of, tags_of
from tator.formats._coco_file import NONE, CocoFile, open_file
from tator.formats._coco_ids import class_names, id_key, repeated_ids
from tator.formats._coco_shapes import stated_size
from tator.formats._coco_written import write as write
from tator.formats._gathered import note_lost
from tator.formats._json_keys import Keys, any_file, each_file
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
SIZE = ("width", "height")

NAMES = ("file_name", "filename", "coco_url", "path", "name", "url")  # of an image; LVIS has its address only


def sniff(tree: Tree) -> bool:
    """Whether a JSON file of the folder looks like COCO."""
    return any_file(tree, is_coco, ".json")


def is_coco(keys: Keys) -> bool:
    """Whether a JSON file's keys are COCO's."""
    lists = len(keys & {"images", "annotations", "categories"})
    is_of_rows = lists == 1 and {"image_id", "category_id"} <= keys
    return (lists >= 2 or is_of_rows) and "segments_info" not in keys  # which the panoptic form has


def read(tree: Tree) -> CocoSource:
    """Return the source of a folder that `sniff` took.

    Every COCO file in it is read; categories are merged by name.
    """
    report = Report()
    found = (open_file(tree, path, report) for path in each_file(tree, is_coco, ".json"))
    return CocoSource(tree, [file for file in found if file is not None], report)


def file_split(path: str) -> str | None:
    """Return the split that a COCO file's name or folder names.

    Example: instances_val2017.json.
    """
    words = re.findall(r"[a-z]+", PurePosixPath(path).stem.lower())
    return next((SPLITS[word] for word in words if word in SPLITS), folder_split(path))


class CocoSource:
    """A folder with COCO files; see formats.Source."""

    format = NAME

    def __init__(self, tree: Tree, files: Sequence[CocoFile], report: Report) -> None:
        self.tree, self.report = tree, report
        self.classes: dict[int, str] = {}
        self.splits: dict[str, str] = {}
        self.captions: dict[str, str] = {}
        self.tags: dict[str, list[str]] = {}
        self.notes: dict[str, str] = {}
        self.skeletons: dict[int, Skeleton] = {}
        self._entries: dict[str, list[tuple[str, dict, Sequence[dict], Dialect]]] = defaultdict(list)
        self._meant = Meant(self._forget)
        for file in files:
            self._take(file)
        for path in tree.images if not self.splits else ():
            if split := folder_split(path):
                self.splits[path] = split

    def _take(self, file: CocoFile) -> None:
        """Index one file: its categories, and its annotations by the image they mean."""
        path, dialect, split = file.path, self._dialect(file), file_split(file.path)
        shared = repeated_ids(file.images)
        left, taken = file.rows.keys() | file.said.keys(), set()
        for entry in file.images:
            image = self._image(path, entry, split)
            key = id_key(entry.get("id"))
            rows, said = file.rows.get(key, NONE), file.said.get(key, ())
            if key in shared and (rows or said):
                told = f"{str(entry.get('file_name'))[:120]} has the id {key or 'null'} of another"
                told += f"; {len(rows) + len(said)} annotations are of neither"
                self.report.drop(path, "image id is used twice", told)
                continue
            if key in taken:  # the same image once more
                rows, said = NONE, ()
            taken.add(key)
            if image is None:
                continue
            if said:
                known = self.captions[image].split("\n") if image in self.captions else []
                self.captions[image] = "\n".join(dict.fromkeys([*known, *said]))
            if rows or not said:  # a file of captions says nothing about the objects
                self._entries[image].append((path, {name: entry.get(name) for name in SIZE}, rows, dialect))
                self._remarks(image, entry)
            if split:
                self.splits.setdefault(image, split)
        for key in sorted(left - taken):
            count = len(file.rows.get(key, NONE)) + len(file.said.get(key, ()))
            self.report.drop(path, "annotation of an unknown image", f"image_id {key}: {count} annotations")

    def _dialect(self, file: CocoFile) -> Dialect:
        """Return what a file means by its rows."""
        indices = self._categories(file)
        self._skeletons(file.path, file.categories, indices)
        for entry in file.images[:1]:
            file.crowds.see_image(entry)
        if file.crowds.are_masks:
            told = f"it is on every mask ({file.crowds.marked:,}); each is read as one object"
            self.report.notice(file.path, "iscrowd marks masks here, not crowds", told)
        elif file.crowds.marked:
            told = f"{file.crowds.marked:,} of them are kept, to be ignored in training and evaluation"
            self.report.notice(file.path, "crowd regions are not single objects", told)
        points = {at: len(each.names) for at, each in self.skeletons.items()}
        return Dialect(indices, points, file.crowds.are_masks)

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

    def _categories(self, file: CocoFile) -> dict[str, int]:
        """Return {category id: our index}, and grow the classes by the names that are new."""
        known = {name: index for index, name in self.classes.items()}
        indices = {}
        for key, name in class_names(file.categories, file.used, file.path, self.report).items():
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
        for file, entry, there, dialect in self._entries[path]:
            rows = list(there)
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
