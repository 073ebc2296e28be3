"""Slots through the operations: encoded once, ahead, in order, and never for another image."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from tator.models.sam2 import Sam2
from tator.models.sam3 import Sam3
from tator.ops import call
from tator.types import BadInput, NotFound
from tator.workbench import Workbench
from tests import tiny
from tests.ops.test_models import BOX, draw_dataset, image_id, run


@pytest.fixture
def wb(tmp_path: Path):
    """Lend a workbench with four images, SAM 2 and SAM 3 as tiny checkpoints."""
    bench = Workbench.at(tmp_path / "home", device="cpu")
    run(bench, "datasets_create", name="shots", source=str(draw_dataset(tmp_path)))
    run(bench, "weights_import", card="sam2_tiny", source=str(tiny.sam2()))
    run(bench, "weights_import", card="sam3", source=str(tiny.sam3()))
    yield bench
    bench.close()


@pytest.fixture
def encoded(monkeypatch) -> list[int]:
    """Return a list that grows by one with each encode of an image."""
    made: list[int] = []
    for cls in (Sam2, Sam3):
        embed = cls.embed
        monkeypatch.setattr(cls, "embed", lambda self, image, embed=embed: made.append(1) or embed(self, image))
    return made


def until(condition, timeout_s: float = 20.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.005)


def states(wb: Workbench) -> list[tuple]:
    return [(row["slot"], row["image_id"], row["state"]) for row in call(wb, "slots_status")["slots"]]


def click(wb: Workbench, at: int, x: float = 40.0) -> dict:
    return call(wb, "segment", image_id=image_id(wb, at), segmenter="sam2_tiny", positive=[x, 50.0])


def test_twenty_clicks_and_ten_phrases_encode_an_image_once_each(wb, encoded):
    for i in range(20):
        click(wb, 0, 20.0 + i)
    assert len(encoded) == 1
    for i in range(5):
        call(wb, "find", image_id=image_id(wb), finder="sam3", phrases=[f"thing {i}", f"box {i}"])
    assert len(encoded) == 2
    for i in range(20):
        call(wb, "segment", image_id=image_id(wb), segmenter="sam3_tracker", positive=[20.0 + i, 50.0])
    assert len(encoded) == 2, "SAM 3 reads clicks and phrases from one encoding"


def test_the_next_image_is_encoded_before_its_first_click(wb, encoded):
    ids = [image_id(wb, at) for at in range(3)]
    assert states(wb) == [(slot, None, "empty") for slot in ("current", "next", "previous")]
    for slot, at in (("current", 1), ("next", 2), ("previous", 0)):
        row = call(wb, "slots_preload", image_id=ids[at], segmenter="sam2_tiny", slot=slot)
        assert row["slot"] == slot and row["image_id"] == ids[at] and row["card"] == "sam2_tiny" and row["name"]
    assert wb.models.cache.wait(30)
    assert states(wb) == [("current", ids[1], "ready"), ("next", ids[2], "ready"), ("previous", ids[0], "ready")]
    status, made = call(wb, "slots_status"), len(encoded)
    assert made == 3 and all(row["progress"] == 1 and row["bytes"] > 0 for row in status["slots"])
    assert sum(row["bytes"] for row in status["slots"]) <= status["bytes"] <= status["budget_bytes"]
    for at in range(3):
        click(wb, at)
    assert len(encoded) == made, "a first click costs no encode"
    assert call(wb, "slots_status")["hits"] >= status["hits"] + 3


def test_a_new_current_image_ends_the_old_wishes_and_keeps_what_is_ready(wb, encoded):
    ids = [image_id(wb, at) for at in range(4)]
    call(wb, "slots_preload", image_id=ids[0], segmenter="sam2_tiny")
    call(wb, "slots_preload", image_id=ids[1], segmenter="sam2_tiny", slot="next")
    assert wb.models.cache.wait(30)
    call(wb, "slots_preload", image_id=ids[1], segmenter="sam2_tiny")
    assert states(wb)[0] == ("current", ids[1], "ready") and states(wb)[1][2] == "empty" and len(encoded) == 2
    call(wb, "slots_preload", image_id=ids[2], segmenter="sam2_tiny", slot="next")
    call(wb, "slots_preload", image_id=ids[1], segmenter="sam2_tiny")
    assert states(wb)[1][1] == ids[2], "the same image once more ends nothing"


def test_a_click_is_answered_while_the_next_image_is_encoded(wb, monkeypatch):
    """The model is shared: the click does not wait for the encoder."""
    click(wb, 0)
    inside, answered, embed = threading.Event(), threading.Event(), Sam2.embed

    def slow(self, image):
        inside.set()
        assert answered.wait(20)
        return embed(self, image)

    monkeypatch.setattr(Sam2, "embed", slow)
    call(wb, "slots_preload", image_id=image_id(wb, 1), segmenter="sam2_tiny", slot="next")
    assert inside.wait(20)
    assert click(wb, 0, 60.0)["candidates"]
    assert states(wb)[1][2] == "encoding"
    answered.set()
    until(lambda: states(wb)[1][2] == "ready")


def test_answers_belong_to_their_image_whatever_is_wanted_meanwhile(wb):
    """Many threads click and turn pages at once; each answer equals the one given alone."""
    alone = {at: click(wb, at)["candidates"] for at in range(4)}
    call(wb, "runtime_unload")
    wrong: list[int] = []

    def person(turn: int) -> None:
        for step in range(6):
            at = (turn + step) % 4
            call(wb, "slots_preload", image_id=image_id(wb, (at + 1) % 4), segmenter="sam2_tiny",
                 slot=("current", "next", "previous")[step % 3])  # fmt: skip
            if [one["xyxy"] for one in click(wb, at)["candidates"]] != [one["xyxy"] for one in alone[at]]:
                wrong.append(at)

    people = [threading.Thread(target=person, args=(turn,)) for turn in range(4)]
    for one in people:
        one.start()
    for one in people:
        one.join(60)
    assert not wrong and not any(one.is_alive() for one in people)


def test_settings_hold_at_once_and_after_a_restart(wb, encoded, tmp_path):
    assert call(wb, "predictor_settings_get") == {
        "images": 3, "budget_mb": 1024, "keep_on_disk": False, "most_images": 3, "bytes": 0}  # fmt: skip
    call(wb, "predictor_settings_set", images=1, budget_mb=64, keep_on_disk=True)
    assert [slot for slot, *_ in states(wb)] == ["current"]
    call(wb, "slots_preload", image_id=image_id(wb, 1), segmenter="sam2_tiny", slot="next")
    click(wb, 0)
    assert wb.models.cache.wait(20) and len(encoded) == 1, "the next image is left out"
    again = Workbench.at(tmp_path / "home", device="cpu")
    try:
        assert call(again, "predictor_settings_get")["images"] == 1
        assert call(again, "slots_status")["budget_bytes"] == 64 << 20
        click(again, 0)
        assert len(encoded) == 1, "encoded before the restart, kept on disk"
    finally:
        again.close()
    for wrong in ({"images": 0}, {"images": 4}, {"budget_mb": 1}):
        with pytest.raises(BadInput, match=next(iter(wrong))):
            call(wb, "predictor_settings_set", **{"images": 2, "budget_mb": 64, "keep_on_disk": False} | wrong)


def test_what_cannot_be_encoded_is_told(wb):
    with pytest.raises(NotFound, match="999999"):
        call(wb, "slots_preload", image_id=999_999)
    with pytest.raises(BadInput, match="encodes crops"):
        call(wb, "slots_preload", image_id=image_id(wb), segmenter="colour_texture")
    wb.dataset("shots").path(wb.dataset("shots").images()[0]).write_bytes(b"no longer an image")
    call(wb, "slots_preload", image_id=image_id(wb), segmenter="sam2_tiny")
    until(lambda: states(wb)[0][2] == "failed")
    assert "0.png" in call(wb, "slots_status")["slots"][0]["message"]


def test_weight_free_models_have_slots_too(wb):
    call(wb, "slots_preload", image_id=image_id(wb), segmenter="grabcut")
    assert wb.models.cache.wait(20) and states(wb)[0][2] == "ready"
    assert call(wb, "segment", image_id=image_id(wb), segmenter="grabcut", box=BOX)["candidates"]
