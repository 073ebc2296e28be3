"""Labelbox NDJSON: a line a data row, with the labels of each project.

Source: https://docs.labelbox.com/reference/export-image-annotations
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from tator.formats import SPLITS
from tator.formats._drawn import Drawn, DrawnSource
from tator.formats._gathered import Refused
from tator.formats._json import as_dict, as_list, each_line, read_json
from tator.formats._shapes import number
from tator.formats.tree import Tree

NAME = "labelbox"
LABEL = "Labelbox NDJSON"
NO_AREA = ("point", "line")
SUFFIXES = (".ndjson", ".jsonl", ".json")


def sniff(tree: Tree) -> bool:
    """Whether the folder has an export of Labelbox."""
    return any(is_labelbox(sample) for _, sample in tree.samples(*SUFFIXES))


def is_labelbox(sample: bytes) -> bool:
    """Whether both ends of a file look like an export of Labelbox."""
    return b'"data_row"' in sample and (b'"projects"' in sample or b'"media_attributes"' in sample)


def read(tree: Tree) -> LabelboxSource:
    """Return the source of a folder that `sniff` took."""
    source = LabelboxSource.of_files(tree, is_labelbox, *SUFFIXES)
    source.settle()
    return source


class LabelboxSource(DrawnSource):
    """A folder with exports of Labelbox; see formats.Source."""

    format = NAME

    def __init__(self, tree: Tree, report: Any) -> None:
        super().__init__(tree, report)
        self.tags: dict[str, list[str]] = {}

    def add(self, path: str) -> None:
        """Take the data rows of a file."""
        if path.lower().endswith(".json") and self.tree.head(path).lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"[":
            rows = read_json(self.tree, path, self.report, "a list of data rows")
            for at, row in enumerate(as_list(rows), 1):
                self._row(as_dict(row), path, at)
            return
        for line, row in each_line(self.tree, path, self.report):
            self._row(row, path, line)

    def _row(self, row: dict, path: str, line: int) -> None:
        data = as_dict(row.get("data_row"))
        image = self._image(data, path, line)
        if image is None:
            return
        size = as_dict(row.get("media_attributes"))
        self.told_size(image, path, size.get("width"), size.get("height"))
        split = as_dict(data.get("details")).get("split")
        if isinstance(split, str) and split:
            self.splits[image] = SPLITS.get(split.lower(), split)
        projects = [as_dict(each) for each in as_dict(row.get("projects")).values()]
        labels = [as_dict(each) for project in projects for each in as_list(project.get("labels"))]
        if len(labels) > 1:
            self.report.notice(path, "several labels of an image", f"{image} has {len(labels)}; all are read", line)
        for label in labels:
            self._label_of(as_dict(label.get("annotations")), image, path, line)

    def _image(self, data: dict, path: str, line: int) -> str | None:
        """Return the image of a data row, by external id, global key or address."""
        address = data.get("row_data")
        tail = unquote(urlsplit(address).path) if isinstance(address, str) and "://" in address else address
        names = [
            name for name in (data.get("external_id"), data.get("global_key"), tail) if isinstance(name, str) and name
        ]
        known = next((name for name in names if self.tree.find(name)[0]), names[0] if names else None)
        return self.find(known, path, line)

    def _label_of(self, annotations: dict, image: str, path: str, line: int) -> None:
        for each in as_list(annotations.get("classifications")):
            self.tags.setdefault(image, []).extend(f"{name}: {said}" for name, said in _answers([each]).items())
        for row in map(as_dict, as_list(annotations.get("objects"))):
            self.take(image, path, line, self._entry(row))
        if frames := as_dict(annotations.get("frames")):
            self.take(image, path, line, Refused("annotation of a video", f"{len(frames)} frames"))

    def _entry(self, row: dict) -> Drawn | Refused:
        name = row.get("name") or row.get("value")
        if not isinstance(name, str) or not name:
            return Refused("object without a class", str(row.get("feature_id"))[:40])
        facts: dict[str, Any] = {"attributes": _answers(as_list(row.get("classifications")))}
        if "bounding_box" in row:
            box = as_dict(row["bounding_box"])
            left, top, height, width = (number(box.get(side)) for side in ("left", "top", "height", "width"))
            return Drawn(self.name(name), box=(left, top, left + width, top + height), **facts)
        if "polygon" in row:
            points = map(as_dict, as_list(row["polygon"]))
            return Drawn(
                self.name(name), rings=[[[number(p.get(axis)) for p in points for axis in ("x", "y")]]], **facts
            )
        if "mask" in row or "composite_mask" in row:
            mask = as_dict(row.get("mask") or row.get("composite_mask"))
            return Refused("mask behind an address", f"{name[:80]}: {str(mask.get('url'))[:120]}; it is not fetched")
        kind = next((kind for kind in NO_AREA if kind in row), "")
        if kind:
            return Refused("shape without an area", f"{kind}: {name[:80]}")
        return Refused("unknown shape", f"{name[:80]}: {', '.join(sorted(map(str, row)))[:120]}")


def _answers(rows: list) -> dict[str, Any]:
    """Return {question: answer} of classifications, those inside answers as well."""
    found: dict[str, Any] = {}
    for row in map(as_dict, rows):
        name = str(row.get("name") or row.get("value") or "")
        answers = [row.get("radio_answer"), row.get("checklist_answers"), row.get("text_answer")]
        given = next((each for each in answers if each is not None), None)
        if not name or given is None:
            continue
        listed = [as_dict(each) for each in (given if isinstance(given, list) else [given])]
        said = [str(each.get("name") or each.get("value") or each.get("content") or "") for each in listed]
        found[name] = said if isinstance(given, list) else said[0]
        for each in listed:
            found |= _answers(as_list(each.get("classifications")))
    return found
