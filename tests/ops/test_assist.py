"""Assists, heads and health through the operations, on real images in a real workspace."""

from __future__ import annotations

import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from bench import _bccd as bccd
from tator.datasets.dataset import Dataset
from tator.editing.edits import save_edits
from tator.ops import call, operations
from tator.runtime.embedding_cache import EmbeddingCache
from tator.types import BadInput, Conflict, NotFound, Unavailable
from tator.vision.matching import pair_iou
from tator.workbench import Workbench
from tator.workflows.refiner import learning as refiner

pytestmark = pytest.mark.skipif(not bccd.FOLDER.is_dir(), reason=f"no real images at {bccd.FOLDER}")
TRAIN, TEST = 24, 6


def run(wb: Workbench, kind: str, **arguments):
    """Run a job in this thread and return its result."""
    return wb.jobs.run_here(operations()[kind].fn, kind, arguments)


@pytest.fixture(scope="module")
def wb(tmp_path_factory):
    """Lend a workbench with 24 labelled training and 6 test images, and as many without a label."""
    folder = tmp_path_factory.mktemp("assist")
    for name, with_labels in (("cells", True), ("bare", False)):
        for split, count in (("train", TRAIN), ("test", TEST)):
            lines = (bccd.FOLDER / f"{split}.txt").read_text().split()[:count]
            (folder / name / "images").mkdir(parents=True, exist_ok=True)
            (folder / name / "labels").mkdir(exist_ok=True)
            (folder / name / f"{split}.txt").write_text("\n".join(lines))
            for line in lines:
                shutil.copy(bccd.FOLDER / line, folder / name / line)
                label = line.replace("images", "labels").replace(".jpg", ".txt")
                if with_labels:
                    shutil.copy(bccd.FOLDER / label, folder / name / label)
        shutil.copy(bccd.FOLDER / "labelmap.txt", folder / name / "labelmap.txt")
    bench = Workbench.at(folder / "home")
    for name in ("cells", "bare"):
        run(bench, "datasets_create", name=name, source=str(folder / name))
    yield bench
    bench.close()


@pytest.fixture(scope="module")
def head(wb) -> str:
    return run(wb, "heads_train", dataset="cells", name="cells head")["head"]


def image(wb: Workbench, split: str = "test", at: int = 0, dataset: str = "cells"):
    data = wb.dataset(dataset)
    row = data.images(splits=[split])[at]
    return data, row, data.annotations([row.id])[row.id]


def test_a_loose_box_is_tightened_and_the_first_answer_waits_for_a_short_training(wb):
    before, after = [], []
    for at in range(TEST):
        _, row, truth = image(wb, at=at)
        loose = bccd.clip(bccd.jitter(truth.xyxy, 0.15, np.random.default_rng(at)), row.width, row.height)
        ids = truth.class_id.tolist()
        answer = call(wb, "tweak_boxes", image_id=row.id, boxes=loose.ravel().tolist(), class_ids=ids)
        assert all(box["is_found"] and 0 <= box["confidence"] <= 1 for box in answer["boxes"])
        before.append(pair_iou(loose, truth.xyxy))
        after.append(pair_iou(np.array([box["xyxy"] for box in answer["boxes"]], np.float32), truth.xyxy))
    assert np.concatenate(after).mean() > np.concatenate(before).mean() + 0.05
    status = call(wb, "refiner_status", dataset="cells")
    assert status["is_trained"] and status["accepted_boxes"] > 200 and status["missing_boxes"] == 0
    assert status["measured"]["iou_after"] > status["measured"]["iou_before"]


def test_a_click_gives_a_box_with_the_chosen_class(wb):
    data, row, truth = image(wb)
    for box, class_id in zip(truth.xyxy[:4].tolist(), truth.class_id[:4].tolist(), strict=True):
        at = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]
        answer = call(wb, "segment", image_id=row.id, positive=at, class_id=class_id)
        best = answer["candidates"][0]
        assert (
            best["class_id"] == class_id and best["class_name"] == bccd.NAMES[class_id] and best["points_broken"] == 0
        )
        assert pair_iou(np.array([best["xyxy"]]), np.array([box]))[0] > 0.5 and answer["model_ms"] <= answer["took_ms"]


def test_grabcut_gives_polygons_in_the_image(wb):
    _, row, truth = image(wb)
    best = call(wb, "segment", image_id=row.id, segmenter="grabcut", box=truth.xyxy[0].tolist())["candidates"][0]
    xy = np.array(best["polygons"][0][0]).reshape(-1, 2)
    assert best["confidence"] is None and (xy >= 0).all() and (xy <= [row.width, row.height]).all()
    answer = call(wb, "tweak_boxes", image_id=row.id, boxes=truth.xyxy[:2].ravel().tolist(), segmenter="grabcut")
    assert len(answer["boxes"]) == 2


def test_a_head_names_boxes_of_images_it_did_not_see(wb, head):
    right = total = 0
    for at in range(TEST):
        _, row, truth = image(wb, at=at)
        found = call(wb, "classify_boxes", image_id=row.id, boxes=truth.xyxy.ravel().tolist())["boxes"]
        right += sum(box["class_id"] == class_id for box, class_id in zip(found, truth.class_id, strict=True))
        total += len(found)
    assert right / total >= 0.95
    doubtful = call(wb, "classify_boxes", image_id=row.id, boxes=truth.xyxy.ravel().tolist(), min_margin=1.0)["boxes"]
    assert not any(box["accepted"] for box in doubtful)
    answer = call(wb, "segment", image_id=row.id, box=truth.xyxy[0].tolist(), classify=True)
    named = answer["candidates"][0]
    assert (
        named["class_name"] in bccd.NAMES
        and named["accepted"]
        and 0 <= named["margin"] <= named["class_confidence"] <= 1
    )


def test_classes_are_matched_by_name_not_by_number(wb, head, tmp_path):
    _, row, truth = image(wb, dataset="bare")
    data = wb.dataset("bare")
    classes = {c.name: c.class_id for c in data.classes()}
    data.rename_class(classes["WBC"], "w.b.c.")
    data.rename_class(classes["Platelets"], "Thrombocyte")
    _, _, truth = image(wb)
    found = call(wb, "classify_boxes", image_id=row.id, boxes=truth.xyxy.ravel().tolist(), head=head)["boxes"]
    by_name = {box["class_name"]: box for box in found}
    assert by_name["w.b.c."]["class_id"] == classes["WBC"] and by_name["RBC"]["class_id"] == classes["RBC"]
    assert all(box["class_id"] == -1 and not box["accepted"] for box in found if box["class_name"] == "Platelets")


def test_head_training_reports_itself(wb, head):
    shown, listed = call(wb, "heads_get", name=head), call(wb, "heads_list")
    metrics = shown["metrics"]
    assert shown["active"] and metrics["accuracy"] > metrics["majority_accuracy"] > 0.5
    assert metrics["train_images"] == TRAIN and metrics["test_images"] == TEST and "test" in metrics["split"]
    assert listed[0]["name"] == head and listed[0]["classes"] == sorted(bccd.NAMES) and not listed[0]["problem"]
    assert call(wb, "heads_active")["name"] == head
    job = wb.jobs.list("heads_train")[0]
    curve = [e["metrics"]["train_loss"] for e in wb.jobs.events(job["id"]) if "train_loss" in e["metrics"]]
    assert len(curve) > 3 and curve[-1] < curve[0] / 2
    with pytest.raises(Conflict, match="exists"):
        run(wb, "heads_train", dataset="cells", name=head)


def test_heads_are_renamed_downloaded_and_deleted(wb, head):
    again = run(wb, "heads_train", dataset="cells", name="spare", activate=False)["head"]
    assert call(wb, "heads_rename", name=again, new_name="zweiter Kopf") == {"name": "zweiter Kopf"}
    download = call(wb, "heads_download", name="zweiter Kopf")
    assert download["url"] == "/head/zweiter%20Kopf" and download["bytes"] > 1_000
    assert call(wb, "heads_activate", name="")["active"] == "" and call(wb, "heads_active")["name"] == ""
    _, row, truth = image(wb)
    with pytest.raises(Unavailable, match="no head is active"):
        call(wb, "classify_boxes", image_id=row.id, boxes=truth.xyxy[0].tolist())
    call(wb, "heads_activate", name=head)
    call(wb, "heads_delete", name="zweiter Kopf")
    with pytest.raises(NotFound, match="zweiter Kopf"):
        call(wb, "heads_get", name="zweiter Kopf")


def test_too_few_labels_say_how_many_are_missing(wb):
    _, row, _ = image(wb, dataset="bare")
    assert call(wb, "refiner_status", dataset="bare")["missing_boxes"] == 20
    with pytest.raises(Unavailable, match="draw 20 more"):
        call(wb, "segment", image_id=row.id, positive=[50.0, 50.0])
    with pytest.raises(Unavailable, match="no accepted boxes"):
        run(wb, "heads_train", dataset="bare", name="nothing")
    assert "nothing" not in [one["name"] for one in call(wb, "heads_list")]


BOX = [10.0, 10.0, 50.0, 50.0]


@pytest.mark.parametrize(
    ("verb", "arguments", "told"),
    [
        ("segment", {}, "positive point"),
        ("segment", {"negative": [1.0, 1.0]}, "positive point"),
        ("segment", {"positive": [1.0]}, "positive"),
        ("segment", {"positive": [900.0, 5.0]}, "900"),
        ("segment", {"positive": [float("nan"), 1.0]}, "nan"),
        ("segment", {"box": [1.0, 2.0]}, "2 numbers"),
        ("segment", {"box": [50.0, 10.0, 10.0, 50.0]}, "x1 < x2"),
        ("segment", {"box": BOX, "class_id": 77}, "77"),
        ("segment", {"box": BOX, "min_margin": 2.0}, "min_margin"),
        ("tweak_boxes", {"boxes": []}, "boxes"),
        ("tweak_boxes", {"boxes": BOX[:3]}, "3 numbers"),
        ("tweak_boxes", {"boxes": BOX, "class_ids": [0, 1]}, "2 for 1"),
        ("tweak_boxes", {"boxes": BOX, "class_ids": [9]}, "class_id 9"),
        ("tweak_boxes", {"boxes": [0.0, 0.0, 9e9, 9.0]}, "9e"),
        ("classify_boxes", {"boxes": [*BOX, 1.0]}, "4 numbers"),
        ("classify_boxes", {"boxes": BOX, "min_margin": -1.0}, "min_margin"),
    ],
)
def test_wrong_values_are_refused_by_name(wb, verb, arguments, told):
    with pytest.raises(BadInput, match=told):
        call(wb, verb, image_id=image(wb)[1].id, **arguments)


def test_unknown_things_are_named(wb):
    with pytest.raises(NotFound, match="999999"):
        call(wb, "segment", image_id=999_999, box=BOX)
    with pytest.raises(NotFound, match="sam9"):
        call(wb, "segment", image_id=image(wb)[1].id, box=BOX, segmenter="sam9")
    with pytest.raises(NotFound, match="no head"):
        call(wb, "classify_boxes", image_id=image(wb)[1].id, boxes=BOX, head="../../etc")


def test_the_refiner_learns_again_when_boxes_grow(wb):
    data = wb.dataset("bare")
    rows = data.images()
    rng = np.random.default_rng(0)

    def draw(row, count: int, base: int) -> None:
        at = rng.uniform(20, 300, (count, 2))
        ops = [
            {
                "op": "add",
                "annotation": {
                    "id": f"{row.id}-{base}-{i}",
                    "class_id": 0,
                    "xyxy": [x, y, x + 60, y + 60],
                    "polygons": None,
                    "confidence": None,
                    "source": "human",
                    "status": "accepted",
                },
            }
            for i, (x, y) in enumerate(at.tolist())
        ]
        save_edits(
            wb.store, row.id, base, f"client{row.id}", [{"seq": base + 1, "kind": "edit", "label": "x", "ops": ops}], ""
        )

    draw(rows[0], 20, 0)
    trained = run(wb, "refiner_train", dataset="bare")
    assert trained["trained_on_boxes"] == 20 and trained["measured"]["n_images"] == 1
    assert not refiner.status(data)["is_due"]
    draw(rows[1], 10, 0)
    assert not refiner.status(data)["is_due"]
    draw(rows[2], 10, 0)
    assert refiner.status(data)["is_due"]
    call(wb, "tweak_boxes", image_id=rows[3].id, boxes=BOX)
    until = time.monotonic() + 60
    while (
        refiner.status(data)["accepted_boxes"] != refiner.report(data)["trained_on_boxes"] and time.monotonic() < until
    ):
        time.sleep(0.1)
    assert refiner.report(data)["trained_on_boxes"] == 40 and not refiner.status(data)["is_due"]


def test_repeated_clicks_decode_an_image_once(wb, monkeypatch):
    _, row, truth = image(wb, at=3)
    read, load = [], Dataset.load
    monkeypatch.setattr(Dataset, "load", lambda data, row: read.append(row.id) or load(data, row))
    call(wb, "runtime_unload")
    for _ in range(5):
        call(wb, "segment", image_id=row.id, box=truth.xyxy[0].tolist())
        call(wb, "segment", image_id=row.id, box=truth.xyxy[0].tolist(), segmenter="grabcut")
    assert read.count(row.id) == 1


def test_the_cache_makes_a_value_once_and_stays_in_its_budget():
    cache, made = EmbeddingCache(budget_mb=1), []

    def make() -> np.ndarray:
        made.append(threading.get_ident())
        time.sleep(0.05)
        return np.zeros(400_000, np.uint8)

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: cache.get("one", make), range(6)))
    assert len(made) == 1 and all(value is found[0] for value in found)
    for key in ("two", "three"):
        cache.get(key, make)
    stats = cache.stats()
    assert stats["slots"] == 2 and stats["bytes"] == 800_000 and stats["hits"] == 5
    cache.get("one", make)
    assert len(made) == 4 and cache.clear() == 800_000


def test_models_health_and_unloading(wb):
    cards = {card["id"]: card for card in call(wb, "models_list")}
    assert cards["ridge_box"]["state"] == "ready" and ".82" in cards["ridge_box"]["expects"]
    assert {card["task"] for card in call(wb, "models_list", task="encode")} == {"encode"}
    with pytest.raises(BadInput, match="guess"):
        call(wb, "models_list", task="guess")
    before = sorted(p.name for p in wb.workspace.home.iterdir())
    health = call(wb, "system_health")
    assert health["ok"] and health["datasets"] == 2 and health["images"] == 2 * (TRAIN + TEST)
    assert health["storage"]["free_mb"] > 0 and sorted(p.name for p in wb.workspace.home.iterdir()) == before
    device = call(wb, "system_gpu")
    assert device["device"] == wb.models.device and device["memory_total_mb"] > 500
    call(wb, "segment", image_id=image(wb)[1].id, box=BOX, segmenter="grabcut")
    freed = call(wb, "runtime_unload")
    assert "grabcut" in freed["unloaded"] and freed["freed_cache_bytes"] > 0 and wb.models.loaded() == []
