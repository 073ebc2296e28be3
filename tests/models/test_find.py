"""Phrases and exemplars: our answer equals a direct call of the library; the image is encoded once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tator.models.owlv2 import Owlv2Base
from tator.models.sam3 import Sam3, Sam3Boxes
from tator.models.sam3_meta import Sam3Meta
from tator.protocols import Embedding, ExemplarBank, ExemplarDescriber, Generation
from tator.types import BadInput, Detections, Unavailable
from tests import tiny

SIZES = [(160, 120), (97, 151), (128, 128), (255, 64), (63, 250), (333, 1)]
PHRASES = ["red box", "blue ball", "cat", "a very thin wire", "zebra", "tree", "car", "dog", "cup", "lid"]
NONE = Detections.empty()
_loaded: dict = {}


def model(backend):
    if backend not in _loaded:
        _loaded[backend] = backend(tiny.owlv2() if issubclass(backend, Owlv2Base) else tiny.sam3(), "cpu")
    return _loaded[backend]


class RawSam3(Sam3):
    """Without non-maximum suppression, which the library has none of, so that answers compare one to one."""

    nms_iou = 1.0


class RawSam3Boxes(Sam3Boxes):
    nms_iou = 1.0


class RawOwlv2(Owlv2Base):
    nms_iou = 1.0


def exemplars_in(width, height, draw):
    count = draw(st.integers(0, 2))
    boxes, good = [], []
    for _ in range(count):
        x1, y1 = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
        boxes.append([x1, y1, draw(st.integers(x1 + 1, width)), draw(st.integers(y1 + 1, height))])
        good.append(draw(st.booleans()))
    return Detections.of(boxes, positive=np.array(good, bool))


def reference_sam3(image, phrase, exemplars, conf):
    """Return scores, boxes and (N, H, W) mask shares of the library's own processor and forward."""
    import torch

    ours = model(Sam3)
    asked = {"text": phrase}
    if len(exemplars):
        asked |= {
            "input_boxes": [exemplars.xyxy.tolist()],
            "input_boxes_labels": [exemplars.data["positive"].astype(int).tolist()],
        }
    inputs = ours._processor(images=image, input_data_format="channels_last", return_tensors="pt", **asked)
    size = [tuple(row) for row in inputs.pop("original_sizes").tolist()]
    with torch.inference_mode():
        out = ours._model(**inputs)
    scores = (out.pred_logits.sigmoid() * out.presence_logits.sigmoid())[0]
    boxes = out.pred_boxes[0] * torch.tensor([size[0][1], size[0][0]] * 2)
    shares = torch.nn.functional.interpolate(out.pred_masks.sigmoid(), size[0], mode="bilinear", align_corners=False)[0]
    order = [row for row in scores.argsort(descending=True).tolist() if scores[row] > conf]
    library = ours._processor.post_process_instance_segmentation(out, conf, 0.5, size)[0]
    assert sorted(library["scores"].tolist()) == sorted(scores[order].tolist())
    return scores[order].numpy(), boxes[order].numpy(), shares[order].numpy()


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_sam3_equals_the_library(data):
    width, height = data.draw(st.sampled_from(SIZES))
    image = tiny.picture(width, height, seed=data.draw(st.integers(0, 2)))
    phrases = data.draw(st.lists(st.sampled_from(PHRASES), max_size=6))
    exemplars = exemplars_in(width, height, data.draw)
    if not phrases and not exemplars.data.get("positive", np.zeros(0, bool)).any():
        phrases = ["red box"]
    found = model(RawSam3).find(model(RawSam3).embed(image), phrases, exemplars, 0.0)
    boxes_only = model(RawSam3Boxes).find(model(RawSam3Boxes).embed(image), phrases, exemplars, 0.0)
    assert len(found) == len(boxes_only) == max(len(phrases), 1)
    for row, (answer, boxes) in enumerate(zip(found, boxes_only, strict=True)):
        scores, expected, shares = reference_sam3(image, phrases[row] if phrases else None, exemplars, 0.0)
        clipped = np.clip(expected, 0, [width, height] * 2)
        inside = (clipped[:, 2] > clipped[:, 0]) & (clipped[:, 3] > clipped[:, 1])
        np.testing.assert_allclose(answer.confidence, scores[inside], atol=1e-5)
        np.testing.assert_allclose(answer.xyxy, clipped[inside], atol=1e-3 * max(width, height))
        np.testing.assert_allclose(boxes.xyxy, answer.xyxy, atol=1e-3)
        assert boxes.mask is None and (answer.class_id == row).all()
        for mask, share in zip(answer.mask, shares[inside], strict=True):
            dense = np.zeros((height, width), bool)
            dense[mask.y : mask.y + mask.data.shape[0], mask.x : mask.x + mask.data.shape[1]] = mask.data
            assert ((dense == (share > 0.5)) | (np.abs(share - 0.5) < 1e-5)).all()


@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_owlv2_equals_the_library(data):
    import torch

    width, height = data.draw(st.sampled_from(SIZES[:-1]))
    image = tiny.picture(width, height, seed=data.draw(st.integers(0, 2)))
    phrase = data.draw(st.sampled_from(PHRASES))
    ours = model(RawOwlv2)
    found = ours.find(ours.embed(image), [phrase], NONE, 0.0)[0]
    inputs = ours._processor(text=[[f"a photo of a {phrase}"]], images=image, return_tensors="pt")
    with torch.inference_mode():
        out = ours._model(**inputs)
    library = ours._processor.post_process_grounded_object_detection(out, 0.0, target_sizes=[(height, width)])[0]
    clipped = np.clip(library["boxes"].numpy(), 0, [width, height] * 2)
    inside = (clipped[:, 2] > clipped[:, 0]) & (clipped[:, 3] > clipped[:, 1])
    order = np.argsort(-library["scores"].numpy()[inside], kind="stable")
    np.testing.assert_allclose(found.confidence, library["scores"].numpy()[inside][order], atol=1e-4)
    by_place = lambda boxes: boxes[np.lexsort(boxes.round(1).T)]  # noqa: E731  (equal scores may swap)
    np.testing.assert_allclose(by_place(found.xyxy), by_place(clipped[inside]), atol=0.11)


def test_ten_phrases_encode_the_image_once_and_each_text_once():
    ours, runs, texts = Sam3(tiny.sam3(), "cpu"), [], []
    ours._model.vision_encoder.register_forward_hook(lambda *_: runs.append(1))
    ours._model.text_encoder.register_forward_hook(lambda _, __, out: texts.append(len(out.last_hidden_state)))
    embedding = ours.embed(tiny.picture())
    first = ours.find(embedding, PHRASES, NONE, 0.0)
    again = ours.find(embedding, PHRASES[::-1], NONE, 0.0)
    assert len(runs) == 1 and sum(texts) == len(PHRASES)
    for one, other in zip(first, again[::-1], strict=True):
        np.testing.assert_allclose(one.xyxy, other.xyxy, atol=1e-3)


@pytest.mark.parametrize("backend", [Sam3, Owlv2Base])
def test_answers_are_thinned_sorted_and_above_conf(backend):
    ours = model(backend)
    every = ours.find(ours.embed(tiny.picture()), ["red box"], NONE, 0.0)[0]
    assert (np.diff(every.confidence) <= 0).all()
    middle = float(np.median(every.confidence))
    some = ours.find(ours.embed(tiny.picture()), ["red box"], NONE, middle)[0]
    assert len(some) < len(every) and (some.confidence > middle).all()
    assert ours.find(ours.embed(tiny.picture()), ["red box"], NONE, 1.0)[0].xyxy.shape == (0, 4)


def test_boxes_that_reach_past_the_image_are_cut_and_marked():
    import torch

    from tator.models._phrases import detections_in

    boxes = torch.tensor([[-3, 1, 9, 9], [-0.4, 1, 9, 9], [1, 1, 9, 9], [12, 1, 20, 9]], dtype=torch.float32)
    found = detections_in(Embedding("x", 10, 10, None), boxes, torch.tensor([0.9, 0.8, 0.7, 0.6]), 3)
    assert found.xyxy.tolist() == [[0, 1, 9, 9], [0, 1, 9, 9], [1, 1, 9, 9]]
    assert found.data["is_clipped"].tolist() == [True, False, False]


def test_owlv2_exemplar_finds_its_own_box_and_a_negative_removes_it():
    ours = model(Owlv2Base)
    embedding = ours.embed(tiny.picture())
    target = ours.find(embedding, ["red box"], NONE, 0.0)[0].xyxy[:1]
    shown = ours.find(embedding, [], Detections.of(target, positive=[True]), 0.0)[0]
    both = Detections.of(np.concatenate([target, target]), positive=[True, False])
    assert len(shown) and len(ours.find(embedding, [], both, 0.0)[0]) == 0


def test_embeddings_of_the_boxes_only_variant_are_small():
    full, small = model(Sam3).embed(tiny.picture()), model(Sam3Boxes).embed(tiny.picture())
    assert small.nbytes * 20 < full.nbytes


@pytest.mark.parametrize(
    ("phrases", "conf", "message"),
    [
        ([], 0.5, "give a phrase or at least one example"),
        (["  "], 0.5, "a phrase must have 1 to"),
        (["x" * 121], 0.5, "a phrase must have 1 to"),
        (["cat"], 1.5, "conf must be in"),
        (["cat"] * 201, 0.5, "at most 200 phrases"),
        (["éééééééééééééééééééééééééééééé"], 0.5, "longer than the 32 tokens"),
    ],
)
def test_bad_questions_are_refused(phrases, conf, message):
    with pytest.raises(BadInput, match=message):
        model(Sam3).find(model(Sam3).embed(tiny.picture()), phrases, NONE, conf)


def test_only_negative_exemplars_are_refused():
    with pytest.raises(BadInput, match="at least one example box"):
        model(Sam3).find(model(Sam3).embed(tiny.picture()), [], Detections.of([[1, 1, 9, 9]], positive=[False]), 0.5)


def test_metas_package_is_refused_without_cuda():
    with pytest.raises(Unavailable, match="CUDA only, the device is cpu; use the card sam3"):
        Sam3Meta("sam3.pt", "cpu")


def test_owlv2_finds_what_exemplars_of_other_images_show():
    ours = model(Owlv2Base)
    here, there = ours.embed(tiny.picture(seed=0)), ours.embed(tiny.picture(97, 151, seed=1))
    boxes = np.array([[5, 5, 60, 50], [20, 30, 90, 100]], np.float32)
    bank = ours.describe(here, boxes, "a.png")
    assert bank.features.dtype == np.float32 and len(bank) == 2 and bank.sources == ("a.png", "a.png")
    own = ours.find(here, [], Detections.of(boxes), 0.0)[0]
    through = ours.find(here, [], NONE, 0.0, bank=bank)[0]
    np.testing.assert_allclose(through.confidence, own.confidence, atol=1e-5)
    np.testing.assert_allclose(through.xyxy, own.xyxy, atol=1e-3)
    elsewhere = ours.find(there, [], NONE, 0.0, bank=ExemplarBank.concat([bank, ours.describe(there, boxes[:1])]))[0]
    assert len(elsewhere) and (elsewhere.xyxy <= [97, 151, 97, 151]).all()


def test_owlv2_scores_a_bank_as_the_library_does():
    import torch

    ours = model(Owlv2Base)
    here, there = ours.embed(tiny.picture(seed=0)), ours.embed(tiny.picture(seed=1))
    bank = ours.describe(here, np.array([[5, 5, 60, 50]], np.float32))
    found = ours.find(there, [], NONE, 0.0, bank=bank)[0]
    with torch.inference_mode():
        grid = ours._model.image_embedder(
            ours._processor.image_processor(images=tiny.picture(seed=1), return_tensors="pt")["pixel_values"]
        )[0]
        logits = ours._model.class_predictor(grid.flatten(1, 2), torch.from_numpy(bank.features)[None])[0]
    assert found.confidence[0] == pytest.approx(float(logits.sigmoid().max()), abs=1e-4)


def test_a_bank_is_refused_by_who_cannot_read_it():
    owl, sam = model(Owlv2Base), model(Sam3)
    image = tiny.picture()
    bank = owl.describe(owl.embed(image), np.array([[5, 5, 60, 50]], np.float32))
    with pytest.raises(BadInput, match="sam3 compares with example boxes of the same image only"):
        sam.find(sam.embed(image), ["cat"], NONE, 0.5, bank=bank)
    other = ExemplarBank("owlv2_large", bank.features, bank.xyxy, bank.sources)
    with pytest.raises(BadInput, match="owlv2_base cannot read a bank of owlv2_large"):
        owl.find(owl.embed(image), [], NONE, 0.5, bank=other)
    with pytest.raises(BadInput, match="exemplars of one backend, these are of owlv2_base, owlv2_large"):
        ExemplarBank.concat([bank, other])
    assert isinstance(owl, ExemplarDescriber) and not isinstance(sam, ExemplarDescriber)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_new_tokens": 0}, r"max_new_tokens must be in \[1, 32768\], is 0"),
        ({"temperature": -0.1}, "temperature must be in"),
        ({"top_p": 0.0}, "top_p must be above 0"),
        ({"top_p": float("nan")}, "top_p must be in"),
    ],
)
def test_settings_of_a_generation_are_checked(settings, message):
    with pytest.raises(BadInput, match=message):
        Generation(**settings)
