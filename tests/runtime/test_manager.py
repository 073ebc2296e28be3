"""The model manager: lending, budget, eviction, and loads that do not wait for each other."""

from __future__ import annotations

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tator.protocols import Card
from tator.runtime import manager, registry
from tator.runtime.manager import ModelManager
from tator.types import BadInput, NotFound, Unavailable


class Blank:
    """A backend that holds nothing; the tests watch when it is made."""

    made: list[str] = []
    gate: threading.Event | None = None
    dim = 1

    def __init__(self, weights, device):
        if self.gate:
            assert self.gate.wait(10)
        self.made.append(self.card.id)
        self.text = weights.read_text() if weights else ""

    def encode(self, crops):
        return crops


def backend(card_id: str, mb: int, **more) -> type:
    facts = {name: more.pop(name) for name in ("weights", "requires") if name in more}
    card = Card(card_id, task="encode", label=card_id, vram_mb=mb, **facts)
    return type(card_id, (Blank,), {"card": card, "made": [], **more})


@pytest.fixture
def add(monkeypatch):
    """Add backends to those of the product for one test."""
    known = dict(registry.backends())
    monkeypatch.setattr(registry, "backends", lambda: known)

    def adding(card_id: str, mb: int = 0, **more) -> type:
        known[card_id] = backend(card_id, mb, **more)
        return known[card_id]

    return adding


def test_a_model_is_loaded_once_and_lent_again(add):
    cls, models = add("one", 10), ModelManager("cpu", 100)
    with models.use("one") as first, models.use("one") as second:
        assert first is second
    assert cls.made == ["one"]
    row = models.loaded()[0]
    assert (row["id"], row["mb"], row["device"], row["uses"], row["is_lent"]) == ("one", 10, "cpu", 2, False)
    assert row["last_used"] <= time.time()


def test_the_least_recently_used_model_makes_room(add):
    for name in "abc":
        add(name, 40)
    models = ModelManager("cpu", 100)
    for name in "abac":
        with models.use(name):
            pass
    assert {row["id"] for row in models.loaded()} == {"a", "c"}


def test_a_lent_model_is_never_unloaded(add):
    add("held", 60), add("other", 60)
    models = ModelManager("cpu", 100)
    with models.use("held") as model:
        assert models.unload_all() == []
        assert models.loaded()[0]["is_lent"]
        done = threading.Event()

        def borrow() -> None:
            with models.use("other"):
                done.set()

        thread = threading.Thread(target=borrow)
        thread.start()
        assert not done.wait(0.2), "the budget holds one of the two"
        assert model.text == ""
    assert done.wait(10), "it takes its turn when the first comes back"
    thread.join()
    assert [row["id"] for row in models.loaded()] == ["other"]


@pytest.mark.slow
def test_two_that_do_not_fit_together_take_turns_under_load(add):
    add("left", 60), add("right", 60)
    models, most = ModelManager("cpu", 100), []

    def borrow(turn: int) -> str:
        with models.use("left" if turn % 2 else "right") as model:
            most.append(sum(row["mb"] for row in models.loaded()))
            return model.card.id

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(borrow, range(40)))
    assert found == ["right", "left"] * 20 and max(most) <= 60


def test_what_does_not_come_back_is_told(add, monkeypatch):
    monkeypatch.setattr(manager, "WAIT_S", 0.1)
    add("held", 60), add("other", 60)
    models = ModelManager("cpu", 100)
    with models.use("held"), pytest.raises(Unavailable, match="held still in use"), models.use("other"):
        pass
    with pytest.raises(Unavailable, match="needs 500 MB"), models.use(add("huge", 500).card.id):
        pass


def test_loading_one_does_not_block_lending_another(add):
    slow, models = add("slow", 10, gate=threading.Event()), ModelManager("cpu", 100)
    add("fast", 10)
    with ThreadPoolExecutor(1) as pool:

        def load() -> None:
            with models.use("slow"):
                pass

        waiting = pool.submit(load)
        with models.use("fast"):
            assert not waiting.done()
        assert [row["id"] for row in models.loaded()] == ["fast"]
        slow.gate.set()
        waiting.result(10)


@pytest.mark.parametrize(("is_exclusive", "together"), [(False, 4), (True, 1)])
def test_threads_share_a_model_unless_it_says_otherwise(add, is_exclusive, together):
    add("one", 1, is_exclusive=is_exclusive)
    models, inside, most = ModelManager("cpu", 10), [], []
    meet = threading.Barrier(together)

    def borrow(turn: int) -> None:
        with models.use("one"), models.use("one"):
            inside.append(turn)
            most.append(len(inside))
            meet.wait(10)
            time.sleep(0.001)
            inside.remove(turn)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(borrow, range(8)))
    assert max(most) == together and models.loaded()[0]["uses"] == 16


def test_a_click_is_answered_while_another_image_is_encoded(add):
    add("one", 1)
    models, encoding, answered = ModelManager("cpu", 10), threading.Event(), threading.Event()

    def encode() -> None:
        with models.use("one"):
            encoding.set()
            assert answered.wait(10)

    with ThreadPoolExecutor(1) as pool:
        busy = pool.submit(encode)
        assert encoding.wait(10)
        with models.use("one"):
            answered.set()
        busy.result(10)


@pytest.mark.slow
def test_unloading_under_load_takes_what_comes_back(add):
    add("lent", 30), add("idle", 20)
    models, borrowed, done = ModelManager("cpu", 100), threading.Event(), threading.Event()
    with models.use("idle"):
        pass

    def work() -> str:
        with models.use("lent") as model:
            borrowed.set()
            assert done.wait(10)
            return model.card.id

    with ThreadPoolExecutor(1) as pool:
        busy = pool.submit(work)
        assert borrowed.wait(10)
        assert [row["id"] for row in models.unload_all()] == ["idle"], "the lent one stays usable"
        assert [row["id"] for row in models.loaded()] == ["lent"]
        threading.Timer(0.05, done.set).start()
        assert [row["id"] for row in models.unload_all(wait_s=10)] == ["lent"] and models.loaded() == []
        assert busy.result(10) == "lent"
    with models.use("lent"):
        assert models.loaded()[0]["mb"] == 30, "and is loaded again when it is asked for"


def test_running_out_of_memory_is_told(add):
    add("one", 1)
    models = ModelManager("cpu", 10)
    with pytest.raises(Unavailable, match="one ran out of memory on cpu; unload"), models.use("one"):
        raise MemoryError
    with pytest.raises(RuntimeError, match="another"), models.use("one"):
        raise RuntimeError("another")


def test_a_gpu_that_torch_cannot_drive_gives_way_to_the_cpu(add):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    add("large", 1, requires=("torch",)), add("plain", 1)
    models = ModelManager("cuda", 10)
    with models.use("plain"):
        assert models.device == "cuda" and not models.fallback, "nothing has asked for torch yet"
    with models.use("large"):
        assert models.device == "cpu" and models.fallback.endswith("models run on the CPU")
    assert "CUDA" in models.fallback


def test_new_weights_at_the_same_path_are_loaded_anew(add, tmp_path):
    cls, models, file = add("one", 10, weights="trained"), ModelManager("cpu", 100), tmp_path / "w"
    import os

    for turn, text in enumerate(("old", "new")):
        file.write_text(text)
        os.utime(file, ns=(turn, turn))
        with models.use("one", file) as model:
            assert model.text == text
    assert len(cls.made) == 2 and len(models.loaded()) == 1


def test_a_failed_load_leaves_nothing_behind(add, tmp_path):
    class Wrong(Exception): ...

    def fail(self, weights, device):
        raise Wrong

    cls, models = add("one", 90, __init__=fail), ModelManager("cpu", 100)
    with pytest.raises(Wrong), models.use("one"):
        pass
    assert models.loaded() == []
    cls.__init__ = Blank.__init__
    with models.use("one"):
        assert models.loaded()[0]["mb"] == 90


def test_what_is_missing_is_told(add, tmp_path):
    add("packaged", requires=("no_such_package",)), add("trained", weights="trained")
    models = ModelManager("cpu")
    with pytest.raises(NotFound, match="nothing_here"), models.use("nothing_here"):
        pass
    with pytest.raises(Unavailable, match="pip install no_such_package"), models.use("packaged"):
        pass
    with pytest.raises(Unavailable, match="train it"), models.use("trained"):
        pass
    with pytest.raises(Unavailable, match="gone.bin"), models.use("trained", tmp_path / "gone.bin"):
        pass


def test_unload_all_frees_everything_idle(add):
    add("a", 10), add("b", 20)
    models = ModelManager("cpu", 100)
    for name in "ab":
        with models.use(name):
            pass
    assert {row["id"]: row["mb"] for row in models.unload_all()} == {"a": 10, "b": 20}
    assert models.loaded() == []


def test_devices_are_named_or_refused():
    assert ModelManager("auto").device in ("cpu", "cuda", "mps")
    assert ModelManager("cuda:1").device == "cuda:1"
    with pytest.raises(BadInput, match="gpu"):
        ModelManager("gpu")


def test_packages_are_imported_by_one_load_at_a_time(add, tmp_path, monkeypatch):
    """Python gives two threads that import from one circle of modules half-made ones."""
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("heavy_one", "heavy_two"):
        (tmp_path / f"{name}.py").write_text(
            "import time\nsince = time.monotonic()\ntime.sleep(0.2)\nuntil = time.monotonic()\n"
        )
        add(name, 10, requires=(name,))
    (tmp_path / "broken_one.py").write_text("from json import nothing_of_the_kind")
    add("broken", 10, requires=("broken_one",))
    models = ModelManager("cpu", 100)

    def borrow(card_id: str) -> None:
        with models.use(card_id):
            pass

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(borrow, ("heavy_one", "heavy_two")))
    first, second = sorted((sys.modules[name] for name in ("heavy_one", "heavy_two")), key=lambda module: module.since)
    assert first.until <= second.since
    with pytest.raises(Unavailable, match="broken needs broken_one, which does not load: cannot import name"):
        borrow("broken")
    assert {row["id"] for row in models.loaded()} == {"heavy_one", "heavy_two"}
    for name in ("heavy_one", "heavy_two"):
        monkeypatch.delitem(sys.modules, name)
