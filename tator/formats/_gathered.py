"""A source whose entries are gathered by image first and read image by image.

Most formats are one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Self

from tator.attributes import Skeleton
from tator.formats import Label, Report
from tator.formats._lists import merge_names, name_files, read_names, read_splits
from tator.formats._meant import AMBIGUOUS, Meant
from tator.formats._places import beside
from tator.formats._shapes import Place
from tator.formats._turning import stored_turn, turned_labels
from tator.formats._ultralytics import MOST_CLASSES
from tator.formats.sameness import merged
from tator.formats.tree import Tree
from tator.storage.workspace import path_problem


@dataclass(frozen=True)
class Refused:
    """An entry that is not a label, kept so that it is noted with its image.

    Attributes:
        reason: why not.
        detail: what it was.
    """

    reason: str
    detail: str = ""


class Gathered:
    """Base of readers; see formats.Source.

    A reader adds entries with `take` and, when all are in, calls `settle`. It says how one becomes a label in `_label`.
    """

    format = ""

    def __init__(self, tree: Tree, report: Report) -> None:
        self.tree, self.report = tree, report
        self.classes: dict[int, str] = {}
        self.splits: dict[str, str] = {}
        self.captions: dict[str, str] = {}
        self.tags: dict[str, list[str]] = {}
        self.notes: dict[str, str] = {}
        self.skeletons: dict[int, Skeleton] = {}
        self.listed: dict[str, None] = {}  # class names in the order in which the source lists them, used or not
        self._entries: dict[str, list[tuple[str, int | None, Any]]] = {}
        self._names: dict[str, None] = {}  # in the order met
        self._sizes: dict[str, tuple[str, tuple[int, int]]] = {}
        self._index: dict[str, int] = {}
        self._meant = Meant(self._forget)

    @classmethod
    def of_files(cls, tree: Tree, is_ours: Callable[[bytes], bool], *suffixes: str) -> Self:
        """Return a source that has added the files of the format, not settled yet.

        Args:
            tree: the folder.
            is_ours: whether both ends of a file look like the format's.
            suffixes: of the files that are looked at.
        """
        source = cls(tree, Report())
        for path, sample in tree.each_sample(*suffixes):
            if is_ours(sample):
                source.add(path)
        return source

    def add(self, path: str) -> None:
        """Take what a file holds."""
        raise NotImplementedError

    def name(self, given: object) -> str:
        """Note that a class name occurs, and return it."""
        name = str(given)[:200]
        if len(self._names) < MOST_CLASSES:
            self._names.setdefault(name)
        return name

    def find(
        self,
        reference: object,
        file: str,
        line: int | None = None,
        near: Sequence[str] = (),
        hint: str = "",
        inside: str = "",
    ) -> str | None:
        """Return the image that a reference means, and remember it as known.

        None after noting why there is none. `inside` is the folder that the file says it lies in.
        """
        if not isinstance(reference, str) or not reference.strip():
            self.report.drop(file, "entry without an image name", str(reference)[:80], line)
            return None
        found, is_guess = self.tree.find(reference, (*near, *beside(file)), hint, inside)
        whole = f"{inside}/{reference}" if inside else reference
        if found is None:
            note_lost(self.tree, whole, file, line, self.report)
            return None
        if not self._meant.allows(file, found, whole, is_guess, self.report, line):
            return None
        if is_guess:
            self.report.repair(file, "path found by its end", f"{reference[:200]} is {found}", line)
        self.know(found)
        return found

    def _forget(self, file: str, image: str) -> None:
        """Leave out what a file said of an image, because it meant another."""
        kept = [entry for entry in self._entries.pop(image, []) if not entry[0].startswith(file)]
        if kept:
            self._entries[image] = kept

    def take(self, image: str, file: str, line: int | None, entry: Any) -> None:
        """Keep an entry of an image from `find` until its labels are asked for."""
        self.tree.claim(file)
        self._entries.setdefault(image, []).append((file, line, entry))

    def know(self, image: str) -> None:
        """Remember that the source mentions an image, even if nothing is in it."""
        self._entries.setdefault(image, [])

    def is_known(self, image: str) -> bool:
        """Whether an entry, or a file that says "nothing here", was found for an image."""
        return image in self._entries

    def told_size(self, image: str, file: str, width: Any, height: Any) -> None:
        """Remember the size a file gives for an image, to compare it when measured."""
        if all(isinstance(v, (int, float)) and v == v and 0 < v < 1e9 for v in (width, height)):
            self._sizes[image] = (file, (int(width), int(height)))

    def settle(self, listed: dict[int, str] | None = None) -> None:
        """Number the classes, and read the splits if none are known.

        Listed classes keep their order; the others follow by name.

        Args:
            listed: {index: name}; None takes what the source lists, and what name files list where it lists none.
        """
        if listed is None and self.listed:
            listed = dict(enumerate(self.listed))
        if listed is None:
            files = [(path, read_names(self.tree, path, self.report)) for path in name_files(self.tree)]
            listed = merge_names(files, self.report)
        names = list(dict.fromkeys(listed[index] for index in sorted(listed)))
        names += sorted(self._names.keys() - set(names))
        self.classes = dict(enumerate(names))
        self._index = {name: index for index, name in self.classes.items()}
        if not self.splits:
            self.splits = read_splits(self.tree, (), self.report)

    def index(self, name: str) -> int | None:
        """Return the number of a class that `name` noted, None where there were too many."""
        return self._index.get(name)

    def labels(self, path: str, width: int, height: int) -> list[Label] | None:
        """Return an image's labels in pixels, or None if the source does not mention it."""
        entries = self._entries.get(path)
        if entries is None:
            return None
        turn = 0
        if path in self._sizes:
            file, told = self._sizes[path]
            turn = stored_turn(self.tree.root, path, told, (width, height), self.report, file)
            width, height = told if turn else (width, height)
        found: dict[str, list[Label]] = {}
        for file, line, entry in entries:
            labels = found.setdefault(file, [])
            place = Place(width, height, self.report, file, line)
            if isinstance(entry, Refused):
                place.drop(entry.reason, entry.detail)
            else:
                labels += self._read(entry, place)
        return turned_labels(merged(list(found.items()), self.report, path), turn, (width, height))

    def _read(self, entry: Any, place: Place) -> list[Label]:
        """Return what an entry holds; most hold one label."""
        label = self._label(entry, place)
        return [] if label is None else [label]

    def _label(self, entry: Any, place: Place) -> Label | None:
        raise NotImplementedError

    def _numbered(self, name: str, place: Place) -> int | None:
        """Return a class's number, or None after noting that there are too many classes."""
        index = self._index.get(name)
        if index is None:
            place.drop("too many classes", f"{name[:80]!r}; the first {MOST_CLASSES} are kept")
        return index


def note_lost(tree: Tree, reference: str, file: str, line: int | None, report: Report) -> None:
    """Note that no image is what a reference means, and which are called like it.

    Args:
        tree: the folder.
        reference: as the file has it.
        file: that has it.
        line: of the file.
        report: takes the note.
    """
    namesakes = tree.namesakes(reference)
    if len(namesakes) > 1:
        told = f"{reference[:120]} may be {', '.join(namesakes[:3])}; expected a path that tells them apart"
        report.drop(file, AMBIGUOUS, told, line)
    elif namesakes:
        told = f"{reference[:120]}; {namesakes[0]} has its name and lies in another folder"
        report.drop(file, "image is not in the folder", told, line)
    else:
        problem = path_problem(reference)
        told = f"{reference[:200]} ({problem})" if problem else reference[:200]
        report.drop(file, "image is not in the folder", told, line)


def partner(source: Gathered, file: str, named: str | None) -> str | None:
    """Return the image of a label file that describes one image.

    None after noting that there is no such image.

    The image called like the file is meant, as trainers pair them; the name inside decides where there is none or several.

    Args:
        source: takes the notes.
        file: label file.
        named: image name or path inside it, if any.
    """
    source.tree.claim(file)
    stem = PurePosixPath(file).stem
    near = beside(file)
    same = next((found for folder in near if (found := source.tree.by_trunk.get(folder + stem))), [])
    inside = PurePosixPath((named or "").replace("\\", "/")).name
    image = next((path for path in same if PurePosixPath(path).name == inside), None)
    if image is None and len(same) == 1:
        image = same[0]
        if inside and stem not in (inside, PurePosixPath(inside).stem):
            source.report.notice(
                file, "another image name inside the file", f"{inside}; {image} beside the file is used"
            )
    if image is None:
        image = source.find(named or stem, file)
    if image is not None and source.is_known(image) and source._entries[image]:
        source.report.drop(file, "second label file of an image", f"{image} has {source._entries[image][0][0]}")
        return None
    return image
