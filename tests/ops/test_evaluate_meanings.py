"""Predictions in other words than the classes: the nearest meaning, by a text encoder that is asked only then."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tator.datasets.dataset import Dataset
from tator.ops import call, operations
from tator.types import BadInput, NotFound, Unavailable
from tests import tiny
from tests.folders import coloured, finish, make
from tests.ops.test_evaluate import run

EMBED = {"predictor": "file", "label_policy": "embed"}


@pytest.fixture
def squares(wb, tmp_path: Path) -> Dataset:
    return make(wb, coloured(tmp_path / "set"), "squares")


def worded(dataset: Dataset, path: Path, words: dict[str, str]) -> str:
    """Write the labels as predictions that call the classes by other words."""
    names = [words.get(row.name, row.name) for row in dataset.classes()]
    order = {row.class_id: at for at, row in enumerate(dataset.classes(), 1)}
    rows = []
    for image in dataset.images():
        found = dataset.annotations([image.id])[image.id]
        for box, class_id in zip(found.xyxy.tolist(), found.class_id.tolist(), strict=True):
            x1, y1, x2, y2 = box
            facts = {"image_id": image.id, "category_id": order[class_id], "bbox": [x1, y1, x2 - x1, y2 - y1]}
            rows.append(facts | {"score": 0.9 - len(rows) / 100})
    images = [{"id": image.id, "file_name": image.path} for image in dataset.images()]
    categories = [{"id": at, "name": name} for at, name in enumerate(names, 1)]
    path.write_text(json.dumps({"images": images, "categories": categories, "annotations": rows}))
    return str(path)


def test_names_of_classes_need_no_encoder(wb, squares, tmp_path):
    told = run(wb, source=worded(squares, tmp_path / "p.json", {}), **EMBED)
    assert told["metrics"]["bbox_AP"] == 1


def test_other_words_say_which_encoder_is_lacking(wb, squares, tmp_path):
    source = worded(squares, tmp_path / "p.json", {"red": "scarlet thing"})
    with pytest.raises(Unavailable, match=r"embed needs a text encoder.*CLIP"):
        run(wb, source=source, **EMBED)
    for wrong, problem in (("colour_texture", BadInput), ("nothing", NotFound)):
        with pytest.raises(problem, match=wrong):
            run(wb, wrong, source=source, text_encoder=wrong, **EMBED)


def test_the_nearest_meaning_is_the_class_and_stays_so(wb, squares, tmp_path):
    finish(operations()["weights_import"].fn(wb, "clip_vit_b_32", str(tiny.clip())))
    source = worded(squares, tmp_path / "p.json", {"red": "scarlet thing"})
    told = run(wb, source=source, meaning_thr=-1.0, **EMBED)
    found = call(wb, "evaluate_get", name="one")
    assert found["label_policy"] == "embed" and found["text_encoder"] == "clip_vit_b_32"
    assert found["counters"]["semantic_mapped"] == sum(row["gt"] for row in found["per_class"] if row["class"] == "red")
    meant = found["aliases"]["scarlet thing"]
    assert meant in {row.name for row in squares.classes()} and told["metrics"]["bbox_AP"] is not None
    mistakes = call(wb, "evaluate_mistakes", name="one")["counts"]
    wrong = found["metrics"]["f1@0.50_fp"]
    assert mistakes["false"] + mistakes["wrong_class"] + mistakes["duplicate"] == wrong  # opened without the encoder
    run(wb, "strict", source=source, meaning_thr=1.0, **EMBED)
    strict = call(wb, "evaluate_get", name="strict")
    assert strict["aliases"] == {} and strict["counters"]["semantic_unmapped"] == found["counters"]["semantic_mapped"]
