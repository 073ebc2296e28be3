"""Heads: fit, measure, save, reload, refuse."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tator.storage.arrays import load_arrays, save_arrays
from tator.storage.trash_files import TrashFolder
from tator.storage.workspace import Workspace
from tator.types import BadInput, Conflict, NotFound, Progress, Unavailable
from tator.workflows.heads import heads_of, keep_head
from tator.workflows.heads.fit import Crops, score, train
from tator.workflows.heads.head import NOTE, Head
from tator.workflows.heads.recipe import HeadRecipe

ENCODER = ("colour_texture", 1)


def blobs(counts: dict[str, int], dim: int = 12, images: int = 20, split: str = "", seed: int = 0) -> Crops:
    """Return separable crops: class k lies 2.5 deviations along axis k."""
    rng = np.random.default_rng(seed)
    names = np.concatenate([[name] * count for name, count in counts.items()])
    features = rng.normal(size=(len(names), dim)).astype(np.float32)
    for axis, name in enumerate(counts):
        features[names == name, axis] += 2.5
    return Crops(features, names, rng.integers(0, images, len(names)), np.full(len(names), split))


def run(work) -> tuple[list[Progress], tuple[Head, dict]]:
    steps = []
    try:
        while True:
            steps.append(next(work))
    except StopIteration as end:
        return steps, end.value


def trained(crops: Crops, c: float = 0.1, **more):
    return run(train(crops, ENCODER, HeadRecipe(c=c, **more)))


@pytest.mark.parametrize("classes", [2, 4])
def test_the_head_equals_scikit_learn_run_to_its_end(classes):
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    crops = blobs({name: 60 for name in "abcd"[:classes]}, split="train")
    both = Crops(
        *(
            np.concatenate([a, b])
            for a, b in zip(
                (crops.features, crops.names, crops.image, crops.split),
                (crops.features, crops.names, crops.image + 100, np.full(len(crops), "test")),
                strict=True,
            )
        )
    )
    _, (head, report) = trained(both)
    scaled = StandardScaler().fit_transform(crops.features)
    oracle = LogisticRegression(C=0.1, class_weight="balanced", max_iter=5_000, tol=1e-8).fit(scaled, crops.names)
    assert head.classes == tuple(oracle.classes_)
    assert np.allclose(head.predict(crops.features), oracle.predict_proba(scaled), atol=2e-3)
    assert report["is_converged"] and report["train_crops"] == report["test_crops"] == 60 * classes


def test_progress_carries_a_curve_that_comes_down():
    steps, (_, report) = trained(blobs({"a": 200, "b": 150, "c": 90}))
    assert {"train_loss", "val_loss", "train_accuracy", "val_accuracy", "step"} == set(steps[0].metrics)
    losses = [step.metrics["train_loss"] for step in steps]
    assert losses[-1] < losses[0] and len(steps) >= 4
    assert report["history"][-1]["step"] == report["iterations"]


def test_metrics_equal_scikit_learns():
    from sklearn import metrics as reference

    crops = blobs({"a": 200, "b": 100, "c": 30})
    _, (head, _) = trained(crops)
    named = np.array(head.classes)[head.predict(crops.features).argmax(1)]
    found = score(head, crops)
    table = reference.precision_recall_fscore_support(crops.names, named, labels=list(head.classes), zero_division=0)
    keys = ("precision", "recall", "f1", "support")
    assert np.allclose([[row[key] for row in found["per_class"]] for key in keys], table)
    assert found["confusion"] == reference.confusion_matrix(crops.names, named, labels=list(head.classes)).tolist()
    assert np.isclose(found["balanced_accuracy"], reference.balanced_accuracy_score(crops.names, named))
    assert np.isclose(found["macro_f1"], table[2].mean()) and np.isclose(found["majority_accuracy"], 200 / 330)


def test_the_split_keeps_images_whole_and_repeats_with_its_seed():
    crops = blobs({"a": 100, "b": 100})
    _, (_, first) = trained(crops)
    _, (_, again) = trained(crops)
    assert first["confusion"] == again["confusion"] and first["test_images"] == 4 and first["train_images"] == 16
    assert first["train_crops"] + first["test_crops"] == 200


def test_the_datasets_own_split_is_used():
    parts = [blobs({"a": 40, "b": 40}, split=name, seed=i) for i, name in enumerate(("train", "val", "test"))]
    columns = ("features", "names", "image", "split")
    crops = Crops(*(np.concatenate([getattr(part, name) for part in parts]) for name in columns))
    _, (_, report) = trained(crops)
    assert "test" in report["split"] and report["train_crops"] == report["test_crops"] == 80


def test_rare_classes_are_dropped_and_named():
    crops = blobs({"a": 100, "b": 100, "rare": 3})
    _, (head, report) = trained(crops, min_per_class=10)
    assert head.classes == ("a", "b") and set(report["dropped_classes"]) == {"rare"}


def test_a_split_without_a_box_of_a_learnt_class_is_told():
    parts = blobs({"a": 40, "b": 40}, split="train"), blobs({"rare": 1}, split="test", seed=1)
    columns = ("features", "names", "image", "split")
    crops = Crops(*(np.concatenate([getattr(part, name) for part in parts]) for name in columns))
    with pytest.raises(Unavailable, match="no box of a, b"):
        trained(crops)


def test_c_is_chosen_on_held_back_images():
    _, (_, report) = trained(blobs({"a": 60, "b": 60}), c=0)
    assert report["c"] in (0.01, 0.1, 1.0, 10.0)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"test_size": 0.99}, "test_size"),
        ({"c": -1.0}, "c must"),
        ({"c": float("nan")}, "c must"),
        ({"min_per_class": 0}, "min_per_class"),
    ],
)
def test_settings_out_of_range_are_refused(more, told):
    with pytest.raises(BadInput, match=told):
        trained(blobs({"a": 20, "b": 20}), **more)


def test_too_little_to_learn_from_is_told():
    with pytest.raises(Unavailable, match="2 images"):
        trained(blobs({"a": 20, "b": 20}, images=1))
    with pytest.raises(Unavailable, match="2 classes.*a "):
        trained(blobs({"a": 20, "b": 1}), min_per_class=5)


@pytest.fixture
def head() -> Head:
    return trained(blobs({"红细胞": 40, "b": 40}))[1][0]


def test_a_head_comes_back_from_its_file(head, tmp_path):
    head.save(tmp_path / "h.safetensors")
    again, x = Head.load(tmp_path / "h.safetensors"), blobs({"a": 9, "b": 9}).features
    assert again.classes == head.classes and again.encoder == "colour_texture"
    assert np.array_equal(again.predict(x), head.predict(x)) and np.allclose(again.predict(x).sum(1), 1)


def test_layers_and_activations_run_as_written(tmp_path):
    rng = np.random.default_rng(0)
    sizes = ((5, 7), (7, 3))
    layers = tuple((rng.normal(size=s).astype(np.float32), rng.normal(size=s[1]).astype(np.float32)) for s in sizes)
    scale = np.zeros(5, np.float32), np.ones(5, np.float32)
    Head(("a", "b", "c"), *ENCODER, *scale, layers, "relu").save(tmp_path / "m.safetensors")
    x = rng.normal(size=(4, 5)).astype(np.float32)
    logits = np.maximum(x @ layers[0][0] + layers[0][1], 0) @ layers[1][0] + layers[1][1]
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert np.allclose(Head.load(tmp_path / "m.safetensors").predict(x), expected, atol=1e-6)


def changed(path, note: dict | None = None, **arrays):
    old_arrays, old_note = load_arrays(path, NOTE)
    save_arrays(path, old_arrays | arrays, NOTE, old_note | (note or {}))
    return path


@pytest.mark.parametrize(
    ("note", "arrays", "told"),
    [
        ({"version": 9}, {}, "version 9"),
        ({"dim": 13}, {}, "scale.mean"),
        ({"dim": "12"}, {}, "dim"),
        ({"n_layers": 99}, {}, "n_layers"),
        ({"classes": ["a"]}, {}, "classes"),
        ({"classes": ["a", "a"]}, {}, "twice"),
        ({"classes": ["a", "b", "c"]}, {}, "3 classes"),
        ({"activation": "exec"}, {}, "exec"),
        ({"encoder": ""}, {}, "encoder"),
        ({"n_layers": 2}, {}, "layer1"),
        ({}, {"layer0.bias": np.array([np.nan, 0], np.float32)}, "layer0.bias holds NaN"),
        ({}, {"scale.std": np.zeros(12, np.float32)}, "scale.std"),
    ],
)
def test_an_unsound_file_is_refused_by_name(head, tmp_path, note, arrays, told):
    head.save(tmp_path / "h.safetensors")
    with pytest.raises(BadInput, match=told):
        Head.load(changed(tmp_path / "h.safetensors", note, **arrays))


def test_other_files_are_refused(tmp_path, head, monkeypatch):
    import pickle

    (tmp_path / "p.safetensors").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(BadInput, match="p.safetensors"):
        Head.load(tmp_path / "p.safetensors")
    save_arrays(tmp_path / "other.safetensors", {"x": np.zeros(3)}, "another", {})
    with pytest.raises(BadInput, match="another kind"):
        Head.load(tmp_path / "other.safetensors")
    head.save(tmp_path / "h.safetensors")
    monkeypatch.setattr("tator.workflows.heads.head.MAX_MB", 0)
    with pytest.raises(BadInput, match="at most 0 MB"):
        Head.load(tmp_path / "h.safetensors")
    with pytest.raises(BadInput, match="12 numbers"):
        head.predict(np.zeros((2, 11), np.float32))


def test_the_shelf_keeps_renames_activates_and_deletes(head, tmp_path):
    workspace = Workspace(tmp_path)
    shelf, trash = heads_of(workspace), TrashFolder(workspace)
    assert shelf.names() == [] and shelf.active() == ""
    keep_head(shelf, "first", head, {"dataset": "d"})
    keep_head(shelf, "第二", head, {"dataset": "d"})
    shelf.activate("first")
    shelf.rename("first", "one")
    assert shelf.names() == ["one", "第二"] and shelf.active() == "one" and shelf.report("one")["name"] == "one"
    with pytest.raises(Conflict):
        shelf.rename("one", "第二")
    shelf.delete("one")
    assert shelf.active() == "" and shelf.names() == ["第二"] and [thing.name for thing in trash.things()] == ["one"]
    for bad in ("", "../x", ".hidden", "a/b", "a\\b", "x" * 90, "end.", "a\0"):
        with pytest.raises(BadInput):
            keep_head(shelf, bad, head, {})
        with pytest.raises(NotFound):
            shelf.path(bad)
    assert json.loads((tmp_path / "runs" / "heads" / "第二" / "head.json").read_text())["dataset"] == "d"
