"""What a click costs on top of the bare model: real sizes, random weights, two threads of the CPU."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from bench._row import Row
from tator.models.sam1 import Sam1B
from tator.models.sam2 import Sam2Tiny
from tator.protocols import Prompt
from tator.runtime.embedding_cache import EmbeddingCache
from tator.runtime.executor import Executor
from tator.runtime.prefetching import PrefetchRequest

ROUNDS = 40
MOST = 1.15  # times the bare decoder call
AHEAD = 9  # images encoded ahead
MOST_FIRST = 1.25  # times a later click
WIDTH, HEIGHT = 1024, 768
CLICK = Prompt(np.array([[400, 300]], np.float32), np.array([True]))


def rows() -> Iterable[Row]:
    """Measure SAM 2.1 tiny and SAM 1 ViT-B."""
    try:
        import segment_anything  # noqa: F401
        import torch
        import transformers  # noqa: F401
    except ImportError as error:
        yield Row(f"SAM clicks (not measured: {error.name} is not installed)", 0.0, "ms", target="", holds=True)
        return
    torch.set_num_threads(2)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        tiny = sam2(Path(folder))
        yield from measured(tiny, bare_sam2, "SAM 2.1 tiny")
        yield first_clicks(tiny)
        yield from measured(sam1(Path(folder)), bare_sam1, "SAM 1 ViT-B")


def sam2(folder: Path) -> Sam2Tiny:
    """Return SAM 2.1 tiny at its real size with random weights, loaded as a downloaded one is."""
    from transformers import Sam2Config, Sam2ImageProcessor, Sam2Model, Sam2Processor

    Sam2Model(Sam2Config()).save_pretrained(folder / "sam2")
    Sam2Processor(Sam2ImageProcessor(), target_size=1024).save_pretrained(folder / "sam2")
    return Sam2Tiny(folder / "sam2", "cpu")


def sam1(folder: Path) -> Sam1B:
    """Return SAM 1 ViT-B at its real size with random weights, loaded as a downloaded one is."""
    import torch
    from segment_anything import sam_model_registry

    torch.save(sam_model_registry["vit_b"]().state_dict(), folder / "vit_b.pth")
    return Sam1B(folder / "vit_b.pth", "cpu")


def bare_sam2(model: Sam2Tiny, embedding: Any) -> Callable[[], Any]:
    """Return the decoder call alone: tensors in, tensors out, nothing brought to the image."""
    import torch

    levels = [embedding.features[name] for name in sorted(embedding.features)]
    points, labels = torch.tensor([[[[400.0, 400.0]]]]), torch.tensor([[[1]]])

    def call() -> Any:
        with torch.inference_mode():
            return model._model(
                image_embeddings=levels, input_points=points, input_labels=labels, multimask_output=True
            )

    return call


def bare_sam1(model: Sam1B, embedding: Any) -> Callable[[], Any]:
    """Return prompt encoder and mask decoder alone."""
    import torch

    sam, points = model._model, (torch.tensor([[[400.0, 300.0]]]), torch.tensor([[1]]))

    def call() -> Any:
        with torch.inference_mode():
            sparse, dense = sam.prompt_encoder(points=points, boxes=None, masks=None)
            return sam.mask_decoder(
                image_embeddings=embedding.features["features"],
                image_pe=sam.prompt_encoder.get_dense_pe(),
                sparse_prompt_embeddings=sparse,
                dense_prompt_embeddings=dense,
                multimask_output=True,
            )

    return call


def measured(model: Any, bare: Callable[..., Callable[[], Any]], name: str) -> Iterable[Row]:
    """Yield the click, the encode ahead and sixteen boxes of one model."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    cache, executor, shares = EmbeddingCache(), Executor("cpu"), []
    started = time.perf_counter()
    cache.prefetch([PrefetchRequest("current", "a.jpg", "a", lambda: model.embed(image))])
    while not cache.wait(0.05):
        shares.append(cache.status()[0]["progress"])
    encode_s = time.perf_counter() - started

    def click() -> Any:
        embedding = cache.get("a", lambda: model.embed(image))
        return executor.run(lambda: model.segment(embedding, CLICK))

    decoder = bare(model, cache.get("a", lambda: model.embed(image)))
    ours, peer = alternating(lambda: timed(click), lambda: executor.run(lambda: timed(decoder)))
    ours_s, decoder_s = quartile(ours), quartile(peer)
    yield Row(
        f"{name}: click on an encoded image of {WIDTH} x {HEIGHT}, lower quartile of {ROUNDS}", ours_s * 1e3, "ms",
        "the decoder call alone in the same thread, alternating", decoder_s * 1e3, f"<= {MOST} x", ours_s <= MOST * decoder_s,
    )  # fmt: skip
    yield Row(
        f"{name}: steps of progress seen while one image is encoded ({encode_s:.1f} s)", len(set(shares)), "steps", target=">= 5",
        holds=len(set(shares)) >= 5,
    )  # fmt: skip
    yield sixteen_boxes(model, bare, cache.get("a", lambda: model.embed(image)), name)


def first_clicks(model: Sam2Tiny) -> Row:
    """Measure the first click on images that were encoded ahead, against a later click on the same images."""
    cache, executor, taken = EmbeddingCache(), Executor("cpu"), ([], [])
    images = [np.random.default_rng(i).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8) for i in range(AHEAD)]

    def never() -> Any:
        raise AssertionError("it was encoded ahead")

    for number, image in enumerate(images):
        cache.prefetch([PrefetchRequest("next", str(number), number, lambda image=image: model.embed(image))])
        cache.wait(60)
    for number in range(AHEAD):
        for seconds in taken:
            seconds.append(timed(lambda n=number: executor.run(lambda: model.segment(cache.get(n, never), CLICK))))
    first, later = (statistics.median(seconds) for seconds in taken)
    return Row(
        f"SAM 2.1 tiny: first click on an image encoded ahead, median of {AHEAD} images", first * 1e3, "ms",
        "a later click on it", later * 1e3, f"<= {MOST_FIRST} x", first <= MOST_FIRST * later,
    )  # fmt: skip


def quartile(seconds: list[float]) -> float:
    """Return the lower quartile: what a run costs when nothing else wants the cores."""
    return statistics.quantiles(seconds, n=4)[0]


def timed(call: Callable[[], Any]) -> float:
    """Return the seconds that a call takes."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def alternating(ours: Callable[[], float], peer: Callable[[], float]) -> tuple[list[float], list[float]]:
    """Return what both answer in each round, seconds; the two take turns, so that a busy machine slows both.

    They must work in the same thread: torch keeps a team of threads for each, and on two cores two teams are in each other's way.
    """
    ours(), peer()
    rounds = [(ours(), peer()) for _ in range(ROUNDS)]
    return [first for first, _ in rounds], [second for _, second in rounds]


def sixteen_boxes(model: Any, bare: Callable[..., Callable[[], Any]], embedding: Any, name: str) -> Row:
    """Measure sixteen boxes one by one, each a step of progress, against as many bare decoder calls."""
    corners = np.random.default_rng(1).uniform(0, 500, (16, 2)).astype(np.float32)
    prompts = [Prompt(box=np.concatenate([corner, corner + 120])) for corner in corners]
    call, steps, ours, peer = bare(model, embedding), 0, 0.0, 0.0
    for prompt in prompts:
        ours += timed(lambda prompt=prompt: model.segment(embedding, prompt))
        steps, peer = steps + 1, peer + timed(call)
    return Row(
        f"{name}: 16 boxes, {steps} steps of progress", ours, "s", "16 decoder calls alone, alternating", peer,
        f"<= {MOST} x, 16 steps", steps == 16 and ours <= MOST * peer,
    )  # fmt: skip
