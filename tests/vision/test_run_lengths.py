"""Run lengths coded from a crop and back, against pycocotools, which codes the whole image."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tator.types import BadInput, Mask
from tator.vision import masks
from tator.vision.run_lengths import pack_counts, unpack_counts

side = st.integers(1, 9)


@st.composite
def placed(draw) -> tuple[Mask, int, int]:
    """Return a mask, also one that hangs over the edges, and the width and height of its image."""
    data = draw(arrays(np.bool_, (draw(side), draw(side)), elements=st.booleans() | st.just(True)))
    return Mask(draw(st.integers(-5, 12)), draw(st.integers(-5, 12)), data), draw(side), draw(side)


def as_pycocotools(dense: np.ndarray) -> dict:
    from pycocotools import mask as coco

    return coco.encode(np.asfortranarray(dense.astype(np.uint8)))


@settings(deadline=None, max_examples=400)
@given(placed())
def test_a_mask_is_coded_as_pycocotools_codes_it(drawn):
    from pycocotools import mask as coco

    mask, width, height = drawn
    dense, rle = masks.to_dense(mask, width, height), masks.to_rle(mask, width, height)
    theirs = as_pycocotools(dense)
    assert rle == {"size": [height, width], "counts": theirs["counts"].decode()}
    found = masks.of_rle(rle)
    assert (found is None) == (not dense.any())
    if found is not None:
        again = coco.decode(theirs).astype(bool)
        assert np.array_equal(masks.to_dense(found, width, height), again)
        assert found.data.any(0)[[0, -1]].all() and found.data.any(1)[[0, -1]].all(), "cropped to its pixels"
    x, y, w, h = coco.toBbox(theirs).tolist()
    assert masks.box_of_rle(rle) == (x, y, x + w, y + h) or not dense.any()
    assert masks.area_of_rle(rle) == coco.area(theirs) == dense.sum()


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (37, 23)])
@pytest.mark.parametrize("part", [np.s_[:, :], np.s_[:0, :], np.s_[-1:, :], np.s_[:1, :], np.s_[:, -1:], np.s_[::2, :]])
def test_full_empty_and_border_masks(size, part):
    height, width = size
    dense = np.zeros(size, bool)
    dense[part] = True
    mask = masks.of_dense(dense) or Mask(0, 0, np.zeros((0, 0), bool))
    rle = masks.to_rle(mask, width, height)
    assert rle["counts"].encode() == as_pycocotools(dense)["counts"]
    found = masks.of_rle(rle)
    assert np.array_equal(masks.to_dense(found, width, height) if found else np.zeros(size, bool), dense)


@given(st.lists(st.integers(0, 2**40), max_size=40))
def test_numbers_of_any_size_come_back(runs):
    assert unpack_counts(pack_counts(runs)).tolist() == runs


@pytest.mark.parametrize("text", ["é", "?\udcff", "\n", " ", "o", "1o", "o" * 40 + "1", "p"])
def test_text_that_is_not_of_run_lengths_is_refused(text):
    with pytest.raises(BadInput, match="run lengths"):
        masks.of_rle({"size": [10, 10], "counts": text})


@pytest.mark.parametrize("runs", [[5, 5], [50, 51], [-1, 101], [101]])
def test_runs_that_do_not_fill_their_image_are_refused(runs):
    with pytest.raises(BadInput, match="expected 100"):
        masks.area_of_rle({"size": [10, 10], "counts": pack_counts(runs)})


def test_a_small_mask_of_a_large_image_costs_its_own_box():
    mask = Mask(7_000, 5_000, np.ones((90, 120), bool))

    def took_s(width: int, height: int) -> float:
        began = time.process_time()
        for _ in range(20):
            masks.of_rle(masks.to_rle(mask, width, height))
        return time.process_time() - began

    assert min(took_s(20_000, 10_000) for _ in range(3)) < 3 * min(took_s(7_200, 5_100) for _ in range(3)) + 0.01
    assert took_s(20_000, 10_000) < 1, "drawing twenty frames of 200 megapixels takes ten times as long"
