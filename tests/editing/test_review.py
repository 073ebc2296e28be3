"""The review queue: its orders, its pages, its filters, and how far it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import event, update

from tator.datasets.dataset import Dataset
from tator.editing.candidate_pages import Asked
from tator.editing.candidates import replace_candidates
from tator.editing.edits import open_image, save_edits
from tator.editing.review import review_page, review_progress
from tator.editing.review_orders import Key, Order, order_called, orders, register_order
from tator.storage.schema import annotation, image
from tator.types import BadInput, Detections, NotFound
from tator.workbench import Workbench
from tests.folders import make, yolo_folder

IMAGES, EACH = 7, 9


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    bench = Workbench.at(tmp_path_factory.mktemp("home"))
    yield bench
    bench.close()


@pytest.fixture(scope="module")
def pets(bench, tmp_path_factory) -> Dataset:
    """Return a dataset with EACH candidates an image; some confidences are equal, some are missing."""
    folder = tmp_path_factory.mktemp("pets")
    pets = make(bench, yolo_folder(folder, {f"{i}.png": None for i in range(IMAGES)}, ["cat", "dog"]), "queue")
    draw = np.random.default_rng(5)
    for at, row in enumerate(pets.images()):
        boxes = [[1 + 5 * i, 1, 5 + 5 * i, 9] for i in range(EACH)]
        conf = draw.integers(0, 5, EACH) / 4
        for source, part in (("blobs", slice(0, 6)), ("other", slice(6, EACH))):
            found = Detections.of(boxes[part], conf[part], [i % 2 for i in range(EACH)][part])
            replace_candidates(pets, {row.id: found}, source, "run")
        with pets.store.write() as conn:
            conn.execute(update(image).where(image.c.id == row.id).values(split=("train", "val", None)[at % 3]))
            unsure = (annotation.c.image_id == row.id) & (annotation.c.x1 == 6)
            conn.execute(
                update(annotation).where(unsure).values(confidence=None, attributes={"truncated": True, "n": 5})
            )
    return pets


def walked(dataset: Dataset, order: str, limit: int, asked: Asked | None = None, each=lambda page: None) -> list[dict]:
    """Return all items of the queue, page by page."""
    items, after = [], ""
    while True:
        page = review_page(dataset, asked or Asked(), order_called(order), after, limit)
        items += page["items"]
        each(page)
        if not (after := page["after"]):
            return items


@pytest.mark.parametrize("limit", [1, 4, IMAGES * EACH, 1000])
@pytest.mark.parametrize("order", ["image", "confidence", "doubt"])
def test_pages_of_any_size_walk_every_candidate_once_in_order(pets, order, limit):
    items = walked(pets, order, limit)
    assert len({item["id"] for item in items}) == len(items) == IMAGES * EACH
    conf = [-1.0 if item["confidence"] is None else item["confidence"] for item in items]
    keys = {
        "image": [(item["image"], -c) for item, c in zip(items, conf, strict=True)],
        "confidence": [-c for c in conf],
        "doubt": [abs(c - 0.5) for c in conf],
    }[order]
    assert keys == sorted(keys)


@pytest.mark.parametrize("order", ["image", "confidence", "doubt"])
def test_what_is_answered_meanwhile_neither_hides_nor_repeats_the_rest(pets, order):
    before = [item["id"] for item in walked(pets, order, 1000)]
    answered = []

    def answer(page):
        rows = [page["items"][0]["id"], before[-1 - len(answered)]]  # one just shown, and one far ahead
        answered.extend(rows)
        with pets.store.write() as conn:
            conn.execute(update(annotation).where(annotation.c.id.in_(rows)).values(status="rejected"))

    try:
        seen = [item["id"] for item in walked(pets, order, 10, each=answer)]
        assert len(set(seen)) == len(seen)
        assert set(before) - set(answered) <= set(seen)
        assert seen == [key for key in before if key in set(seen)]
    finally:
        with pets.store.write() as conn:
            conn.execute(update(annotation).where(annotation.c.id.in_(answered)).values(status="candidate"))


@pytest.mark.parametrize(
    "asked, kept",
    [
        (Asked(class_name="dog"), lambda item, split: item["class_id"] == 1),
        (Asked(source="other@run"), lambda item, split: item["source"] == "other@run"),
        (Asked(conf_min=0.5), lambda item, split: (item["confidence"] or 0) >= 0.5),
        (Asked(conf_max=0.25), lambda item, split: item["confidence"] in (0, 0.25)),
        (Asked(split="val"), lambda item, split: split == "val"),
        (Asked(split="none"), lambda item, split: split is None),
        (Asked(attribute="truncated"), lambda item, split: item["xyxy"][0] == 6),
        (Asked(attribute="truncated=true"), lambda item, split: item["xyxy"][0] == 6),
        (Asked(attribute="truncated=false"), lambda item, split: False),
        (Asked(attribute="n=5"), lambda item, split: item["xyxy"][0] == 6),
        (Asked(attribute="n=6"), lambda item, split: False),
        (Asked(attribute="hue"), lambda item, split: False),
        (Asked(status="accepted"), lambda item, split: False),
        (Asked(class_name="cat", split="train", conf_min=0.1), lambda i, split: i["class_id"] == 0 and split == "train" and (i["confidence"] or 0) >= 0.1),
    ],
)  # fmt: skip
def test_filters_keep_what_they_say_in_every_order_and_in_the_counts(pets, asked, kept):
    splits = {row.id: row.split for row in pets.images()}
    every = {item["id"]: item for item in walked(pets, "image", 1000)}
    wanted = {key for key, item in every.items() if kept(item, splits[item["image_id"]])}
    for order in orders():
        assert {item["id"] for item in walked(pets, order.name, 7, asked)} == wanted
    if asked.status == "candidate":
        assert review_progress(pets, asked) == {"left": len(wanted), "done": 0}


def test_progress_counts_answers_of_machine_boxes_alone(wb, tmp_path: Path):
    pets = make(wb, yolo_folder(tmp_path, {"a.png": "0 .5 .5 .5 .5\n"}, ["cat"]), "few")
    (row,) = pets.images()
    replace_candidates(
        pets, {row.id: Detections.of([[1, 1, 9, 9], [20, 1, 30, 9], [40, 1, 50, 9]], [0.5] * 3, [0] * 3)}, "m", "r"
    )
    assert review_progress(pets, Asked()) == {"left": 3, "done": 0}
    first, second, _ = walked(pets, "image", 10)
    ops = [
        {"op": "set", "id": key["id"], "changes": {"status": s}}
        for key, s in ((first, "accepted"), (second, "rejected"))
    ]
    base = open_image(pets.store, row.id)["revision"]
    save_edits(pets.store, row.id, base, "me", [{"seq": 1, "kind": "edit", "label": "", "ops": ops}])
    assert review_progress(pets, Asked()) == {"left": 1, "done": 2}
    assert review_progress(pets, Asked(conf_min=0.6)) == {"left": 0, "done": 0}


def test_candidates_of_other_datasets_are_never_in_the_queue(pets, bench, tmp_path):
    other = make(bench, yolo_folder(tmp_path, {"0.png": None}, ["cat"]), "other")
    (row,) = other.images()
    replace_candidates(other, {row.id: Detections.of([[1, 1, 9, 9]], [0.5], [0])}, "blobs", "run")
    for order in orders():
        assert [item["image_id"] for item in walked(other, order.name, 5)] == [row.id]
        assert row.id not in {item["image_id"] for item in walked(pets, order.name, 50)}


def test_what_cannot_be_asked_is_refused_by_name(pets):
    image_order = order_called("image")
    after = review_page(pets, Asked(), image_order, limit=1)["after"]
    for cursor in ("x", "[]", '["image", 1]', '["image", [], 1, "a"]', "null", "[" * 5000, '["image", null, 1, "a"]'):
        with pytest.raises(BadInput, match="after must be"):
            review_page(pets, Asked(), image_order, cursor)
    with pytest.raises(BadInput, match="'confidence'"):
        review_page(pets, Asked(), order_called("confidence"), after)
    for limit in (0, 1001):
        with pytest.raises(BadInput, match="limit"):
            review_page(pets, Asked(), image_order, limit=limit)
    with pytest.raises(NotFound, match="odd.*confidence, doubt, image"):
        order_called("odd")
    for field in ({"split": "holdout"}, {"attribute": 'a"b'}, {"attribute": "=x"}):
        with pytest.raises(BadInput, match=next(iter(field))):
            Asked(**field)


def test_two_orders_cannot_have_one_name():
    with pytest.raises(ValueError, match="'image'"):
        register_order(Order("image", "Again", (Key(annotation.c.id),)))


@pytest.mark.parametrize(
    "order, index", [("confidence", "by_confidence"), ("doubt", "by_doubt"), ("image", "image_id")]
)
def test_a_page_walks_along_an_index(pets, order, index):
    """Sorting all candidates of a large dataset for each page would take seconds."""
    asked = []
    listening = (
        pets.store.engine,
        "before_cursor_execute",
        lambda c, cur, sql, values, *_: asked.append((sql, values)),
    )
    event.listen(*listening)
    review_page(pets, Asked(), order_called(order), limit=5)
    event.remove(*listening)
    (page,) = [each for each in asked if "ORDER BY" in each[0]]
    with pets.store.read() as conn:
        plan = [row[3] for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {page[0]}", page[1])]
    assert any(f"ix_annotation_{index}" in line for line in plan), plan
    assert not any("TEMP B-TREE FOR ORDER BY" in line for line in plan), plan
