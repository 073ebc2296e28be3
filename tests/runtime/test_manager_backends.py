"""The model manager lends the large backends by path, takes turns in a small budget and frees them."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest

from tator.protocols import Prompt
from tator.runtime.manager import ModelManager
from tator.runtime.registry import backends
from tests import tiny

CLICK = Prompt(np.array([[60, 50]], np.float32), np.array([True]))
TINY = {
    "sam1_vit_b": tiny.sam1, "sam2_tiny": tiny.sam2, "sam3_tracker": tiny.sam3, "sam3": tiny.sam3, "owlv2_base": tiny.owlv2,
    "clip_vit_b_32": tiny.clip, "dinov2_small": tiny.dinov2, "dinov3_vit_s": tiny.dinov3,
}  # fmt: skip


def test_every_backend_is_found_with_an_honest_card():
    cards = {name: cls.card for name, cls in backends().items()}
    assert TINY.keys() <= cards.keys()
    for name in cards.keys() & (TINY.keys() | {"sam2_large", "sam1_vit_h", "mobile_sam", "sam3_meta", "dinov3_vit_l"}):
        card = cards[name]
        assert card.weights and card.license and card.source.startswith("https://") and card.expects.endswith(".")
        assert card.size_mb > 0 and card.vram_mb >= card.size_mb and "torch" in card.requires
        assert card.gated == (card.license in ("SAM License", "DINOv3 License"))


def test_finding_them_imports_none_of_their_libraries():
    heavy = ("torch", "transformers", "open_clip", "httpx")
    code = (
        "import sys; from tator.runtime.registry import backends; backends(); import tator.weights.places, tator.runtime.embedding_cache; "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


@pytest.mark.parametrize("card_id", list(TINY))
def test_the_manager_lends_it_by_path(card_id):
    manager = ModelManager("cpu", budget_mb=20_000)
    with manager.use(card_id, TINY[card_id]()) as model:
        assert model.card.id == card_id
    assert [row["id"] for row in manager.loaded()] == [card_id]
    assert [row["id"] for row in manager.unload_all()] == [card_id] and manager.loaded() == []


@pytest.mark.slow
def test_two_families_take_turns_in_a_budget_for_one(monkeypatch):
    manager, answers, errors = ModelManager("cpu", budget_mb=4_000), [], []
    for card_id in ("sam1_vit_b", "sam2_tiny"):
        cls = backends()[card_id]
        monkeypatch.setattr(cls, "card", replace(cls.card, vram_mb=3_000))
    image, weights = tiny.picture(), {card_id: TINY[card_id]() for card_id in ("sam1_vit_b", "sam2_tiny")}

    def person(card_id):
        try:
            for _ in range(4):
                with manager.use(card_id, weights[card_id]) as model:
                    answers.append((card_id, len(model.segment(model.embed(image), CLICK))))
        except Exception as error:
            errors.append(error)
            raise

    people = [threading.Thread(target=person, args=(card_id,)) for card_id in ("sam1_vit_b", "sam2_tiny")]
    for one in people:
        one.start()
    for one in people:
        one.join(60)
    assert not errors and len(answers) == 8 and len(manager.loaded()) == 1


def test_one_model_answers_many_threads_alike():
    """Clicks may go on while the next image is encoded: nothing is kept in the model between calls."""
    from tator.models.sam2 import Sam2Tiny
    from tator.models.sam3 import Sam3
    from tator.types import Detections

    sam2, sam3 = Sam2Tiny(tiny.sam2(), "cpu"), Sam3(tiny.sam3(), "cpu")
    images = [tiny.picture(seed=i) for i in range(4)]
    ask = lambda image: [  # noqa: E731
        sam2.segment(sam2.embed(image), CLICK).xyxy,
        *(found.xyxy for found in sam3.find(sam3.embed(image), ["cat", "red box"], Detections.empty(), 0.0)),
    ]
    alone = [ask(image) for image in images]
    together: dict[int, list] = {}
    threads = [threading.Thread(target=lambda i=i: together.setdefault(i, ask(images[i % 4]))) for i in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(together) == 12
    for i, answer in together.items():
        for one, other in zip(answer, alone[i % 4], strict=True):
            np.testing.assert_allclose(one, other, atol=1e-2)


def test_sam3_is_loaded_once_and_encodes_once_for_clicks_and_phrases():
    """Two cards, one model in memory: what one encoded, the other reads."""
    from tator.types import Detections

    manager, weights = ModelManager("cpu"), tiny.sam3()
    with manager.use("sam3_tracker", weights) as clicks, manager.use("sam3", weights) as phrases:
        assert clicks is phrases
        runs: list[int] = []
        clicks._model.vision_encoder.backbone.register_forward_hook(lambda *_: runs.append(1))
        embedding = clicks.embed(tiny.picture())
        assert len(clicks.segment(embedding, CLICK)) and len(
            phrases.find(embedding, ["cat"], Detections.empty(), 0.0)[0]
        )
    assert runs == [1]
    (row,) = manager.loaded()
    assert row["cards"] == ["sam3", "sam3_tracker"] and row["label"] == "SAM 3 phrases, SAM 3 clicks"
    assert manager.unload_all(cards=["sam3"])[0]["mb"] == row["mb"] and not manager.loaded()
