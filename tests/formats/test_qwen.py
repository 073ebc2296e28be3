"""Qwen's JSON Lines: every kind of row of the specification, section 6.3, answers in fences (6.1), and what is no answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.folders import export, make, picture, text, yolo_folder
from tests.reading import dropped, named_boxes, read_folder, told

BOX = {"label": "cat", "bbox": [4, 4, 20, 20]}
ANSWER = json.dumps({"detections": [BOX]})


def said(answer: str, **more) -> dict:
    return {
        "image": "a.png",
        "conversations": [{"from": "human", "value": "<image>\nwhere?"}, {"from": "gpt", "value": answer}],
        **more,
    }


ROWS = {
    "conversation": said(ANSWER),
    "fence": said(f"```json\n{ANSWER}\n```"),
    "fence in capitals": said(f"```JSON\n{ANSWER}\n```"),
    "fence without a language": said(f"Here they are:\n```\n{ANSWER}\n```\nThat is all."),
    "fence on one line": said(f"```json {ANSWER} ```"),
    "list": said(json.dumps([BOX]) + " ", context="detections"),
    "box of Qwen 2.5": said(json.dumps({"detections": [{"label": "cat", "bbox_2d": [4, 4, 20, 20]}]})),
    "messages": {
        "image": "a.png",
        "messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": ANSWER}],
    },
    "several images": {"images": ["a.png"], "messages": [{"role": "assistant", "content": ANSWER}]},
    "legacy detections": {"image": "a.png", "context": "a harbour", "detections": [BOX]},
    "legacy question": {"image": "a.png", "question": "where?", "answer": ANSWER},
    "two answers": {
        "image": "a.png",
        "conversations": [*said(json.dumps({"detections": []}))["conversations"], {"from": "gpt", "value": ANSWER}],
    },
    "box and its point": {"image": "a.png", "detections": [BOX, {"label": "cat", "point": [12, 12]}]},
}


@pytest.mark.parametrize("kind", ROWS)
def test_every_kind_of_row_reads_alike(tmp_path: Path, kind: str):
    picture(tmp_path / "train" / "a.png")
    text(tmp_path / "train" / "annotations.jsonl", json.dumps(ROWS[kind]) + "\n")
    source, found = read_folder(tmp_path)
    assert source.format == "qwen" and source.splits == {"train/a.png": "train"} and not dropped(source)
    assert named_boxes(source, found["train/a.png"]) == [("cat", 4, 4, 20, 20)]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (said("I see no detections."), "answer without detections"),
        (said("```json\n{detections: oops}\n```"), "answer without detections"),
        (said('{"detections": 5}'), "answer without detections"),
        (said("[" * 100_000 + "detections"), "answer without detections"),
        ({"image": "a.png", "detections": [{"bbox": [1, 1, 9, 9]}]}, "object without a class"),
        ({"image": "a.png", "detections": [{"label": 7, "bbox": [1, 1, 9, 9]}]}, "object without a class"),
        ({"image": "a.png", "detections": [{"label": "cat", "bbox": [1, 1, 9]}]}, "no box"),
        ({"image": "a.png", "detections": [{"label": "cat"}]}, "no box"),
        ({"image": "a.png", "detections": [{"label": "cat", "bbox": [1, None, 9, 9]}]}, "not a finite number"),
        ({"image": "a.png", "detections": [{"label": "cat", "point": [60, 40]}]}, "point without a box"),
    ],
)
def test_t39_what_is_no_answer_is_named_by_line_and_the_others_are_read(tmp_path: Path, row: dict, reason: str):
    picture(tmp_path / "train" / "a.png")
    picture(tmp_path / "train" / "b.png")
    good = json.dumps({"image": "b.png", "detections": [BOX]})
    text(tmp_path / "train" / "annotations.jsonl", f"{json.dumps(row)}\n{good}\n")
    source, found = read_folder(tmp_path)
    assert dropped(source) == {reason: 1} and "annotations.jsonl:1" in told(source)
    assert named_boxes(source, found["train/b.png"]) == [("cat", 4, 4, 20, 20)]


def test_records_are_those_of_the_specification(wb, tmp_path: Path):
    """A record of boxes and one of points an image, in whole pixels, the answer being JSON text."""
    import zipfile

    dataset = make(
        wb, yolo_folder(tmp_path / "s", {"a.png": "1 .5 .5 .5 .5\n0 .25 .25 .1 .1", "b.png": ""}, ["cat", "dog"])
    )
    with zipfile.ZipFile(export(dataset, "qwen")[1]) as archive:
        rows = [json.loads(line) for line in archive.read("train/annotations.jsonl").decode().splitlines()]
        facts = json.loads(archive.read("metadata.json"))
    assert [row["image"] for row in rows] == ["a.png", "a.png", "b.png", "b.png"]
    for row in rows:
        human, gpt = row["conversations"]
        assert row.keys() == {"image", "conversations"} and (human["from"], gpt["from"]) == ("human", "gpt")
        assert human["value"].startswith("<image>\n") and "cat, dog" in human["value"]
    answers = [json.loads(row["conversations"][1]["value"])["detections"] for row in rows]
    assert answers[0] == [{"label": "dog", "bbox": [16, 12, 48, 36]}, {"label": "cat", "bbox": [13, 10, 19, 14]}]
    assert answers[1] == [{"label": "dog", "point": [32, 24]}, {"label": "cat", "point": [16, 12]}]
    assert answers[2] == answers[3] == []
    assert (
        facts["format"] == "qwen3_conversation_v1"
        and facts["classes"] == ["cat", "dog"]
        and facts["counts"] == {"train": 2}
    )
