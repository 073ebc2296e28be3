"""Clicks and boxes: our answer equals a direct call of the library, in the coordinates of the image."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tator.models._tiny_vit import timm_names
from tator.models.sam1 import Sam1B
from tator.models.sam2 import Sam2Tiny
from tator.models.sam3 import Sam3Clicks
from tator.protocols import Prompt
from tator.types import BadInput, Unavailable
from tests import tiny

WEIGHTS = {Sam1B: tiny.sam1, Sam2Tiny: tiny.sam2, Sam3Clicks: tiny.sam3}
SIZES = [(160, 120), (97, 151), (128, 128), (255, 64), (63, 250), (1, 40), (333, 1), (129, 127)]
_loaded: dict = {}


def model(backend):
    if backend not in _loaded:
        _loaded[backend] = backend(WEIGHTS[backend](), "cpu")
    return _loaded[backend]


def prompts(width, height, draw):
    """Return a prompt inside the image: points, a box, or both."""
    kind = draw(st.sampled_from(["point", "points", "box", "both"]))
    at = lambda: [draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))]  # noqa: E731
    count = {"point": 1, "points": 3, "box": 0, "both": 2}[kind]
    points = np.array([at() for _ in range(count)], np.float32).reshape(-1, 2)
    labels = np.array([True] + [draw(st.booleans()) for _ in range(count - 1)] if count else [], bool)
    box = None
    if kind in ("box", "both"):
        (x1, y1), (x2, y2) = at(), at()
        box = np.array([min(x1, x2), min(y1, y2), max(x1, x2) + 1, max(y1, y2) + 1], np.float32)
    return Prompt(points, labels, box)


def reference_sam1(backend, image, prompt):
    """Return (K, H, W) logits and (K,) scores of SamPredictor on the same weights."""
    from segment_anything import SamPredictor

    predictor = SamPredictor(model(backend)._model)
    predictor.set_image(image)
    many = prompt.box is None and len(prompt.points) == 1
    points, labels = (prompt.points, prompt.labels.astype(int)) if len(prompt.points) else (None, None)
    logits, scores, _ = predictor.predict(points, labels, prompt.box, multimask_output=many, return_logits=True)
    return logits, scores


@cache
def library(backend):
    """Return the library's processor and model of a backend's checkpoint."""
    import transformers

    name = {Sam2Tiny: "Sam2", Sam3Clicks: "Sam3Tracker"}[backend]
    parts = [getattr(transformers, f"{name}{part}") for part in ("Processor", "Model")]
    processor, network = (part.from_pretrained(WEIGHTS[backend](), local_files_only=True) for part in parts)
    return processor, network.eval()


def reference_transformers(backend, image, prompt):
    """Return (K, H, W) logits and (K,) scores of the library's own processor and model, loaded by the library."""
    import torch

    processor, network = library(backend)
    asked = {}
    if len(prompt.points):
        asked |= {"input_points": [[prompt.points.tolist()]], "input_labels": [[prompt.labels.astype(int).tolist()]]}
    if prompt.box is not None:
        asked |= {"input_boxes": [[prompt.box.tolist()]]}
    inputs = processor(images=image, input_data_format="channels_last", return_tensors="pt", **asked)
    many = prompt.box is None and len(prompt.points) == 1
    sizes = inputs.pop("original_sizes")
    with torch.inference_mode():
        out = network(**inputs, multimask_output=many)
    logits = processor.post_process_masks(out.pred_masks, sizes, binarize=False)[0][0]
    return logits.numpy(), out.iou_scores[0, 0].numpy()


def assert_same(found, logits, scores, width, height):
    """Compare candidates with full-size logits; only pixels within rounding of the edge may differ."""
    order = [row for row in np.argsort(-scores, kind="stable") if (logits[row] > 0).any()]
    assert len(found) == len(order)
    np.testing.assert_allclose(found.confidence, np.clip(scores[order], 0, 1), atol=1e-5)
    for detection, row in zip(found, order, strict=True):
        mask = detection.mask[0]
        dense = np.zeros((height, width), bool)
        rows, columns = mask.data.shape
        assert 0 <= mask.x and 0 <= mask.y and mask.x + columns <= width and mask.y + rows <= height
        dense[mask.y : mask.y + rows, mask.x : mask.x + columns] = mask.data
        unsure = np.abs(logits[row]) <= 1e-5 * np.abs(logits[row]).max()
        assert ((dense == (logits[row] > 0)) | unsure).all()
        ys, xs = np.nonzero(dense)
        np.testing.assert_array_equal(detection.xyxy[0], [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])


@pytest.mark.slow
@pytest.mark.parametrize("backend", list(WEIGHTS))
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_answers_equal_the_library(backend, data):
    width, height = data.draw(st.sampled_from(SIZES))
    image = tiny.picture(width, height, seed=data.draw(st.integers(0, 3)))
    prompt = prompts(width, height, data.draw)
    if backend is Sam1B and max(width, height) > 2 * tiny.SIDE * min(width, height):
        with pytest.raises(BadInput, match=f"{width} x {height} pixels is too narrow"):
            model(backend).embed(image)
        return
    found = model(backend).segment(model(backend).embed(image), prompt)
    reference = reference_sam1 if backend is Sam1B else reference_transformers
    assert_same(found, *reference(backend, image, prompt), width, height)


@pytest.mark.parametrize("backend", list(WEIGHTS))
def test_twenty_clicks_encode_once(backend):
    ours = model(backend)
    encoder = getattr(ours._model, "image_encoder", None) or ours._model.vision_encoder
    runs = []
    handle = encoder.register_forward_hook(lambda *_: runs.append(1))
    try:
        embedding = ours.embed(tiny.picture())
        for x in range(20):
            ours.segment(embedding, Prompt(np.array([[x * 7, 50]], np.float32), np.array([True])))
    finally:
        handle.remove()
    assert len(runs) == 1
    assert embedding.nbytes == sum(tensor.nbytes for tensor in embedding.features.values()) > 0


@pytest.mark.parametrize("backend", list(WEIGHTS))
def test_prompt_without_a_target_is_refused(backend):
    embedding = model(backend).embed(tiny.picture())
    with pytest.raises(BadInput, match="a box or at least one positive point"):
        model(backend).segment(embedding, Prompt(np.array([[3, 3]], np.float32), np.array([False])))


def test_embedding_of_another_backend_is_refused():
    embedding = model(Sam1B).embed(tiny.picture())
    with pytest.raises(BadInput, match="sam2_tiny cannot read an embedding of sam1_vit_b"):
        model(Sam2Tiny).segment(embedding, Prompt(box=np.array([1, 1, 9, 9], np.float32)))


@pytest.mark.parametrize("backend", list(WEIGHTS))
def test_no_weights_is_a_message(backend):
    with pytest.raises(Unavailable, match="needs the"):
        backend(None, "cpu")


def test_doubled_prefix_of_a_resaved_checkpoint_loads_whole():
    resaved = Sam3Clicks(tiny.sam3_resaved(), "cpu")
    for part in ("_model", "_tracker"):
        tensors = getattr(resaved, part).state_dict()
        expected = getattr(model(Sam3Clicks), part).state_dict()
        assert tensors.keys() == expected.keys() and all((tensors[key] == expected[key]).all() for key in expected)


@pytest.mark.parametrize("size", ["vit_b", "vit_l", "vit_h"])
def test_architecture_read_from_shapes_is_the_published_one(size):
    import torch
    from segment_anything import sam_model_registry

    from tator.models.sam1 import build

    with torch.device("meta"):
        published = sam_model_registry[size]()
        ours = build(published.state_dict(), size)
    shapes = {key: tensor.shape for key, tensor in published.state_dict().items()}
    assert {key: tensor.shape for key, tensor in ours.state_dict().items()} == shapes
    assert [b.window_size for b in ours.image_encoder.blocks] == [b.window_size for b in published.image_encoder.blocks]
    assert ours.image_encoder.blocks[0].attn.num_heads == published.image_encoder.blocks[0].attn.num_heads


@pytest.mark.slow
def test_mobile_sam_equals_its_published_architecture(tmp_path):
    """Random weights under MobileSAM's own names give the features of another implementation of it."""
    import torch

    builder = pytest.importorskip("ultralytics.models.sam.build", reason="only compared where ultralytics is installed")
    tiny.seeded()
    theirs = builder.build_mobile_sam().eval()
    for module in theirs.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.uniform_(module.running_mean, -0.2, 0.2)
    state = {key: tensor for key, tensor in theirs.state_dict().items() if "pixel_" not in key}
    torch.save(state, tmp_path / "mobile_sam.pt")
    from tator.models.sam1 import MobileSam

    ours = MobileSam(tmp_path / "mobile_sam.pt", "cpu")
    small = torch.rand(1, 3, 1024, 1024)
    with torch.inference_mode():
        expected, got = theirs.image_encoder(small), ours._model.image_encoder(small)
    torch.testing.assert_close(got, expected, atol=2e-4, rtol=1e-3)


def test_mobile_names_keep_the_rest():
    assert timm_names({"mask_decoder.iou_token.weight": 1, "image_encoder.head.weight": 2}) == {
        "mask_decoder.iou_token.weight": 1
    }


def test_half_precision_is_the_cards_choice_and_only_on_a_gpu():
    from tator.models._encoding import half_on_gpu
    from tator.models.dino import Dinov2Small

    assert Sam2Tiny.card.half and not half_on_gpu(Sam2Tiny.card, "cpu")._enabled
    assert not Dinov2Small.card.half and not half_on_gpu(Dinov2Small.card, "cuda:0")._enabled
    assert model(Sam2Tiny).embed(tiny.picture()).precision == "float32"


@pytest.mark.parametrize(("capability", "precision"), [((9, 0), "bfloat16"), ((8, 0), "bfloat16"), ((7, 5), "float16")])
def test_older_boards_encode_in_float16(monkeypatch, capability: tuple[int, int], precision: str):
    import torch

    from tator.models._encoding import precision_of

    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert precision_of(Sam2Tiny.card, "cuda:0") == precision and precision_of(Sam2Tiny.card, "cpu") == "float32"


@pytest.mark.gpu
@pytest.mark.parametrize("backend", list(WEIGHTS))
def test_answers_on_a_gpu_are_those_of_the_cpu_within_half_precision(backend):
    image = tiny.picture()
    prompt = Prompt(np.array([[60, 50]], np.float32), np.array([True]))
    here, there = (
        one.segment(one.embed(image), prompt) for one in (model(backend), backend(WEIGHTS[backend](), "cuda"))
    )
    assert len(here) == len(there)
    np.testing.assert_allclose(np.sort(here.confidence), np.sort(there.confidence), atol=0.05)
