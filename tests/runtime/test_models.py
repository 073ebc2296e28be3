"""Models without a workbench: asked about images, chosen once, trained by whoever registered, held one job at a time."""

from __future__ import annotations

import importlib.util
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from tator.datasets.dataset import Dataset
from tator.ops import call
from tator.protocols import Prompt
from tator.runtime.models import Models, preferred
from tator.runtime.providers import provide
from tator.storage.database import Store
from tator.storage.workspace import Workspace
from tator.types import Unavailable
from tator.warning_codes import warned
from tator.workbench import Workbench


@pytest.fixture
def data(tmp_path) -> Dataset:
    """Lend a dataset of one image with a bright square, without a workbench."""
    pixels = np.full((120, 160, 3), 40, np.uint8)
    pixels[30:80, 50:110] = (230, 60, 50)
    (tmp_path / "squares").mkdir()
    PIL.Image.fromarray(pixels).save(tmp_path / "squares" / "a.png")
    home = tmp_path / "home"
    bench = Workbench.at(home, device="cpu")
    job_id = call(bench, "datasets_create", name="squares", source=str(tmp_path / "squares"))
    assert bench.jobs.wait(job_id)["state"] == "succeeded"
    bench.close()
    store = Store.open(f"sqlite:///{home / 'tator.db'}", backups=home / "backups")
    yield Dataset.named(store, Workspace(home), "squares")
    store.close()


@pytest.fixture
def models(data) -> Models:
    return Models(data.workspace, device="cpu")


def test_a_workflow_asks_a_model_without_a_workbench(data, models):
    row = data.images()[0]
    asked = models.ask(data, row, "segment", "grabcut")
    prompt = Prompt(box=np.array([45, 25, 115, 85], np.float32))
    answer = asked.answer(lambda model, embedding: model.segment(embedding, prompt))
    assert np.abs(answer.xyxy[0] - [50, 30, 110, 80]).max() <= 2
    assert models.loaded()[0]["id"] == "grabcut" and models.cache.stats()["made"] == 2, "pixels and the embedding"


@pytest.mark.parametrize(
    ("precision", "codes"),
    [
        ("float32", None),
        ("bfloat16", ["half_precision"]),
        ("float16", ["half_precision", "float16_instead"]),
    ],
)
def test_answers_about_an_image_encoded_in_half_precision_say_so(data, models, precision: str, codes):
    asked = models.ask(data, data.images()[0], "segment", "grabcut")
    assert warned({}, asked.happened) == {}
    models.cache.get(asked.key, lambda: replace(asked.encode(), precision=precision))
    asked.answer(lambda model, embedding: None)
    assert warned({}, asked.happened).get("warnings") == codes


def test_the_default_is_chosen_once_and_then_only_looked_at_again(models, monkeypatch):
    looked: list[str] = []
    spec_of = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: looked.append(name) or spec_of(name))
    chosen = models.default("segment")
    card = next(card for card in preferred("segment", is_gpu=False) if card.id == chosen)
    assert len(looked) > len(card.requires)
    for _ in range(5):
        looked.clear()
        again, required = models.default("segment"), list(card.requires)
        if looked == required:
            break  # else the ten seconds of a choice ended just now
    assert again == chosen and looked == required


def test_the_default_follows_weights_that_come_and_go(data, models):
    from tests import tiny

    assert models.default("encode") == "colour_texture"
    card = next(card for card in preferred("encode", is_gpu=False) if card.weights == "facebook/dinov2-small")
    place = data.workspace.folder("models") / card.weights.replace("/", "--")
    place.symlink_to(tiny.dinov2(), target_is_directory=True)
    assert models.default("encode") == card.id
    place.unlink()
    assert models.default("encode") == "colour_texture"


def test_weights_learned_from_a_dataset_come_from_the_workflow_that_registered(data, models):
    row = data.images()[0]
    with pytest.raises(Unavailable, match="20 accepted boxes or more; this dataset has 0"):
        models.ask(data, row, "segment", "ridge_box")
    with pytest.raises(ValueError, match="two providers make the weights of 'ridge_box'"):
        provide("ridge_box", lambda data, start: Path("other"))


def test_who_waits_for_a_device_yields_steps_until_it_is_free(data, models):
    other = Models(Workspace(data.workspace.home), device="cpu")
    with drained(other.lease("cuda:0")):
        waiting = models.lease("cuda:0")
        step = next(waiting)
        assert (step.done, step.total, step.message) == (0, 0, "waiting for cuda:0, which another job uses")
        waiting.close()  # the job was cancelled: it holds nothing
        assert drained(models.lease("cpu")) is not None
    began = time.monotonic()
    with drained(models.lease("cuda:0")):
        assert time.monotonic() - began < 5


def test_models_are_unloaded_before_a_device_is_held(data, models):
    with models.use("grabcut"):
        pass
    with drained(models.lease("cpu")):
        assert len(models.loaded()) == 1, "memory of the CPU is not what a training waits for"
    with drained(models.lease("cuda:0")):
        assert models.loaded() == []


def drained(lease):
    """Return the hold that a lease ends with."""
    while True:
        try:
            next(lease)
        except StopIteration as done:
            return done.value
