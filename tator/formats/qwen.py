"""Conversations for training Qwen-VL, as JSON Lines.

Each has an image, a question and an answer of boxes in whole pixels.

An answer is JSON text: {"detections": [{"label", "bbox": [x1, y1, x2, y2]} or {"label", "point": [x, y]}]}. Rows with
the detections beside the image, and rows of question and answer, are read too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

from tator.formats import SPLITS, Label, folder_split
from tator.formats._gathered import Gathered, Refused
from tator.formats._json import as_dict, as_list, each_line, read_json
from tator.formats._shapes import Place, box_label, number
from tator.formats.tree import Tree
from tator.formats.writing import Output, Splits, Written, boxes_only

NAME = "qwen"
LABEL = "Qwen conversations"
VERSION = "qwen3_conversation_v1"
PROMPTS = {
    "bbox": "Find every object of these classes: {classes}. Answer with JSON: "
    '{{"detections": [{{"label": class, "bbox": [x1, y1, x2, y2]}}]}} in pixels.',
    "point": "Find every object of these classes: {classes}. Answer with JSON: "
    '{{"detections": [{{"label": class, "point": [x, y]}}]}}, the centre of each in pixels.',
}
_FENCED = re.compile(r"```[A-Za-z]*\s*(.*?)```", re.S)


def sniff(tree: Tree) -> bool:
    """Whether the folder has conversations about images."""
    return any(is_qwen(sample) for _, sample in tree.samples(".jsonl", ".ndjson"))


def is_qwen(sample: bytes) -> bool:
    """Whether both ends of a file look like conversations with detections."""
    has_answer = any(key in sample for key in (b'"conversations"', b'"detections"', b'"answer"', b'"messages"'))
    return b'"image' in sample and has_answer and b"detections" in sample


def read(tree: Tree) -> QwenSource:
    """Return the source of a folder that `sniff` took."""
    source = QwenSource.of_files(tree, is_qwen, ".jsonl", ".ndjson")
    for path in tree.tables:
        if PurePosixPath(path).name == "metadata.json":
            listed = as_list(as_dict(read_json(tree, path, source.report, "metadata")).get("classes"))
            source.listed |= dict.fromkeys(map(str, listed))
    source.settle()
    return source


class QwenSource(Gathered):
    """A folder with conversations; see formats.Source."""

    format = NAME

    def add(self, path: str) -> None:
        """Take the answers of a file."""
        split = SPLITS.get(PurePosixPath(path).stem.lower()) or folder_split(path)
        for line, row in each_line(self.tree, path, self.report):
            reference = row.get("image") or next(iter(as_list(row.get("images"))), None)
            image = self.find(reference, path, line, [f"{split}/", f"images/{split}/"] if split else [], split or "")
            if image is None:
                continue
            if split:
                self.splits[image] = split
            found = _detections(row)
            if found is None:
                self.take(image, path, line, Refused("answer without detections", image))
                continue
            for each in found:
                self._take(image, path, line, as_dict(each))

    def _take(self, image: str, path: str, line: int, given: dict) -> None:
        name = given.get("label")
        if not isinstance(name, str) or not name:
            self.take(image, path, line, Refused("object without a class", str(given)[:80]))
            return
        values = given.get("bbox", given.get("bbox_2d", given.get("point")))
        kind = "point" if "point" in given and "bbox" not in given else "bbox"
        self.take(image, path, line, (kind, self.name(name), tuple(map(number, as_list(values)))))

    def labels(self, path: str, width: int, height: int) -> list[Label] | None:
        """Return the labels of an image.

        A point inside a box repeats it in words; any other point is dropped.
        """
        found = super().labels(path, width, height)
        for file, line, entry in self._entries.get(path, ()):
            if isinstance(entry, Refused) or entry[0] != "point":
                continue
            _, name, values = entry
            if not any(_holds(label, self.index(name), values) for label in found or ()):
                self.report.drop(file, "point without a box", f"{name[:80]} at {values}", line)
        return found

    def _label(self, entry: tuple[str, str, Sequence[float]], place: Place) -> Label | None:
        kind, name, values = entry
        index = None if kind == "point" else self._numbered(name, place)
        if index is None:
            return None
        if len(values) != 4:
            place.drop("no box", f"{name[:80]}: {len(values)} numbers; expected [x1, y1, x2, y2]")
            return None
        return box_label(index, values, place)


def _holds(label: Label, index: int | None, point: Sequence[float]) -> bool:
    x1, y1, x2, y2 = label.xyxy
    near = len(point) == 2 and x1 - 1 <= point[0] <= x2 + 1 and y1 - 1 <= point[1] <= y2 + 1
    return label.class_index == index and near


def _detections(row: dict) -> list | None:
    """Return the detections of a row of any of the three kinds, or None."""
    if isinstance(row.get("detections"), list):
        return row["detections"]
    turns = as_list(row.get("conversations")) + as_list(row.get("messages"))
    said = [
        as_dict(turn) for turn in turns if as_dict(turn).get("from", as_dict(turn).get("role")) in ("gpt", "assistant")
    ]
    texts = [turn.get("value", turn.get("content")) for turn in said] or [row.get("answer")]
    found = [_answer(text) for text in texts if isinstance(text, str)]
    kept = [each for each in found if each is not None]
    return [one for each in kept for one in each] if kept else None


def _answer(text: str) -> list | None:
    """Return the detections in an answer: JSON, perhaps in a fence."""
    fenced = _FENCED.search(text)
    try:
        answer: Any = json.loads(fenced[1] if fenced else text)
    except (ValueError, RecursionError):
        return None
    answer = answer.get("detections") if isinstance(answer, dict) else answer
    return answer if isinstance(answer, list) else None


def image_path(split: str, name: str) -> str:
    """Return where an image goes."""
    return f"{split}/{name}"


def write(out: Output, names: list[str], splits: Splits) -> Iterator[int]:
    """Write conversations and metadata per split; yield images done.

    Each image has one conversation of boxes and one of points.
    """
    done, counts = 0, {}
    for split, images in splits.items():
        before = done
        with out.open(f"{split}/annotations.jsonl") as file:
            for image in images:
                for mode in PROMPTS:
                    file.write(json.dumps(conversation(out, image, names, mode), ensure_ascii=False).encode() + b"\n")
                done += 1
                yield done
        counts[split] = done - before
    facts = {"format": VERSION, "type": "bbox", "classes": names, "counts": counts, "modes": list(PROMPTS)}
    out.text("metadata.json", json.dumps(facts, ensure_ascii=False, indent=1) + "\n")


def conversation(out: Output, image: Written, names: Sequence[str], mode: str, context: str = "") -> dict:
    """Return one record.

    Args:
        out: takes notes of what has no room.
        image: with its labels.
        names: class names in label-map order.
        mode: bbox or point.
        context: what is said before the question.
    """
    detections = []
    for label in image.labels:
        if mode == "bbox":
            boxes_only(out, label, LABEL)
        detections.append({"label": names[label.class_index], mode: _whole(label, mode)})
    question = f"{context} {PROMPTS[mode].format(classes=', '.join(names))}".strip()
    answer = json.dumps({"detections": detections}, ensure_ascii=False)
    human, gpt = {"from": "human", "value": f"<image>\n{question}"}, {"from": "gpt", "value": answer}
    return {"image": image.name, "conversations": [human, gpt]}


def _whole(label: Label, mode: str) -> list[int]:
    """Return a box in whole pixels, never empty, or its centre."""
    x1, y1, x2, y2 = label.xyxy
    if mode == "point":
        return [int((x1 + x2) / 2), int((y1 + y2) / 2)]
    (left, right), (top, bottom) = _rounded(x1, x2), _rounded(y1, y2)
    return [left, top, right, bottom]


def _rounded(low: float, high: float) -> tuple[int, int]:
    """Return the nearest whole numbers, at least one apart, at most `high` rounded up."""
    nearest = int(low + 0.5), int(high + 0.5)
    return nearest if nearest[0] < nearest[1] else (int(low), int(low) + 1)
