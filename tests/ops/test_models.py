"""Models through the operations: weights come in, prompts are answered in image pixels, encoders train heads."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tator.ops import call, operations
from tator.types import BadInput, Conflict, Detections, Forbidden, NotFound, Unavailable
from tator.weights.network import Network
from tator.workbench import Workbench
from tests import tiny
from tests.hostile import hostile_files
from tests.weights.test_download import Server
from tests.weights.test_places import publish

IMAGES, WIDTH, HEIGHT = 4, 160, 120
BOX = [20.0, 30.0, 60.0, 80.0]
SOURCES = {
    "sam1_vit_b": tiny.sam1, "sam2_tiny": tiny.sam2, "sam3": tiny.sam3, "owlv2_base": tiny.owlv2,
    "clip_vit_b_32": tiny.clip, "dinov2_small": tiny.dinov2,
}  # fmt: skip


def run(wb: Workbench, kind: str, **arguments):
    """Run a job in this thread and return its result."""
    return wb.jobs.run_here(operations()[kind].fn, kind, arguments)


def draw_dataset(folder: Path) -> Path:
    """Write images with a red and a blue thing each, and YOLO boxes around them."""
    (folder / "shots").mkdir(parents=True)
    for seed in range(IMAGES):
        Image.fromarray(tiny.picture(WIDTH, HEIGHT, seed)).save(folder / "shots" / f"{seed}.png")
        (folder / "shots" / f"{seed}.txt").write_text("0 0.25 0.458 0.25 0.417\n1 0.7 0.4 0.3 0.4\n" * 2)
    (folder / "shots" / "classes.txt").write_text("red\nblue")
    return folder / "shots"


@pytest.fixture(scope="module")
def wb(tmp_path_factory):
    """Lend a workbench with a small dataset and a tiny checkpoint of each family, imported as a person would."""
    folder = tmp_path_factory.mktemp("models")
    bench = Workbench.at(folder / "home", device="cpu")
    run(bench, "datasets_create", name="shots", source=str(draw_dataset(folder)))
    for card, make in SOURCES.items():
        run(bench, "weights_import", card=card, source=str(make()))
    yield bench
    bench.close()


@pytest.fixture
def bare(tmp_path):
    """Lend a fresh workbench without any weights."""
    bench = Workbench.at(tmp_path / "home", device="cpu")
    yield bench
    bench.close()


@pytest.fixture
def hub():
    made = Server()
    yield made
    made.shutdown()
    made.server_close()


def image_id(wb: Workbench, at: int = 0) -> int:
    return wb.dataset("shots").images()[at].id


def rings_in_image(polygons) -> bool:
    xy = np.array([value for rings in polygons for ring in rings for value in ring]).reshape(-1, 2)
    return bool((xy >= 0).all() and (xy <= [WIDTH, HEIGHT]).all())


@pytest.mark.parametrize("card", ["sam1_vit_b", "sam2_tiny"])
def test_a_click_and_a_box_are_answered_with_polygons(wb, card):
    clicked = call(wb, "segment", image_id=image_id(wb), segmenter=card, positive=[40.0, 50.0], class_id=1)
    boxed = call(wb, "segment", image_id=image_id(wb), segmenter=card, box=BOX, tolerance=0.0, fill_holes=True)
    assert clicked["segmenter"] == card and 1 <= len(clicked["candidates"]) <= 3
    for one in clicked["candidates"] + boxed["candidates"]:
        assert rings_in_image(one["polygons"]) and 0 <= one["confidence"] <= 1
    assert all(len(rings) == 1 for one in boxed["candidates"] for rings in one["polygons"]), "holes are filled"
    assert clicked["candidates"][0]["class_name"] == "blue"
    tight = call(wb, "tweak_boxes", image_id=image_id(wb), boxes=BOX * 2, segmenter=card)
    assert len(tight["boxes"]) == 2 and tight["segmenter"] == card


def test_phrases_and_examples_are_found(wb):
    answer = call(wb, "find", image_id=image_id(wb), phrases=["red box", "disc"], finder="sam3", conf=0.0)
    assert [row["phrase"] for row in answer["phrases"]] == ["red box", "disc"] and answer["finder"] == "sam3"
    first = answer["phrases"][0]["candidates"]
    assert first and [one["confidence"] for one in first] == sorted((c["confidence"] for c in first), reverse=True)
    assert any(one["polygons"] and rings_in_image(one["polygons"]) for one in first)
    quick = call(wb, "find", image_id=image_id(wb), phrases=["disc"], finder="sam3", conf=0.0, boxes_only=True)
    assert all(one["polygons"] is None for one in quick["phrases"][0]["candidates"])
    shown = call(wb, "find", image_id=image_id(wb), exemplars=[*BOX, 90.0, 20.0, 130.0, 70.0],
                 exemplar_positive=[True, False], finder="owlv2_base", conf=0.0)  # fmt: skip
    assert [row["phrase"] for row in shown["phrases"]] == [""]
    # A higher threshold keeps exactly those that filtering the first answer keeps.
    cut = first[0]["confidence"] * 0.999
    again = call(wb, "find", image_id=image_id(wb), phrases=["red box"], finder="sam3", conf=cut)
    assert [one["xyxy"] for one in again["phrases"][0]["candidates"]] == [
        one["xyxy"] for one in first if one["confidence"] > cut
    ]


@pytest.mark.parametrize("finder", ["sam3", "owlv2_base"])
def test_a_find_warns_of_boxes_that_it_cut_to_the_image(wb, finder):
    row = wb.dataset("shots").images()[0]
    asked = wb.models.ask(wb.dataset("shots"), row, "find", finder)
    [found] = asked.answer(lambda model, embedding: model.find(embedding, ["disc"], Detections.empty(), 0.0))
    told = call(wb, "find", image_id=row.id, phrases=["disc"], finder=finder, conf=0.0).get("warnings", [])
    assert told == (["candidates_clipped"] if found.data["is_clipped"].any() else [])
    past = [WIDTH - 20.0, 30.0, WIDTH + 0.5, 80.0]
    told = call(wb, "find", image_id=row.id, exemplars=past, finder=finder, conf=0.0)["warnings"]
    assert told[0] == "shapes_clipped"


@pytest.mark.parametrize(("arguments", "told"), [
    ({}, "phrase or at least one"), ({"phrases": ["  "]}, "1 to 120"), ({"phrases": ["cat"], "conf": 2.0}, "conf"),
    ({"exemplars": BOX[:3]}, "3 numbers"), ({"exemplars": BOX, "exemplar_positive": [True, False]}, "2 for 1"),
    ({"exemplars": BOX, "exemplar_positive": [False]}, "positive"), ({"exemplars": [0.0, 0.0, 900.0, 9.0]}, "900"),
    ({"phrases": ["cat"] * 201}, "200"), ({"phrases": ["cat"], "tolerance": -1.0}, "tolerance"),
])  # fmt: skip
def test_wrong_questions_are_refused_by_name(wb, arguments, told):
    with pytest.raises(BadInput, match=told):
        call(wb, "find", image_id=image_id(wb), finder="owlv2_base", **arguments)


def test_a_drawn_mask_becomes_polygons_with_its_hole(wb):
    ring = np.zeros((6, 8), bool)
    ring[1:5, 1:7], ring[2:4, 3:5] = True, False
    flat, counts = ring.T.ravel(), []
    while len(flat):
        counts.append(
            int(np.argmax(flat != (len(counts) % 2 == 1))) if (flat != (len(counts) % 2 == 1)).any() else len(flat)
        )
        flat = flat[counts[-1] :]
    place = {"width": 8, "height": 6, "x": 10, "y": 20, "counts": counts, "tolerance": 0.0}
    traced = call(wb, "mask_to_polygons", **place)
    assert traced["xyxy"] == [11, 21, 17, 25] and [len(rings) for rings in traced["polygons"]] == [2]
    corners = np.array(traced["polygons"][0][1]).reshape(-1, 2)
    assert (corners.min(0).tolist(), corners.max(0).tolist()) == ([13, 22], [15, 24])
    assert [len(rings) for rings in call(wb, "mask_to_polygons", **place, fill_holes=True)["polygons"]] == [1]
    assert call(wb, "mask_to_polygons", **place | {"counts": [48]}) == {"polygons": [], "xyxy": []}
    for wrong in ([47], [50, -2], []):
        with pytest.raises(BadInput, match="add up to 48"):
            call(wb, "mask_to_polygons", **place | {"counts": wrong})


def test_the_first_that_is_ready_answers(wb, bare):
    assert call(wb, "segment", image_id=image_id(wb), box=BOX)["segmenter"] == "sam2_tiny", "the quickest on a CPU"
    assert call(wb, "find", image_id=image_id(wb), phrases=["disc"])["finder"] == "owlv2_base"
    chosen = {card["task"]: card["id"] for card in call(wb, "models_list") if card["is_default"]}
    assert chosen == {"segment": "sam2_tiny", "find": "owlv2_base", "encode": "dinov2_small"}
    plain = {card["task"]: card["id"] for card in call(bare, "models_list") if card["is_default"]}
    assert plain == {"segment": "ridge_box", "encode": "colour_texture"}


def test_a_model_is_listed_with_what_it_needs_and_where_it_is(wb, bare):
    call(wb, "segment", image_id=image_id(wb), segmenter="sam2_tiny", box=BOX)
    row = next(card for card in call(wb, "models_list", task="segment") if card["id"] == "sam2_tiny")
    assert row["state"] == "ready" and row["loaded"] and row["device"] == "cpu" and row["memory_mb"] > 0
    assert row["last_used"] <= time.time() and row["license"] == "Apache-2.0" and not row["gated"]
    rows = {card["id"]: card for card in call(bare, "models_list")}
    assert rows["sam2_tiny"]["state"] == "needs: weights" and rows["sam2_tiny"]["size_mb"] == 160
    assert "Download it in the Models tab" in rows["sam2_tiny"]["message"] and not rows["sam2_tiny"]["loaded"]
    assert rows["sam3"]["state"] == "needs: a licence" and rows["sam3"]["gated"]
    assert rows["grabcut"]["state"] == "ready" and rows["grabcut"]["message"] == ""


@pytest.mark.slow
@pytest.mark.parametrize(("encoder", "dim"), [("clip_vit_b_32", 16), ("dinov2_small", 32)])
def test_a_head_learns_from_an_encoder_with_weights(wb, encoder, dim):
    run(wb, "heads_train", dataset="shots", name=f"on {encoder}", encoder=encoder, test_size=0.5)
    assert call(wb, "heads_active")["encoder"] == encoder
    named = call(wb, "classify_boxes", image_id=image_id(wb), boxes=BOX)["boxes"][0]
    assert named["class_name"] in ("red", "blue")
    kept = list((wb.workspace.folder("cache") / "features" / encoder).glob("*.safetensors"))
    assert len(kept) == IMAGES


def test_other_weights_make_other_vectors_and_refuse_the_old_head(wb, tmp_path):
    from safetensors.torch import load_file, save_file

    run(wb, "heads_train", dataset="shots", name="before", encoder="dinov2_small", test_size=0.5)
    before = sorted((wb.workspace.folder("cache") / "features" / "dinov2_small").glob("*"))
    other = tiny.copy_of(tiny.dinov2(), tmp_path)
    state = load_file(other / "model.safetensors")
    save_file({name: value * 1.5 for name, value in state.items()}, other / "model.safetensors", {"format": "pt"})
    run(wb, "weights_import", card="dinov2_small", source=str(other))
    with pytest.raises(BadInput, match="'before' was trained on version .*train it again"):
        call(wb, "classify_boxes", image_id=image_id(wb), boxes=BOX, head="before")
    run(wb, "heads_train", dataset="shots", name="after", encoder="dinov2_small", test_size=0.5)
    after = sorted((wb.workspace.folder("cache") / "features" / "dinov2_small").glob("*"))
    assert len(after) == len(before) + IMAGES
    run(wb, "weights_import", card="dinov2_small", source=str(tiny.dinov2()))
    assert call(wb, "classify_boxes", image_id=image_id(wb), boxes=BOX, head="before")["head"] == "before"


# -- the five messages, through the operations ------------------------------------------------------------------------


def test_half_the_tensors_are_told_when_the_model_is_asked(bare, tmp_path):
    from safetensors.torch import load_file, save_file

    run(bare, "datasets_create", name="shots", source=str(draw_dataset(tmp_path)))
    half = tiny.copy_of(tiny.sam2(), tmp_path)
    state = load_file(half / "model.safetensors")
    kept = dict(list(state.items())[: len(state) // 2])
    save_file(kept, half / "model.safetensors", {"format": "pt"})
    run(bare, "weights_import", card="sam2_tiny", source=str(half))
    with pytest.raises(BadInput, match=r"load only in part: \d+ tensors missing .*Fetch it again or choose another"):
        call(bare, "segment", image_id=image_id(bare), segmenter="sam2_tiny", box=BOX)
    assert bare.models.loaded() == []


def test_a_gated_repository_tells_how_to_be_let_in(bare, tmp_path):
    run(bare, "datasets_create", name="shots", source=str(draw_dataset(tmp_path)))
    with pytest.raises(Unavailable, match="licence is accepted.*HF_TOKEN.*facebook/sam3.*Or copy"):
        call(bare, "find", image_id=image_id(bare), finder="sam3", phrases=["cat"])


def test_an_offline_machine_is_told_to_copy(tmp_path):
    bench = Workbench.at(tmp_path / "home", device="cpu", network=Network(offline=True))
    try:
        told = next(card for card in call(bench, "models_list") if card["id"] == "sam1_vit_b")
        assert told["state"] == "needs: a local copy" and "HF_HUB_OFFLINE" in told["message"]
        job = bench.jobs.wait(call(bench, "weights_download", card="sam1_vit_b"), 30)
        assert job["state"] == "failed" and job["error"]["code"] == "unavailable"
        assert "set to work offline" in job["error"]["message"] and "sam_vit_b_01ec64.pth" in job["error"]["message"]
    finally:
        bench.close()


def test_a_truncated_file_is_refused_and_the_old_one_stays(bare, tmp_path):
    run(bare, "weights_import", card="sam2_tiny", source=str(tiny.sam2()))
    cut = tiny.copy_of(tiny.sam2(), tmp_path)
    whole = (cut / "model.safetensors").read_bytes()
    (cut / "model.safetensors").write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(BadInput, match="model.safetensors is cut short or damaged.*Fetch it again"):
        run(bare, "weights_import", card="sam2_tiny", source=str(cut))
    assert next(card for card in call(bare, "models_list") if card["id"] == "sam2_tiny")["state"] == "ready"


def test_a_pickle_that_would_run_code_is_refused(bare, tmp_path):
    mark = tmp_path / "ran"
    files = [file for file in hostile_files(tmp_path, mark) if file.suffix in (".pth", ".pt")]
    for file in files:
        with pytest.raises(BadInput, match=r"would run|could run code|expected one data.pkl"):
            run(bare, "weights_import", card="sam1_vit_b", source=str(file))
    assert files
    assert not mark.exists() and not any(bare.workspace.folder("models").glob("sam1*/*.p*"))


# -- download, import, delete -----------------------------------------------------------------------------------------


def test_a_download_is_a_job_that_goes_on_where_it_stopped(hub, tmp_path):
    network = publish(hub, "facebook/sam2.1-hiera-tiny", tiny.sam2())
    bench = Workbench.at(tmp_path / "home", device="cpu", network=network)
    try:
        work = operations()["weights_download"].fn(bench, card="sam2_tiny")
        for step in work:
            if step.message == "model.safetensors":
                break
        with pytest.raises(Conflict, match="being fetched already"):
            run(bench, "weights_import", card="sam2_tiny", source=str(tiny.sam2()))
        work.close()
        job = bench.jobs.wait(call(bench, "weights_download", card="sam2_tiny"), 60)
        assert job["state"] == "succeeded" and job["done"] == job["total"] > 0, job
        assert call(bench, "weights_delete", card="sam2_tiny")["cards"] == ["sam2_tiny"]
        with pytest.raises(NotFound, match="no weights"):
            call(bench, "weights_delete", card="sam2_tiny")
    finally:
        bench.close()


def test_weights_come_from_an_upload_and_only_from_allowed_folders(tmp_path):
    bench = Workbench.at(tmp_path / "home", device="cpu", source_roots=[tmp_path / "allowed"])
    try:
        with pytest.raises(Forbidden, match="outside the folders"):
            run(bench, "weights_import", card="sam2_tiny", source=str(tiny.sam2()))
        upload, folder = bench.workspace.new_upload()
        shutil.copytree(tiny.sam2(), folder / "sam2.1")
        run(bench, "weights_import", card="sam2_tiny", source=f"upload:{upload}")
        upload, folder = bench.workspace.new_upload()
        shutil.copy(tiny.sam1(), folder / "mine.pth")
        run(bench, "weights_import", card="sam1_vit_b", source=f"upload:{upload}")
        ready = {card["id"] for card in call(bench, "models_list") if card["weights_state"] == "present"}
        assert ready == {"sam2_tiny", "sam1_vit_b"}
    finally:
        bench.close()


def test_weights_in_use_are_not_deleted(bare):
    run(bare, "weights_import", card="dinov2_small", source=str(tiny.dinov2()))
    with bare.models.use("dinov2_small", bare.weights("dinov2_small")):
        from tator.ops import models

        models.UNLOAD_S, kept = 0.05, models.UNLOAD_S
        try:
            with pytest.raises(Conflict, match="DINOv2 small is in use"):
                call(bare, "weights_delete", card="dinov2_small")
        finally:
            models.UNLOAD_S = kept
    assert call(bare, "weights_delete", card="dinov2_small")["cards"] == ["dinov2_small"]
    assert json.dumps(call(bare, "models_list"))


def test_unloading_gives_everything_back(wb):
    call(wb, "segment", image_id=image_id(wb), segmenter="sam2_tiny", box=BOX)
    freed = call(wb, "runtime_unload")
    assert "sam2_tiny" in freed["unloaded"] and freed["still_lent"] == [] and freed["freed_cache_bytes"] > 0
    assert call(wb, "system_gpu")["reserved_mb"] == 0 and not any(card["loaded"] for card in call(wb, "models_list"))
