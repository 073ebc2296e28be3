"""The box refiner: what it reaches on BCCD, what its files must be, GrabCut beside it."""

from __future__ import annotations

import numpy as np
import pytest

from bench import _bccd as bccd
from tator.models.grabcut import GrabCut
from tator.models.ridge_box import RidgeBox, broken_points
from tator.protocols import BoxRefiner, Prompt
from tator.storage.arrays import load_arrays, save_arrays
from tator.types import BadInput
from tator.vision.box_features import DIM, describe_boxes, lab_image
from tator.workflows.refiner.fit import NEAR, TWEAK, predict, ridge

pytestmark = pytest.mark.skipif(not bccd.FOLDER.is_dir(), reason=f"no real images at {bccd.FOLDER}")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return tmp_path_factory.mktemp("weights") / "all.safetensors"


@pytest.fixture(scope="module")
def model(weights) -> RidgeBox:
    return bccd.train_refiner(205, weights)


@pytest.mark.parametrize(("images", "reached"), [(5, 0.81), pytest.param(20, 0.82, marks=pytest.mark.slow)])
def test_a_few_labelled_images_lift_loose_boxes(tmp_path, images, reached):
    model = bccd.train_refiner(images, tmp_path / "w.safetensors")
    assert bccd.overlaps(lambda one, rng: bccd.tweaked(model, one, rng), bccd.load("test")).mean() >= reached


@pytest.mark.slow
def test_all_labelled_images_lift_loose_boxes_and_spoil_exact_ones(model):
    test = bccd.load("test")
    assert 0.74 < bccd.overlaps(bccd.loose, test).mean() < 0.77
    assert bccd.overlaps(lambda one, rng: bccd.tweaked(model, one, rng), test).mean() >= 0.825
    assert 0.85 < bccd.overlaps(lambda one, rng: bccd.tweaked(model, one, rng, 0.0), test).mean() < 0.95


@pytest.mark.parametrize(("noise", "with_class", "reached"), [(0.0, True, 0.80), (0.1, True, 0.78), (0.1, False, 0.74)])
def test_a_click_becomes_a_box(model, noise, with_class, reached):
    test = bccd.load("test")[::3]
    assert bccd.overlaps(lambda one, rng: bccd.clicked(model, one, rng, noise, with_class), test).mean() >= reached


def test_many_boxes_at_once_equal_single_ones(model):
    one = bccd.load("test")[0]
    embedding = model.embed(one.pixels)
    together = model.refine(embedding, one.xyxy)
    single = [model.refine(embedding, one.xyxy[i : i + 1]).xyxy for i in range(len(one.xyxy))]
    assert np.allclose(together.xyxy, np.concatenate(single), atol=0.01) and isinstance(model, BoxRefiner)
    assert ((together.confidence >= 0) & (together.confidence <= 1)).all()
    assert np.allclose(model.segment(embedding, Prompt(box=one.xyxy[0])).xyxy[0], together.xyxy[0], atol=0.01)


def test_confidence_follows_the_overlap(model):
    quality, overlap = [], []
    for one in bccd.load("test")[:30]:
        loose = bccd.loose(one, np.random.default_rng(1), 0.4)
        quality.append(model._quality(model.embed(one.pixels), loose)[0])
        overlap.append(bccd.pair_iou(loose, one.xyxy))
    assert np.corrcoef(np.concatenate(quality), np.concatenate(overlap))[0, 1] > 0.3


def test_points_order_the_candidates(model):
    one = bccd.load("test")[0]
    box = one.xyxy[one.class_id == 0][0]
    middle = (box[:2] + box[2:]) / 2
    points = np.stack([middle, box[:2] + 2, box[2:] + 40]).astype(np.float32)
    found = model.segment(model.embed(one.pixels), Prompt(points, np.array([True, True, False])))
    assert (np.diff(found.data["points_broken"]) >= 0).all() and 1 <= len(found) <= 5
    best = found.xyxy[0]
    assert (best[:2] <= middle).all() and (best[2:] >= middle).all()


def test_prompts_at_the_edge_give_boxes_in_the_image(model):
    one = bccd.load("test")[0]
    embedding, (height, width) = model.embed(one.pixels), one.pixels.shape[:2]
    for point in ((0, 0), (width, height), (width, 0), (3, height / 2)):
        prompt = Prompt(np.array([point], np.float32), np.ones(1, bool), None, 1)
        found = model.segment(embedding, prompt).xyxy[0]
        assert 0 <= found[0] < found[2] <= width and 0 <= found[1] < found[3] <= height
    tiny = model.refine(embedding, np.array([[5, 5, 5.2, 5.2], [0, 0, width, height]], np.float32)).xyxy
    assert np.isfinite(tiny).all() and (tiny[:, 2:] > tiny[:, :2]).all()
    with pytest.raises(BadInput, match="positive point"):
        model.segment(embedding, Prompt(np.zeros((1, 2), np.float32), np.zeros(1, bool)))


@pytest.mark.parametrize(
    ("change", "note", "told"),
    [
        ({}, {"version": 99}, "version 99"),
        ({"fine.weight": np.zeros((3, 4), np.float32)}, {}, "fine.weight"),
        ({"quality.bias": np.array([np.inf], np.float32)}, {}, "quality.bias"),
        ({"prior.size": np.zeros((1, 2), np.float32)}, {}, "prior.size"),
    ],
)
def test_unsound_weights_are_refused_by_name(model, weights, tmp_path, change, note, told):
    arrays, facts = load_arrays(weights, "tator_box_refiner")
    save_arrays(tmp_path / "w.safetensors", arrays | change, "tator_box_refiner", facts | note)
    with pytest.raises(BadInput, match=told):
        RidgeBox(tmp_path / "w.safetensors", "cpu")


def test_ridge_equals_scikit_learn_with_few_and_many_rows():
    from sklearn.linear_model import Ridge

    rng = np.random.default_rng(0)
    for n in (20, 200):
        x, y = rng.normal(size=(n, 50)).astype(np.float32), rng.normal(size=(n, 3)).astype(np.float32)
        scaled = (x - x.mean(0)) / (x.std(0) + 1e-6)
        assert np.allclose(predict(ridge(x, y, 10.0), x), Ridge(alpha=10.0).fit(scaled, y).predict(scaled), atol=1e-3)


def test_features_have_their_length_for_any_box():
    lab = lab_image(np.zeros((30, 40, 3), np.uint8))
    found = describe_boxes(lab, np.array([[0, 0, 40, 30], [-90, -90, -80, -80], [3, 3, 3, 3]], np.float32))
    assert found.shape == (3, DIM) and np.isfinite(found).all()
    assert TWEAK != NEAR and describe_boxes(lab, np.zeros((0, 4), np.float32)).shape == (0, DIM)


def test_broken_points_are_counted():
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 10.2], [20, 20, 30, 30]], np.float32)
    points = np.array([[5, 5], [25, 25]], np.float32)
    assert broken_points(boxes, points, np.array([True, False])).tolist() == [0, 0, 2]


def disc(at=(60, 50), radius=20) -> np.ndarray:
    y, x = np.mgrid[:100, :120]
    image = np.full((100, 120, 3), 40, np.uint8)
    image[(x - at[0]) ** 2 + (y - at[1]) ** 2 < radius**2] = (220, 60, 60)
    return image + np.random.default_rng(0).integers(0, 12, image.shape).astype(np.uint8)


@pytest.mark.parametrize(
    "prompt",
    [
        Prompt(box=np.array([35, 25, 86, 76], np.float32)),
        Prompt(np.array([[60, 50], [52, 45]], np.float32), np.array([True, True])),
        Prompt(np.array([[60, 50], [95, 50]], np.float32), np.array([True, False])),
    ],
)
def test_grabcut_cuts_a_disc_out(prompt):
    model = GrabCut(None, "cpu")
    found = model.segment(model.embed(disc()), prompt)
    assert np.abs(found.xyxy[0] - [40, 30, 81, 71]).max() <= 3
    assert abs(found.mask[0].data.sum() - np.pi * 20**2) < 130 and np.isnan(found.confidence[0])


def test_grabcut_answers_nothing_rather_than_inventing():
    model = GrabCut(None, "cpu")
    embedding = model.embed(np.zeros((2, 2, 3), np.uint8))
    assert len(model.segment(embedding, Prompt(box=np.array([0, 0, 2, 2], np.float32)))) == 0
    flat = model.embed(np.full((60, 60, 3), 128, np.uint8))
    found = model.segment(flat, Prompt(box=np.array([0, 0, 60, 60], np.float32)))
    assert len(found) <= 1
