"""What transformers caches per class goes with the model that it was made for."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

from tator.models.sam2 import Sam2Tiny
from tator.models.sam3 import Sam3
from tator.protocols import Prompt
from tator.types import Detections
from tests import tiny


def click(model) -> None:
    model.segment(model.embed(tiny.picture()), Prompt(np.array([[9, 40]], np.float32), np.array([True])))


def look(model) -> None:
    model.find(model.embed(tiny.picture()), ["a cat"], Detections.empty(), 0.0)


@pytest.mark.slow
@pytest.mark.parametrize(("backend", "weights", "use"), [(Sam2Tiny, tiny.sam2, click), (Sam3, tiny.sam3, look)])
def test_nothing_of_a_model_outlives_it(backend, weights, use):
    import torch

    model = backend(weights(), "cpu")
    use(model)
    position = model._model.vision_encoder.neck.position_encoding
    kept = position(torch.Size([1, 8, 4, 4]), torch.device("cpu"), torch.float32)
    assert kept is position(torch.Size([1, 8, 4, 4]), torch.device("cpu"), torch.float32), "it is still cached"
    refs = [weakref.ref(kept), *(weakref.ref(module) for module in model._model.modules())]
    del model, position, kept
    gc.collect()
    assert not [ref() for ref in refs if ref() is not None]
