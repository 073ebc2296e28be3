"""What the weight-free models reach on BCCD's test images, and how fast they are."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from bench import _bccd as bccd
from bench._row import Row
from tator.models.colour_texture import ColourTexture
from tator.protocols import Prompt
from tator.vision.boxes import crop
from tator.workflows.heads.fit import Crops, train
from tator.workflows.heads.recipe import HeadRecipe

FACTS = {5: 0.812, 20: 0.826, 205: 0.830}  # facts/models.md section 6: ridge on 5, 20 and all images
TARGETS = {5: 0.80, 20: 0.81, 205: 0.815}


def rows() -> Iterator[Row]:
    """Measure refiner, clicks, head and their times."""
    if not bccd.FOLDER.is_dir():
        return
    test = bccd.load("test")
    with tempfile.TemporaryDirectory() as folder:
        for count, target in TARGETS.items():
            model = bccd.train_refiner(count, Path(folder) / f"{count}.safetensors")
            before = bccd.overlaps(bccd.loose, test).mean()
            after = bccd.overlaps(lambda one, rng, m=model: bccd.tweaked(m, one, rng), test).mean()
            name = f"tweak, BCCD test boxes 15% off, {count} training images"
            promise = f">= {target} (facts {FACTS[count]})"
            yield Row(name, float(after), "mean IoU", "before", float(before), promise, bool(after >= target))
        yield from refiner_rows(model, test)
        yield from speed_rows(model, test[0])
    yield from head_rows()


def refiner_rows(model: bccd.RidgeBox, test: tuple) -> Iterator[Row]:
    """Measure exact boxes and clicks."""
    exact = bccd.overlaps(lambda one, rng: bccd.tweaked(model, one, rng, 0.0), test).mean()
    name = "tweak of exact boxes, BCCD: it makes them worse, so it never runs by itself"
    yield Row(name, float(exact), "mean IoU", "before", 1.0, ">= 0.85", bool(exact >= 0.85))
    classes = np.concatenate([one.class_id for one in test])
    prior = bccd.overlaps(lambda one, rng: bccd.typical(bccd.load("train"), one), test)
    for title, noise, with_class, target in (
        ("at the centre", 0.0, True, 0.80),
        ("10% off the centre", 0.1, True, 0.78),
        ("10% off, no class chosen", 0.1, False, 0.74),
    ):
        found = bccd.overlaps(lambda one, rng, n=noise, w=with_class: bccd.clicked(model, one, rng, n, w), test)
        per_class = ", ".join(f"{name} {found[classes == k].mean():.2f}" for k, name in enumerate(bccd.NAMES))
        name, mean = f"click {title} -> box, BCCD test ({per_class})", float(found.mean())
        peer = "mean class size at the very centre"
        yield Row(name, mean, "mean IoU", peer, float(prior.mean()), f">= {target}", mean >= target)


def speed_rows(model: bccd.RidgeBox, one: bccd.Labelled) -> Iterator[Row]:
    """Measure the time of one box, 100 boxes and a click, image already encoded."""
    embedding = model.embed(one.pixels)
    hundred = np.tile(one.xyxy, (100, 1))[:100]
    prompt = Prompt(np.array([[200, 200]], np.float32), np.ones(1, bool), None, 1)
    for name, target, run in (
        ("tweak of one box", 15.0, lambda: model.refine(embedding, hundred[:1])),
        ("tweak of 100 boxes", 150.0, lambda: model.refine(embedding, hundred)),
        ("click -> box", 15.0, lambda: model.segment(embedding, prompt)),
    ):
        took = median_ms(run)
        yield Row(f"{name}, 640 x 480, median of 30", took, "ms", target=f"<= {target:g} ms", holds=took <= target)


def median_ms(run: Callable[[], object], rounds: int = 30) -> float:
    """Return the median time of a call after one to warm up."""
    run()
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return float(np.median(times) * 1_000)


def bccd_crops() -> tuple[Crops, float]:
    """Return the encoded boxes of train and test, and the milliseconds a crop took."""
    encoder, parts, spent = ColourTexture(None, "cpu"), [], 0.0
    for split in ("train", "test"):
        for number, one in enumerate(bccd.load(split)):
            started = time.perf_counter()
            features = encoder.encode([crop(one.pixels, box) for box in one.xyxy])
            spent += time.perf_counter() - started
            names = np.array([bccd.NAMES[k] for k in one.class_id])
            image = number + 1_000 * (split == "test")
            parts.append((features, names, np.full(len(names), image), np.full(len(names), split)))
    crops = Crops(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    return crops, spent / len(crops) * 1_000


def head_rows() -> Iterator[Row]:
    """Measure a head on BCCD's own split."""
    crops, per_crop_ms = bccd_crops()
    work = train(crops, ("colour_texture", 1), HeadRecipe())
    try:
        while True:
            next(work)
    except StopIteration as end:
        report = end.value[1]
    accuracy, majority = report["accuracy"], report["majority_accuracy"]
    name, peer = "head, BCCD test boxes, trained on train.txt", "always the largest class"
    yield Row(name, accuracy, "accuracy", peer, majority, ">= 0.95", accuracy >= 0.95)
    yield Row("colour_texture encoder, per crop", per_crop_ms, "ms", target="<= 4 ms", holds=per_crop_ms <= 4)
