"""COCO's results read a piece at a time: the same objects as all at once, wherever a piece ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tator.types import BadInput
from tator.workflows.evaluation.predictors import coco_results as reading
from tator.workflows.evaluation.predictors.packing import packed, unpacked

NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32) | st.integers(-(10**9), 10**9)
ROWS = st.lists(
    st.fixed_dictionaries({
        "image_id": st.integers(0, 5) | st.sampled_from(["a ,]}.jpg", 'ü"\\.jpg']), "category_id": st.integers(1, 2),
        "bbox": st.lists(NUMBERS, min_size=4, max_size=4), "score": st.floats(0, 1),
    }), max_size=6,
)  # fmt: skip


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("results") / "results.json"


@given(rows=ROWS, indent=st.sampled_from([None, 1]), piece=st.sampled_from([1, 7, 64, 4096]), mark=st.booleans())
def test_pieces_change_nothing(file: Path, rows: list, indent: int | None, piece: int, mark: bool):
    text = json.dumps(rows, indent=indent, ensure_ascii=False)
    file.write_text(" " * (piece > 1) + text, encoding="utf-8-sig" if mark else "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "PIECE", max(piece, 8))
        found, how = reading.coco_results(file, ["x", "y"])
    assert {image: len(unpacked(lines)) for image, lines in found.items()} == {
        image: sum(row["image_id"] == image for row in rows) for image in {row["image_id"] for row in rows}
    }
    assert how == ("file_name" if any(isinstance(row["image_id"], str) for row in rows) else "auto")
    for image, lines in found.items():
        own = [row for row in rows if row["image_id"] == image]
        assert [each["score"] for each in unpacked(lines)] == [row["score"] for row in own]
        assert [each["desc"] for each in unpacked(lines)] == ["xy"[row["category_id"] - 1] for row in own]
        assert [each["points"][:2] for each in unpacked(lines)] == [row["bbox"][:2] for row in own]


GOOD = '{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5}'


@pytest.mark.parametrize(
    "content",
    ["", "[", f"[{GOOD}", f"[{GOOD},", f"[{GOOD[:-3]}", '["a"]', "[3]", "[{}]", '[{"image_id": []}]', "[nonsense]", "{}", "3",
     '{"annotations": 3}', '{"annotations": [3]}', '[{"image_id": 1, "category_id": 7}]'],
)  # fmt: skip
def test_what_is_no_list_of_results_is_named(tmp_path, content):
    file = tmp_path / "results.json"
    file.write_text(content)
    with pytest.raises(BadInput, match=r"results\.json"):
        reading.coco_results(file, ["x", "y"])


def test_other_letters_than_those_of_utf_8_are_named(tmp_path):
    (tmp_path / "results.json").write_bytes(b"[" + b'{"image_id": "\xff"}]')
    with pytest.raises(BadInput, match="UTF-8"):
        reading.coco_results(tmp_path / "results.json", [])


def test_nan_stays_so_that_it_is_refused():
    [back] = unpacked(packed([{"desc": "ü\n", "score": float("nan")}]))
    assert back["desc"] == "ü\n" and back["score"] != back["score"]
