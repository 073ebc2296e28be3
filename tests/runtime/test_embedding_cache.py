"""The cache of encoded images: made once, ahead, in order, stopped when stale, never over budget, also under many threads."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import numpy as np
import pytest

from tator.protocols import Prompt, listening, report_blocks
from tator.runtime.embedding_cache import EmbeddingCache
from tator.runtime.prefetching import PrefetchRequest
from tator.types import BadInput, Unavailable

MB = 2**20


@dataclass(frozen=True)
class Value:
    name: str
    nbytes: int = MB


class Encoder:
    """Counts encodes and runs through blocks that a test opens one by one."""

    def __init__(self, blocks: int = 4, is_open: bool = True):
        self.blocks, self.made, self.begun = blocks, [], []
        self.gate = threading.Event()
        if is_open:
            self.gate.set()
        hooks = []
        self.hooks = hooks
        report_blocks([Block(hooks) for _ in range(blocks)])

    def make(self, name, nbytes=MB):
        def run():
            self.begun.append(name)
            for hook in self.hooks:
                hook(None, None)
                assert self.gate.wait(10)
            self.made.append(name)
            return Value(name, nbytes)

        return run

    def want(self, *names, nbytes=MB):
        order = ("current", "next", "previous")
        return [PrefetchRequest(order[i], f"{n}.jpg", n, self.make(n, nbytes)) for i, n in enumerate(names)]


class Block:
    """A torch module as far as hooks go."""

    def __init__(self, hooks):
        self.hooks = hooks

    def register_forward_pre_hook(self, hook):
        self.hooks.append(hook)


def until(condition, timeout_s=10.0):
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.002)


def test_a_value_is_made_once_and_reused():
    cache, encoder = EmbeddingCache(), Encoder()
    assert [cache.get("a", encoder.make("a")).name for _ in range(20)] == ["a"] * 20
    assert encoder.made == ["a"]
    assert cache.stats() | {"hits": 19, "misses": 1, "made": 1, "slots": 1, "bytes": MB} == cache.stats()


def test_many_threads_that_ask_at_once_share_one_encode():
    cache, encoder, got = EmbeddingCache(), Encoder(is_open=False), []
    threads = [threading.Thread(target=lambda: got.append(cache.get("a", encoder.make("a")))) for _ in range(16)]
    for thread in threads:
        thread.start()
    until(lambda: encoder.begun)
    encoder.gate.set()
    for thread in threads:
        thread.join(10)
    assert encoder.begun == ["a"] and len(got) == 16 and len({id(value) for value in got}) == 1


def test_the_next_image_is_ready_before_it_is_asked_for():
    cache, encoder = EmbeddingCache(), Encoder()
    cache.prefetch(encoder.want("a", "b", "c"))
    assert cache.wait(10)
    assert encoder.made == ["a", "b", "c"], "current first, then in the direction of travel"
    assert [row["state"] for row in cache.status()] == ["ready"] * 3
    cache.get("b", encoder.make("b"))
    assert encoder.made == ["a", "b", "c"] and cache.stats()["hits"] == 1


@pytest.mark.parametrize(("images", "made"), [(1, ["a"]), (2, ["a", "b"]), (3, ["a", "b", "c"])])
def test_the_budget_of_images_is_kept(images, made):
    cache, encoder = EmbeddingCache(images=images), Encoder()
    cache.prefetch(encoder.want("a", "b", "c"))
    assert cache.wait(10) and encoder.made == made
    assert [row["slot"] for row in cache.status()] == ["current", "next", "previous"][:images]


@pytest.mark.parametrize(("budget_mb", "images"), [(0, 1), (10, 0), (10, 4)])
def test_limits_out_of_range_are_refused(budget_mb, images):
    with pytest.raises(BadInput):
        EmbeddingCache().resize(budget_mb, images)


def test_a_click_waits_for_the_running_encode():
    cache, encoder, got = EmbeddingCache(), Encoder(is_open=False), []
    cache.prefetch(encoder.want("a"))
    until(lambda: encoder.begun)
    clicks = [threading.Thread(target=lambda: got.append(cache.get("a", encoder.make("a")))) for _ in range(3)]
    for click in clicks:
        click.start()
    time.sleep(0.05)
    assert not got
    encoder.gate.set()
    for click in clicks:
        click.join(10)
    assert encoder.begun == ["a"] and len(got) == 3


def test_a_stale_encode_stops_and_the_current_one_runs():
    cache, encoder = EmbeddingCache(), Encoder(is_open=False)
    cache.prefetch(encoder.want("a", "b"))
    until(lambda: encoder.begun == ["a"])
    cache.prefetch(encoder.want("x", "y"))
    encoder.gate.set()
    assert cache.wait(10)
    assert encoder.made == ["x", "y"] and encoder.begun == ["a", "x", "y"]
    assert cache.stats()["stopped"] == 1


def test_a_stale_encode_that_somebody_waits_for_goes_on():
    cache, encoder, got = EmbeddingCache(), Encoder(is_open=False), []
    cache.prefetch(encoder.want("a"))
    until(lambda: encoder.begun)
    click = threading.Thread(target=lambda: got.append(cache.get("a", encoder.make("a"))))
    click.start()
    until(lambda: cache._running["a"].waiters == 1)
    cache.prefetch(encoder.want("x"))
    encoder.gate.set()
    click.join(10)
    assert [value.name for value in got] == ["a"] and encoder.begun[0] == "a" and cache.stats()["stopped"] == 0


def test_answers_belong_to_the_image_that_was_asked_for():
    """Whatever is requested, stopped and asked for in between, a key brings its own value."""
    cache, encoder, wrong = EmbeddingCache(budget_mb=3), Encoder(blocks=2), []

    def person(seed):
        rng = np.random.default_rng(seed)
        for _ in range(60):
            name = f"image{rng.integers(6)}"
            cache.prefetch(encoder.want(name, f"image{rng.integers(6)}"))
            if cache.get(name, encoder.make(name)).name != name:
                wrong.append(name)

    people = [threading.Thread(target=person, args=(seed,)) for seed in range(6)]
    for one in people:
        one.start()
    for one in people:
        one.join(60)
    assert not wrong and not any(one.is_alive() for one in people)
    assert cache.wait(10) and cache.stats()["bytes"] <= 3 * MB


def test_progress_is_the_share_of_blocks_begun():
    cache, encoder, shares = EmbeddingCache(), Encoder(blocks=4), []
    encoder.hooks.append(lambda *_: shares.append(cache.status()[0]["progress"]))
    cache.prefetch(encoder.want("a"))
    assert cache.wait(10)
    assert shares == [0.75], "asked for after the last of four blocks has begun"
    assert cache.status()[0] | {"state": "ready", "progress": 1.0, "name": "a.jpg"} == cache.status()[0]


def test_progress_is_seen_while_it_runs():
    cache, encoder = EmbeddingCache(), Encoder(blocks=2, is_open=False)
    cache.prefetch(encoder.want("a", "b"))
    until(lambda: encoder.begun)
    assert [(row["state"], row["progress"]) for row in cache.status()] == [("encoding", 0.0), ("waiting", 0.0)]
    encoder.gate.set()
    assert cache.wait(10)


def test_bytes_are_bounded_and_requests_outlive_the_rest():
    cache, encoder = EmbeddingCache(budget_mb=4), Encoder()
    for i in range(10):
        cache.get(f"old{i}", encoder.make(f"old{i}"))
    assert cache.stats()["bytes"] == 4 * MB
    cache.prefetch(encoder.want("a", "b", "c"))
    assert cache.wait(10)
    cache.get("new", encoder.make("new"))
    assert [row["state"] for row in cache.status()] == ["ready"] * 3
    cache.resize(2, 3)
    assert [row["state"] for row in cache.status()][0] == "ready" and cache.stats()["bytes"] <= 2 * MB


def test_a_request_larger_than_the_memory_is_not_made_again_and_again():
    cache, encoder = EmbeddingCache(budget_mb=2), Encoder()
    cache.prefetch(encoder.want("a", "b", "c", nbytes=2 * MB))
    assert cache.wait(10)
    assert encoder.made == ["a", "b", "c"] and cache.stats()["bytes"] <= 2 * MB
    assert [row["state"] for row in cache.status()] == ["ready", "failed", "failed"], "the current image stays"


def test_a_failure_is_shown_not_kept_and_tried_again():
    cache, calls = EmbeddingCache(), []

    def make():
        calls.append(1)
        if len(calls) < 3:
            raise Unavailable("no weights for this one")
        return Value("a")

    cache.prefetch([PrefetchRequest("current", "a.jpg", "a", make)])
    assert cache.wait(10)
    assert cache.status()[0] | {"state": "failed", "message": "no weights for this one"} == cache.status()[0]
    with pytest.raises(Unavailable, match="no weights"):
        cache.get("a", make)
    assert cache.get("a", make).name == "a" and cache.status()[0]["state"] == "ready"


def test_a_bug_in_the_worker_leaves_it_able_to_work(monkeypatch):
    cache, encoder, seen = EmbeddingCache(), Encoder(), []
    monkeypatch.setattr(threading, "excepthook", lambda args: seen.append(args.exc_type))
    cache.prefetch([PrefetchRequest("current", "a.jpg", "a", lambda: {}["missing"])])
    assert cache.wait(10) and seen == [KeyError]
    cache.prefetch(encoder.want("b"))
    assert cache.wait(10) and encoder.made == ["b"]


def test_clear_frees_and_stops():
    cache, encoder = EmbeddingCache(), Encoder(is_open=False)
    cache.get("a", lambda: Value("a"))
    cache.prefetch(encoder.want("b"))
    until(lambda: encoder.begun)
    assert cache.clear() == MB
    encoder.gate.set()
    assert cache.wait(10) and encoder.made == [] and cache.stats()["slots"] == 0 and cache.status() == []


def test_blocks_are_silent_without_a_listener():
    encoder, seen = Encoder(blocks=3), []
    encoder.make("a")()
    with listening(lambda begun, total: seen.append((begun, total))):
        encoder.make("a")()
    assert seen == [(0, 3), (1, 3), (2, 3)]


# -- with a real encoder ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sam():
    from tator.models.sam2 import Sam2Tiny
    from tests import tiny

    return Sam2Tiny(tiny.sam2(), "cpu")


def test_the_first_click_on_a_prefetched_image_encodes_nothing(sam):
    from tests import tiny

    runs, cache = [], EmbeddingCache()
    handle = sam._model.vision_encoder.register_forward_hook(lambda *_: runs.append(1))
    images = {name: tiny.picture(seed=i) for i, name in enumerate("abc")}
    requests = [
        PrefetchRequest(s, n, n, lambda n=n: sam.embed(images[n]))
        for s, n in zip(("current", "next", "previous"), "abc", strict=True)
    ]
    try:
        cache.prefetch(requests)
        assert cache.wait(30) and len(runs) == 3
        for request in requests:
            for x in range(7):
                embedding = cache.get(request.key, request.make)
                sam.segment(embedding, Prompt(np.array([[x * 9, 40]], np.float32), np.array([True])))
        assert len(runs) == 3 and cache.stats()["hits"] == 21
    finally:
        handle.remove()


def test_a_real_encoder_stops_between_blocks(sam):
    from tests import tiny

    cache, ended, began = EmbeddingCache(), [], threading.Event()
    last = sam._model.vision_encoder.register_forward_hook(lambda *_: ended.append(1))
    first = sam._model.vision_encoder.backbone.blocks[0].register_forward_hook(
        lambda *_: began.set() or time.sleep(0.3)
    )
    try:
        cache.prefetch([PrefetchRequest("current", "a", "a", lambda: sam.embed(tiny.picture()))])
        assert began.wait(10)
        cache.prefetch([])
        assert cache.wait(10)
    finally:
        first.remove(), last.remove()
    assert not ended and cache.stats()["stopped"] == 1


def test_embeddings_outlive_the_program_on_disk(sam, tmp_path):
    from tator.runtime.embedding_shelf import EmbeddingShelf
    from tests import tiny

    image, prompt = tiny.picture(97, 151), Prompt(box=np.array([5, 5, 60, 90], np.float32))
    before = EmbeddingCache(shelf=EmbeddingShelf(tmp_path / "cache"))
    made = sam.segment(before.get(("sam2", "a"), lambda: sam.embed(image)), prompt)

    def never():
        raise AssertionError("it is on disk")

    after = EmbeddingCache(shelf=EmbeddingShelf(tmp_path / "cache"))
    again = after.get(("sam2", "a"), never)
    assert (again.width, again.height, again.backend) == (97, 151, "sam2_tiny") and after.stats()["from_disk"] == 1
    assert again.precision == "float32"
    found = sam.segment(again, prompt)
    np.testing.assert_array_equal(found.xyxy, made.xyxy)
    np.testing.assert_array_equal(found.mask[0].data, made.mask[0].data)
    file = next((tmp_path / "cache").glob("*.safetensors"))
    file.write_bytes(file.read_bytes()[:500])
    assert (
        EmbeddingCache(shelf=EmbeddingShelf(tmp_path / "cache")).get(("sam2", "a"), lambda: sam.embed(image)).width
        == 97
    )


def test_the_precision_of_an_embedding_outlives_the_program(tmp_path):
    import torch

    from tator.protocols import Embedding
    from tator.runtime.embedding_shelf import EmbeddingShelf

    shelf = EmbeddingShelf(tmp_path)
    shelf.save("key", Embedding("sam2_tiny", 1, 1, {"level0": torch.zeros(1)}, 4, "bfloat16"))
    assert shelf.load("key").precision == "bfloat16"


def test_the_disk_is_bounded_and_a_full_one_stops_nobody(tmp_path, monkeypatch):
    import safetensors.torch
    import torch

    from tator.protocols import Embedding
    from tator.runtime.embedding_shelf import EmbeddingShelf

    features = {"level0": torch.zeros(300_000 // 4)}
    cache = EmbeddingCache(shelf=EmbeddingShelf(tmp_path, budget_mb=1))
    for i in range(6):
        cache.get(i, lambda: Embedding("sam2_tiny", 1, 1, features, 300_000))
    files = list(tmp_path.iterdir())
    assert len(files) == 3 and sum(file.stat().st_size for file in files) <= MB

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(safetensors.torch, "save_file", full)
    assert cache.get("more", lambda: Embedding("sam2_tiny", 1, 1, features, 300_000)).width == 1
