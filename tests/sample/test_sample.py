"""The sample project: complete, exact, made once, and equal for equal seeds."""

from __future__ import annotations

import numpy as np
import pytest

from tator.datasets.dataset import Dataset
from tator.datasets.removal import remove_dataset
from tator.sample.project import NAME, SCENES, create_sample
from tator.sample.scenes import CLASSES, HEIGHT, WIDTH
from tator.sample.scenes.render import Studio, render


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio()


def test_scenes_are_the_same_for_a_seed_and_differ_between_seeds(studio: Studio):
    first, again, other = render(3, studio), render(3, Studio()), render(4, studio)
    assert first.boxes == again.boxes and np.array_equal(first.pixels, again.pixels)
    assert first.boxes != other.boxes


@pytest.mark.parametrize("seed", range(0, 40, 5))
def test_boxes_lie_inside_and_are_no_specks(studio: Studio, seed: int):
    scene = render(seed, studio)
    assert scene.pixels.shape == (HEIGHT, WIDTH, 3) and scene.pixels.std() > 20
    xyxy = np.array([box for _, box in scene.boxes])
    assert len(xyxy) >= 20 and {name for name, _ in scene.boxes} <= set(CLASSES)
    assert (
        (xyxy[:, :2] >= 0).all() and (xyxy[:, 2:] <= (WIDTH, HEIGHT)).all() and (xyxy[:, 2:] - xyxy[:, :2] >= 6).all()
    )


def test_boxes_fit_what_is_drawn(studio: Studio):
    """A boat stands out of the water: what differs from the water round it ends where its box ends."""
    off = []
    for seed in (1, 5, 9, 13):
        scene = render(seed, studio)
        for name, (x1, y1, x2, y2) in scene.boxes:
            if name != "boat" or min(x1, y1) < 12 or x2 > WIDTH - 12 or y2 > HEIGHT - 12:
                continue
            left, top = int(x1) - 8, int(y1) - 8
            patch = scene.pixels[top : int(y2) + 8, left : int(x2) + 8].astype(int)
            warm = np.argwhere(patch[..., 0] - patch[..., 2] > 12)  # wood, red and cream against blue water
            if len(warm) > 60:
                off.append(np.abs(np.array([warm[:, 1].min() + left - x1, warm[:, 0].min() + top - y1])))
    assert len(off) >= 4 and np.median(off) <= 8


@pytest.mark.slow
def test_the_sample_is_made_once(wb):
    sample = create_sample(wb)
    facts = sample.describe()
    assert facts["name"] == NAME and facts["storage"] == "managed" and facts["images"] == SCENES
    assert facts["states"] == {"reviewed": 15, "in_progress": 3, "new": 6} and set(facts["splits"]) == {
        "train",
        "val",
        "test",
    }
    assert [c["name"] for c in facts["classes"]] == list(CLASSES) and min(
        c["annotations"] for c in facts["classes"]
    ) >= 15
    assert len({c["color"] for c in facts["classes"]}) == len(CLASSES)
    assert sample.load(sample.images()[0]).shape == (HEIGHT, WIDTH, 3)
    assert all(row.annotation_count == 0 for row in sample.images(states=["new"]))
    assert create_sample(wb) == sample and len(Dataset.listing(wb.store)) == 1
    assert not any(wb.workspace.home.rglob("*.part"))
    remove_dataset(sample, NAME)
    assert create_sample(wb) is None, "who deletes it does not get it back"
