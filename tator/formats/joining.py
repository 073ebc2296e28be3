"""A folder that holds labels in several formats, read as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tator.formats import Label, Report, Source, masks
from tator.formats.sameness import ALIKE, Same, filled, match

MORE = "more objects in another format"
ALIKE_DRAWN = 0.5  # overlap from which a mask is that of a box: VOC's masks lack a border of some pixels


class Joined:
    """Sources of one folder; see formats.Source.

    An image has the labels of the first source that has any. What a later one adds to the shape of an object comes along;
    objects that only a later one has are named.
    """

    def __init__(self, parts: Sequence[Source], labels: Sequence[str]) -> None:
        self.parts, self._told = parts, labels
        self.format = parts[0].format
        self.classes = dict(parts[0].classes)
        self.splits = _first(part.splits for part in parts)
        self.captions = _first(part.captions for part in parts)
        self.tags = _first(getattr(part, "tags", {}) for part in parts)
        self.notes = _first(getattr(part, "notes", {}) for part in parts)
        self.skeletons = dict(getattr(parts[0], "skeletons", {}))
        self._indices = [self._join(part) for part in parts]
        whole = Report()
        for part in parts:
            whole.merge(part.report)
        self.report = whole

    @property
    def report(self) -> Report:
        """Return where all sources note what happens."""
        return self._report

    @report.setter
    def report(self, report: Report) -> None:
        """Let all sources note in another report."""
        self._report = report
        for part in self.parts:
            part.report = report

    def _join(self, part: Source) -> dict[int, int]:
        """Return {index in the part: ours}; classes are joined by name."""
        ours = {name: index for index, name in self.classes.items()}
        if part is self.parts[0]:
            return {index: index for index in part.classes}
        found = {index: ours.setdefault(name, len(ours)) for index, name in part.classes.items()}
        self.classes |= {index: name for name, index in ours.items()}
        for index, skeleton in getattr(part, "skeletons", {}).items():
            self.skeletons.setdefault(found[index], skeleton)
        return found

    def labels(self, path: str, width: int, height: int) -> list[Label] | None:
        """Return the labels of an image in pixels, or None if no source mentions it."""
        kept = self.parts[0].labels(path, width, height)
        for at, part in enumerate(self.parts[1:], 1):
            if not kept:
                found = part.labels(path, width, height)
                kept = kept if found is None else self._ours(at, found)
                continue
            if part.format == masks.NAME and all(label.polygons or label.rle for label in kept):
                continue  # they have their shapes, and drawing masks takes its time
            part.report = Report()  # the objects are read already: what is wrong with them here is no loss
            found = part.labels(path, width, height)
            part.report = self._report
            kept = self._compared(path, at, kept, self._ours(at, found or []))
        return kept

    def _ours(self, at: int, found: list[Label]) -> list[Label]:
        return [
            replace(label, class_index=self._indices[at].get(label.class_index, label.class_index)) for label in found
        ]

    def _compared(self, path: str, at: int, kept: list[Label], found: list[Label]) -> list[Label]:
        """Return the labels with what equal ones of another source add.

        Those that only the other has are named.
        """
        is_drawn = self.parts[at].format == masks.NAME
        alike = ALIKE_DRAWN if is_drawn else ALIKE
        same: Same = match(kept, found, any_class=not self.parts[0].classes, alike=alike)
        for mine, theirs in same.differing if is_drawn else ():
            if kept[mine].polygons is None and kept[mine].rle is None:
                same.kept[mine] = replace(filled(kept[mine], found[theirs]), xyxy=found[theirs].xyxy)
                told = f"{_shown(kept[mine])} to {_shown(found[theirs])}"
                self._report.repair(path, "box fitted to its mask", told)
        if same.new:
            first = found[same.new[0]]
            named = self.classes.get(first.class_index)
            detail = f"{len(same.new)} in {self._told[at]} only, as {named!r} at {_shown(first)}"
            self._report.drop(path, MORE, f"{detail}; {self._told[0]} is read")
        return same.kept


def _shown(label: Label) -> str:
    return " ".join(f"{value:.0f}" for value in label.xyxy)


def _first(tables) -> dict:  # noqa: ANN001
    found: dict = {}
    for table in tables:
        found = table | found
    return found
