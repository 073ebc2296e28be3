"""MOTChallenge: a CSV of a sequence, gt/gt.txt, beside its frames in img1.

A row is frame, track, x, y, width, height in pixels, whether it counts, class and visibility.

Source: https://motchallenge.net/instructions/ and Milan et al., MOT16 (https://arxiv.org/abs/1603.00831), table 5.
"""

from __future__ import annotations

import configparser
import math
from dataclasses import replace
from itertools import islice
from pathlib import PurePosixPath

from tator.formats import Label, Report
from tator.formats._gathered import Gathered
from tator.formats._lists import read_names
from tator.formats._shapes import Place, box_label, number
from tator.formats.tree import Tree

NAME = "mot"
LABEL = "MOTChallenge"
FRAMES = ("img1", "images", "img")  # folders of a sequence's frames
CLASSES = (  # of MOT16, from 1
    "Pedestrian",
    "Person on vehicle",
    "Car",
    "Bicycle",
    "Motorbike",
    "Non motorized vehicle",
    "Static person",
    "Distractor",
    "Occluder",
    "Occluder on the ground",
    "Occluder full",
    "Reflection",
)
SAMPLED_ROWS = 50


def sniff(tree: Tree) -> bool:
    """Return whether a text file called gt.txt holds rows of frames."""
    return any(_is_truth(tree, path) for path in _files(tree))


def _files(tree: Tree) -> list[str]:
    return sorted(path for path in tree.texts if path.rpartition("/")[2].lower() == "gt.txt")


def _is_truth(tree: Tree, path: str) -> bool:
    try:
        lines = [line for line in islice(tree.read_text(path).split("\n"), SAMPLED_ROWS) if line.strip()]
    except OSError:
        return False
    return bool(lines) and all(_values(line) for line in lines)


def _values(line: str) -> list[float]:
    """Return the numbers of a row, [] where it is none."""
    values = [number(each.strip()) for each in line.split(",")]
    is_row = 6 <= len(values) <= 10 and all(map(math.isfinite, values)) and values[0] >= 0
    whole = [*values[:2], *values[7:8]]  # frame, track and class
    return values if is_row and not any(value % 1 for value in whole) else []


def read(tree: Tree) -> MotSource:
    """Return the source of a folder that `sniff` took."""
    source = MotSource(tree, Report())
    for path in tree.told(_files(tree)):
        if _is_truth(tree, path):
            source.add(path)
        else:
            source.report.drop(path, f"refused as {LABEL}", "expected rows of frame, track, x, y, width, height, ...")
    for path in sorted(tree.texts):
        if path.endswith("det/det.txt"):
            source.report.notice(path, "detections beside the ground truth are left out", "only gt/gt.txt is read")
    source.settle()
    return source


class MotSource(Gathered):
    """A folder with sequences; see formats.Source."""

    format = NAME

    def add(self, path: str) -> None:
        """Take the rows of a sequence."""
        sequence = str(PurePosixPath(path).parent.parent)
        frames = self._frames("" if sequence == "." else f"{sequence}/")
        names = self._class_names(path)
        for image in frames.values():
            self.know(image)
        text = self.tree.try_text(path, self.report) or ""
        for line, row in enumerate(text.split("\n"), 1):
            if not row.strip():
                continue
            values = _values(row)
            if not values:
                self.report.drop(path, f"not a row of {LABEL}", row[:80], line)
            elif (frame := frames.get(int(values[0]))) is None:
                self.report.drop(path, "frame is not in the folder", f"frame {int(values[0])}", line)
            else:
                kind = int(values[7]) if len(values) > 7 else 1
                self.take(frame, path, line, (self.name(names.get(kind, f"class {kind}")), values))

    def _frames(self, sequence: str) -> dict[int, str]:
        """Return {number: image} of a sequence's frames."""
        told = self._told(sequence)
        for folder in (*([told] if told else []), *FRAMES):
            start = f"{sequence}{folder}/"
            found = [path for path in self.tree.images if path.startswith(start)]
            numbered = {int(stem): path for path in found if (stem := PurePosixPath(path).stem).isdecimal()}
            if numbered:
                return numbered
        return {}

    def _told(self, sequence: str) -> str:
        """Return the folder of frames that seqinfo.ini names, "" for none."""
        try:
            parser = configparser.ConfigParser(interpolation=None)
            parser.read_string((self.tree.root / f"{sequence}seqinfo.ini").read_text("utf-8", "replace")[:100_000])
            return parser.get("Sequence", "imDir", fallback="").strip("/")
        except (OSError, configparser.Error):
            return ""

    def _class_names(self, path: str) -> dict[int, str]:
        """Return {class number: name}: of labels.txt beside the file, else those of MOT16."""
        beside = f"{path.rpartition('/')[0]}/labels.txt".lstrip("/")
        names = read_names(self.tree, beside, self.report) if beside in self.tree.texts else dict(enumerate(CLASSES))
        for at in sorted(names):
            self.listed.setdefault(names[at])
        return {at + 1: name for at, name in names.items()}

    def _label(self, entry: tuple[str, list[float]], place: Place) -> Label | None:
        name, (_, track, x, y, w, h, *more) = entry
        index = self._numbered(name, place)
        label = None if index is None else box_label(index, (x, y, x + w, y + h), place)
        if label is None:
            return None
        facts: dict = {"track": int(track)} if track >= 0 else {}
        if more and more[0] == 0:  # not counted when trackers are measured
            facts["crowd"] = True
        if len(more) > 2:
            facts["visibility"] = more[2]
        return replace(label, attributes=facts or None)
