"""Label Studio: tasks as JSON, one in a file or many, and as "JSON-min".

Source: https://labelstud.io/guide/task_format and https://labelstud.io/guide/export
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from tator.formats import Label, Report, fit_confidence, folder_split
from tator.formats._brush import unpacked
from tator.formats._drawn import Drawn, DrawnSource
from tator.formats._json import as_dict, as_list, read_json
from tator.formats._json_keys import Keys, any_file, each_file
from tator.formats._label_studio_regions import Region, Said, said_by
from tator.formats._label_studio_tasks import USUAL, tasks_of
from tator.formats._label_studio_writing import CONFIG, write_tasks
from tator.formats._named_points import NamedPoints, Spot
from tator.formats._shapes import Place, ellipse, number, turned
from tator.formats._xml import read_xml, root_tag
from tator.formats.cells import each_row, header, parsed
from tator.formats.tree import Tree
from tator.formats.writing import ANY, Output, Splits
from tator.storage.images import EXTENSIONS
from tator.types import BadInput
from tator.vision import masks

NAME = "label_studio"
LABEL = "Label Studio JSON"
HOLDS_ATTRIBUTES = ANY
HOLDS_CAPTIONS = True
HOLDS_CONFIDENCE = True
HOLDS_TAGS = True
HOLDS_NOTES = True
PLAIN = frozenset("choice choices tag tags class classification taxonomy label".split())  # say nothing of the question
UPLOADED = re.compile(r"(?:\d+-)?[0-9a-f]{4,12}-(.+)")  # how a file is called that was uploaded into Label Studio


def sniff(tree: Tree) -> bool:
    """Whether the folder has tasks of Label Studio."""
    return any_file(tree, is_label_studio, ".json") or any(is_table(sample) for _, sample in tree.samples(".csv"))


def is_label_studio(keys: Keys) -> bool:
    """Whether keys are those of tasks, of one annotation, or of JSON-min."""
    has_results = "result" in keys and {"from_name", "to_name"} <= keys
    is_task = "data" in keys and bool({"annotations", "completions", "predictions"} & keys)
    marks = {"result", "was_cancelled", "total_annotations", "file_upload", "drafts", "inner_id"}
    return has_results or is_task and bool(marks & keys) or {"annotation_id", "annotator"} <= keys


def is_table(sample: bytes) -> bool:
    """Whether the first line of a CSV file names annotations and who made them."""
    return {"annotation_id", "annotator"} <= set(header(sample))


def read(tree: Tree) -> LabelStudioSource:
    """Return the source of a folder that `sniff` took."""
    return read_tasks(LabelStudioSource(tree, Report()))


def read_tasks(source: LabelStudioSource) -> LabelStudioSource:
    """Let a source take the tasks of its folder, and return it."""
    tree = source.tree
    source.add_config()
    for path in each_file(tree, is_label_studio, ".json"):
        source.add(path)
    for path, sample in tree.each_sample(".csv"):
        if is_table(sample):
            source.add_table(path)
    source.settle()
    source.skeletons = source.points.skeletons(source.index)
    return source


@dataclass(frozen=True)
class Annotation:
    """What one person, or a model, said of a task.

    Attributes:
        key: tells it from the others of the task.
        results: by image of the task, which mostly has one.
        who: said it, None where nobody is named.
        score: of a prediction.
    """

    key: Any
    results: list[dict]
    who: Any = None
    score: Any = None


class LabelStudioSource(DrawnSource):
    """A folder with tasks of Label Studio; see formats.Source."""

    format = NAME
    wants_predictions = False  # where a task has both

    def __init__(self, tree: Tree, report: Report) -> None:
        super().__init__(tree, report)
        self.points = NamedPoints()
        self._fields: dict[str, str] = {}

    def add_config(self) -> None:
        """Take the classes, and what is shown, from a labelling configuration."""
        for path, sample in self.tree.each_sample(".xml"):
            if root_tag(sample) != "View" or (root := read_xml(self.tree, path, self.report)) is None:
                continue
            for element in root.iter():
                value = element.get("value") or ""
                if element.tag.endswith("Labels") and element.tag != "KeyPointLabels":
                    named = (label.get("value") for label in element.iter("Label"))
                    self.listed |= dict.fromkeys(self.name(name) for name in named if name)
                elif element.tag == "Image" and value.startswith("$"):
                    self._fields[element.get("name") or ""] = value[1:]

    def add(self, path: str) -> None:
        """Take the tasks of a file."""
        content = read_json(self.tree, path, self.report, "tasks of Label Studio")
        rows = content if isinstance(content, list) else [] if content is None else [content]
        for at, row in tasks_of(rows):
            if isinstance(row, dict):
                self._task(row, path, at)
            else:
                self.report.drop(path, "entry is no task", f"{str(row)[:80]}; expected an object", at)

    def add_table(self, path: str) -> None:
        """Take the rows of a CSV export, whose cells are the fields of JSON-min."""
        rows = each_row(self.tree, path, self.report)
        _, names = next(rows, (0, []))
        cells = [dict(zip(names, map(parsed, row), strict=False)) for _, row in rows]
        for at, task in tasks_of([{key: value for key, value in row.items() if value != ""} for row in cells]):
            self._task(task, path, at)

    def _task(self, row: dict, path: str, at: int) -> None:
        data, annotations = as_dict(row.get("data")), self._chosen(row, path, at)
        by_image: dict[str, str | None] = {}
        known: dict[tuple[str, str], str] = {}  # a task has many results, and mostly one image
        for annotation in annotations or [Annotation(None, [])]:
            shown: dict[str, list[dict]] = {} if annotation.results else {self._reference(data, {}): []}
            for result in annotation.results:
                about = str(result.get("to_name") or ""), str(result.get("item_index"))
                if about not in known:
                    known[about] = self._reference(data, result)
                shown.setdefault(known[about], []).append(result)
            for reference, results in shown.items():
                if reference not in by_image:
                    by_image[reference] = self._find(reference, row, path, at)
                if image := by_image[reference]:
                    where = f", annotation {str(annotation.key)[:40]}" if len(annotations) > 1 else ""
                    who = annotation.who if len(annotations) > 1 else None
                    self._take(image, f"{path}{where} ({image})", said_by(results, annotation.score), who)

    def _chosen(self, row: dict, path: str, at: int) -> list[Annotation]:
        """Return the annotations of a task that are read; the others are told."""
        rows = [as_dict(each) for each in as_list(row.get("annotations", row.get("completions")))]
        kept = [each for each in rows if not each.get("was_cancelled")]
        if len(kept) < len(rows):
            self.report.notice(path, "skipped annotation left out", f"{len(rows) - len(kept)} of {len(rows)}", at)
        best = [each for each in kept if each.get("ground_truth")]
        if best and len(best) < len(kept):
            told = f"{len(best)} of {len(kept)} annotations are marked as ground truth"
            self.report.notice(path, "only the ground truth is read", told, at)
            kept = best
        if len(kept) > 1:
            told = f"{len(kept)}; objects that agree are read once, the attribute annotator says whose the others are"
            self.report.notice(path, "several annotations of an image", told, at)
        if not kept and (drafts := [each for each in as_list(row.get("drafts")) if as_dict(each).get("result")]):
            self.report.notice(path, "draft left out", f"{len(drafts)}, of a task that nobody submitted", at)
        guesses = [as_dict(each) for each in as_list(row.get("predictions"))]
        guesses = [each for each in guesses if as_list(each.get("result"))]
        if kept and not (guesses and self.wants_predictions):
            if guesses:
                told = f"{len(guesses)}, of an image that people annotated"
                self.report.notice(path, "predictions left out", told, at)
            return [_annotation(each, each.get("completed_by")) for each in kept]
        if guesses and not self.wants_predictions:
            told = "nobody annotated the image, so what a model found is read; Labels takes it as candidates instead"
            self.report.notice(path, "predictions read as labels", told, at)
        return [replace(_annotation(each, each.get("model_version")), score=each.get("score")) for each in guesses]

    def _reference(self, data: dict, result: dict) -> str:
        """Return the image in a task's data that a result is about."""
        to = str(result.get("to_name") or "")
        keys = [self._fields.get(to, to), *USUAL, *data]
        texts = [text for key in keys if (text := _address(data.get(key), result.get("item_index")))]
        known = (text for text in texts if self.tree.find(text)[0])
        pictures = (text for text in texts if PurePosixPath(text.partition("?")[0]).suffix.lower() in EXTENSIONS)
        return next(known, None) or next(pictures, None) or next(iter(texts), "")

    def _find(self, reference: str, row: dict, path: str, at: int) -> str | None:
        """Return the image that a task shows; an upload may have its own name again."""
        upload = row.get("file_upload")
        names = [reference, *([upload] if isinstance(upload, str) else [])]
        if any(self.tree.find(name)[0] for name in names if name):
            return self.find(next(name for name in names if name and self.tree.find(name)[0]), path, at)
        for name in names:
            last = UPLOADED.fullmatch(PurePosixPath(name).name)
            if last and ("upload" in name or upload) and (own := self._before_upload(last[1])):
                self.report.repair(path, "image found by the name before its upload", f"{name[:120]} is {own}", at)
                return self.find(own, path, at)
        return self.find(reference, path, at)

    def _before_upload(self, name: str) -> str | None:
        """Return the image that was uploaded under a name, blanks as underscores."""
        alike = [path for path in self.tree.images if as_stored(PurePosixPath(path).name) == name]
        return self.tree.find(name)[0] or (alike[0] if len(alike) == 1 else None)

    def _take(self, image: str, where: str, said: Said, who: Any) -> None:
        """Keep what an annotation says of an image."""
        if split := folder_split(image):
            self.splits[image] = split
        self.told_size(image, where, *said.size)
        if said.turn:
            told = f"by {str(said.turn)[:20]} degrees: look whether the places fit"
            self.report.notice(where, "image was turned while it was labelled", told)
        for answer in said.answers:
            self._answer(image, *answer)
        for refused in said.refused:
            self.take(image, where, None, refused)
        for region in said.regions:
            self.points.meet(self.name(region.name), (name for name, _, _ in region.points))
            if "labels" in region.attributes:
                told = f"{', '.join(region.attributes['labels'])[:120]}: the first is the class"
                self.report.notice(where, "several labels of an object", f"{told}, the attribute labels has all")
            more = {} if who is None else {"annotator": who}
            kept = replace(region, attributes=region.attributes | more)
            if kept.kind == "brush":
                kept = replace(kept, value=_held(kept.value))
            self.take(image, where, None, kept)

    def _answer(self, image: str, name: str, kind: str, value: Any) -> None:
        """Keep an answer about a whole image as its caption, notes or tags."""
        listed = value if isinstance(value, list) else [value]
        if name in ("caption", "captions"):
            self.captions[image] = "\n".join(map(str, listed))
        elif kind == "text" or name == "notes":
            text = "\n".join(map(str, listed))
            said = text if name in ("notes", "text") else f"{name}: {text}"
            self.notes[image] = f"{self.notes[image]}\n{said}" if image in self.notes else said
        else:
            texts = [str(each) if name in PLAIN else f"{name}: {each}" for each in listed]
            self.tags[image] = list(dict.fromkeys([*self.tags.get(image, ()), *texts]))

    def _label(self, entry: Any, place: Place) -> Label | None:
        try:
            shape = _shape(entry, place)
        except BadInput as error:
            place.drop("mask refused", str(error))
            return None
        rows = self.points.rows(entry.name, _pixels(entry.points, place))
        given = entry.confidence
        sure = None if given is None else fit_confidence(given, self.report, place.file, place.line)
        drawn = Drawn(entry.name, **shape, points=rows, attributes=entry.attributes, confidence=sure)
        return super()._label(drawn, place)


def as_stored(name: str) -> str:
    """Return a file's name as Label Studio stores it.

    Source: get_valid_filename of https://docs.djangoproject.com/en/5.2/ref/utils/, which it stores uploads with.
    """
    return re.sub(r"[^-\w.]", "", name.strip().replace(" ", "_"))


def _annotation(row: dict, who: Any) -> Annotation:
    """Return an annotation or prediction of a task."""
    person = as_dict(who)
    named = (person.get("id") or person.get("email")) if person else who
    return Annotation(row.get("id"), [each for each in as_list(row.get("result")) if isinstance(each, dict)], named)


def _address(value: Any, index: Any) -> str:
    """Return the address in a field of a task's data; a list has one for each page."""
    if isinstance(value, list) and value:
        value = value[index if isinstance(index, int) and 0 <= index < len(value) else 0]
    return value.strip() if isinstance(value, str) else ""


def _held(value: dict) -> dict:
    """Return the place of a mask with its run lengths as bytes, which are small."""
    try:
        return value | {"rle": bytes(as_list(value["rle"]))}
    except (TypeError, ValueError):
        return value | {"rle": None}


def _pixels(points: Any, place: Place) -> dict[str, Spot]:
    across, down = place.width / 100, place.height / 100
    return {name: (number(x) * across, number(y) * down, 2) for name, x, y in points}


def _shape(region: Region, place: Place) -> dict:
    """Return the fields of a Drawn that a region fills.

    Raises:
        BadInput: a mask is damaged.
    """
    value, across, down = region.value, place.width / 100, place.height / 100
    if region.kind == "brush":
        if str(value.get("format", "rle")) != "rle":
            raise BadInput(f"it is packed as {str(value.get('format'))[:40]}; expected rle")
        pixels = unpacked(value["rle"], place.width, place.height)
        return {"mask": masks.of_dense(pixels), "rings": ()} if pixels.any() else {"box": (0, 0, 0, 0)}
    if region.kind == "polygon":
        pairs = [as_list(point) for point in as_list(value.get("points"))]
        flat = [number(v) * s for pair in pairs for v, s in zip(pair[:2], (across, down), strict=False)]
        return {"rings": [[flat]]}
    x, y, turn = number(value.get("x")) * across, number(value.get("y")) * down, number(value.get("rotation") or 0)
    if region.kind == "ellipse":
        place.notice("ellipse read as an outline", region.name[:80])
        rx, ry = number(value.get("radiusX")) * across, number(value.get("radiusY")) * down
        return {"rings": [[ellipse(x, y, rx, ry, turn)]]}
    w, h = number(value.get("width")) * across, number(value.get("height")) * down
    cx, cy = turned([x + w / 2, y + h / 2], turn, x, y)  # a box turns about its upper left corner
    return {"box": (cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2), "turn_deg": turn}


def write(out: Output, names: list[str], splits: Splits) -> Iterator[int]:
    """Write the tasks and the labelling configuration they need; yield images done."""
    return write_tasks(out, names, splits, CONFIG)
