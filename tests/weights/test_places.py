"""Weights: what is said when they are missing, gated, offline, cut, partial or hostile; download and import."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tator.models.clip import ClipB16, ClipB32, ClipL14
from tator.models.dino import Dinov2Small, Dinov3Small
from tator.models.owlv2 import Owlv2Base
from tator.models.sam1 import MobileSam, Sam1B
from tator.models.sam2 import Sam2BasePlus, Sam2Large, Sam2Small, Sam2Tiny
from tator.models.sam3 import Sam3, Sam3Clicks
from tator.models.sam3_meta import Sam3Meta
from tator.types import BadInput, NotFound, Unavailable
from tator.weights.download import Network
from tator.weights.places import locate, place_of, state_of
from tator.weights.transfers import download, import_local
from tests import tiny
from tests.weights.test_download import Server, drive

HOME = Network(cache=None)


@pytest.fixture
def hub():
    made = Server()
    yield made
    made.shutdown()
    made.server_close()


def publish(server: Server, repo: str, folder: Path, extra: dict | None = None) -> Network:
    """Put a folder on the server as the hub would, and return the settings that point there."""
    files = {file.name: file.read_bytes() for file in sorted(folder.iterdir())} | (extra or {})
    siblings = [{"rfilename": name, "size": len(data)} for name, data in files.items()]
    server.files = {f"/{repo}/resolve/abc/{name}": data for name, data in files.items()}
    server.files[f"/api/models/{repo}"] = json.dumps({"sha": "abc", "siblings": siblings}).encode()
    return Network(hub=server.url, cache=None)


# -- states and words ------------------------------------------------------------------------------------------------


def test_missing_weights_say_what_and_where(tmp_path):
    found = state_of(Sam2Tiny.card, tmp_path, HOME)
    assert found.state == "missing" and found.path is None
    page, place = "https://huggingface.co/facebook/sam2.1-hiera-tiny", str(place_of(Sam2Tiny.card, tmp_path))
    for part in ("SAM 2.1 tiny", "160 MB", "Apache-2.0", page, "HF_ENDPOINT", "HTTPS_PROXY", place, "config.json"):
        assert part in found.message
    with pytest.raises(Unavailable) as caught:
        locate(Sam2Tiny.card, tmp_path, HOME)
    assert str(caught.value) == found.message and caught.value.details == {"state": "missing"}


def test_gated_weights_say_how_to_be_let_in(tmp_path):
    found = state_of(Sam3.card, tmp_path, HOME)
    assert found.state == "gated"
    for part in ("licence", "https://huggingface.co/facebook/sam3", "settings/tokens", "HF_TOKEN"):
        assert part in found.message
    assert state_of(Sam3.card, tmp_path, replace(HOME, token="t")).state == "missing"


def test_offline_machines_are_told_to_copy(tmp_path):
    network = replace(HOME, offline=True)
    found = state_of(Sam1B.card, tmp_path, network)
    assert found.state == "offline"
    for part in ("HF_HUB_OFFLINE", "sam_vit_b_01ec64.pth", str(tmp_path / "sam1_vit_b")):
        assert part in found.message
    with pytest.raises(Unavailable, match="set to work offline"):
        drive(download(Sam1B.card, tmp_path, network))


def test_cards_without_weights_need_nothing(tmp_path):
    bare, trained = replace(Sam1B.card, weights=""), replace(Sam1B.card, weights="trained")
    assert state_of(bare, tmp_path, HOME).state == "not_needed" and state_of(trained, tmp_path, HOME).state == "trained"
    assert locate(bare, tmp_path, HOME) is None
    for work in (download(bare, tmp_path, HOME), import_local(bare, tmp_path, tmp_path)):
        with pytest.raises(BadInput, match="needs no"):
            drive(work)


def test_one_download_of_sam3_serves_its_cards(tmp_path):
    places = {place_of(backend.card, tmp_path) for backend in (Sam3, Sam3Clicks, Sam3Meta)}
    assert places == {tmp_path / "facebook--sam3"}


def test_the_hub_librarys_own_cache_is_used(tmp_path):
    repository = tmp_path / "hub" / "models--facebook--sam2.1-hiera-tiny"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("abc")
    (repository / "snapshots").mkdir()
    tiny.copy_of(tiny.sam2(), repository / "snapshots").rename(repository / "snapshots" / "abc")
    network = replace(HOME, cache=tmp_path / "hub")
    assert locate(Sam2Tiny.card, tmp_path / "models", network) == repository / "snapshots" / "abc"
    assert isinstance(Sam2Tiny(locate(Sam2Tiny.card, tmp_path / "models", network), "cpu"), Sam2Tiny)


# -- download --------------------------------------------------------------------------------------------------------


def test_download_load_and_prompt_through_the_hub(hub, tmp_path):
    network = publish(
        hub, "facebook/sam2.1-hiera-tiny", tiny.sam2(), {"sam2.1_hiera_tiny.pt": b"x" * 1000, "README.md": b"#"}
    )
    steps, path = drive(download(Sam2Tiny.card, tmp_path, network))
    assert steps[-1].done == steps[-1].total > 0 and [s.done for s in steps] == sorted(s.done for s in steps)
    assert not any(seen[0].endswith((".pt", ".md")) for seen in hub.seen), "only what the card reads is fetched"
    found = state_of(Sam2Tiny.card, tmp_path, replace(network, offline=True))
    assert found.state == "present" and str(found.path) == path
    assert Sam2Tiny(found.path, "cpu").embed(tiny.picture()).width == 160
    before = len(hub.seen)
    drive(download(Sam2Tiny.card, tmp_path, network))
    assert len(hub.seen) == before + 1, "a complete download only asks for the list"


def test_a_cancelled_download_is_not_present_and_continues(hub, tmp_path):
    network = publish(hub, "facebook/sam3", tiny.sam3())
    card = replace(Sam3.card, gated=False)
    work = download(card, tmp_path, network)
    for step in work:
        if step.message == "model.safetensors":
            break
    work.close()
    assert state_of(card, tmp_path, network).state == "missing"
    hub.seen.clear()
    drive(download(card, tmp_path, network))
    assert state_of(card, tmp_path, network).state == "present"
    assert "/facebook/sam3/resolve/abc/config.json" not in [seen[0] for seen in hub.seen]


def test_a_gated_repository_says_how_to_be_let_in(hub, tmp_path):
    network = replace(publish(hub, "facebook/sam3", tiny.sam3()), token="t")
    hub.refusals = {path: (403, "GatedRepo") for path in hub.files if "resolve" in path}
    with pytest.raises(Unavailable, match="licence is accepted, and the token in HF_TOKEN has no access yet") as caught:
        drive(download(Sam3.card, tmp_path, network))
    assert caught.value.details["state"] == "gated" and hub.seen[-1][2] == "Bearer t"


def test_an_unreachable_hub_says_how_to_do_without(tmp_path):
    with pytest.raises(Unavailable, match="127.0.0.1 cannot be reached.*Or copy config.json and model"):
        drive(download(Sam2Tiny.card, tmp_path, Network(hub="http://127.0.0.1:9", cache=None)))


def test_a_repository_without_the_files_is_named(hub, tmp_path):
    network = publish(hub, "facebook/sam2.1-hiera-tiny", tiny.sam2())
    del hub.files["/api/models/facebook/sam2.1-hiera-tiny"]
    with pytest.raises(NotFound, match="facebook/sam2.1-hiera-tiny does not exist"):
        drive(download(Sam2Tiny.card, tmp_path, network))
    hub.files["/api/models/facebook/sam2.1-hiera-tiny"] = b'{"siblings": [{"rfilename": "README.md"}]}'
    with pytest.raises(Unavailable, match="does not hold config.json"):
        drive(download(Sam2Tiny.card, tmp_path, network))


def test_a_file_that_shrank_after_it_came_is_corrupt(hub, tmp_path):
    network = publish(hub, "facebook/sam2.1-hiera-tiny", tiny.sam2())
    drive(download(Sam2Tiny.card, tmp_path, network))
    file = place_of(Sam2Tiny.card, tmp_path) / "config.json"
    file.write_text(file.read_text()[:-40])
    found = state_of(Sam2Tiny.card, tmp_path, network)
    assert found.state == "corrupt" and "config.json" in found.message and "fetch it again" in found.message
    drive(download(Sam2Tiny.card, tmp_path, network))
    assert state_of(Sam2Tiny.card, tmp_path, network).state == "present"


# -- import ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("backend", "weights"),
    [
        (Sam1B, tiny.sam1),
        (Sam2Tiny, tiny.sam2),
        (Sam3, tiny.sam3),
        (Owlv2Base, tiny.owlv2),
        (ClipB32, tiny.clip),
        (Dinov2Small, tiny.dinov2),
    ],
)
def test_a_local_copy_is_imported_found_and_loaded(backend, weights, tmp_path):
    steps, path = drive(import_local(backend.card, weights(), tmp_path))
    assert steps[-1].done == steps[-1].total
    assert locate(backend.card, tmp_path, replace(HOME, offline=True)) == Path(path)
    backend(Path(path), "cpu")


def test_a_bad_copy_leaves_what_was_there(tmp_path):
    drive(import_local(Sam2Tiny.card, tiny.sam2(), tmp_path))
    other = tiny.copy_of(tiny.sam2(), tmp_path)
    (other / "model.safetensors").write_bytes(b"\x10" + bytes(200))
    with pytest.raises(BadInput, match="model.safetensors"):
        drive(import_local(Sam2Tiny.card, other, tmp_path))
    (other / "config.json").unlink()
    (other / "model.safetensors").unlink()
    with pytest.raises(Unavailable, match="holds none of|is missing"):
        drive(import_local(Sam2Tiny.card, other, tmp_path))
    with pytest.raises(NotFound, match="no such file or folder"):
        drive(import_local(Sam2Tiny.card, tmp_path / "nowhere", tmp_path))
    Sam2Tiny(locate(Sam2Tiny.card, tmp_path, HOME), "cpu")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["facebook--sam2.1-hiera-tiny", "sam2"]


# -- names -----------------------------------------------------------------------------------------------------------


def documented(text: str, *packages: str) -> bool:
    """Whether a library's own source names `text`."""
    import importlib.util

    for package in packages:
        root = Path(importlib.util.find_spec(package).origin).parent
        if any(text in file.read_text(encoding="utf-8", errors="ignore") for file in root.rglob("*.py")):
            return True
    return False


@pytest.mark.parametrize("backend", [Sam2Tiny, Sam3, Sam3Clicks, Owlv2Base, Dinov3Small])
def test_hub_names_are_those_of_the_librarys_documentation(backend):
    family = {"sam2": "sam2", "sam3": "sam3", "owlv2": "owlv2", "dinov3": "dinov3_vit"}
    package = next(value for key, value in family.items() if backend.card.id.startswith(key))
    assert documented(backend.card.weights, f"transformers.models.{package}")


def test_sizes_of_sam2_follow_the_documented_one():
    sizes = [backend.card.weights for backend in (Sam2Tiny, Sam2Small, Sam2BasePlus, Sam2Large)]
    assert sizes == [f"facebook/sam2.1-hiera-{size}" for size in ("tiny", "small", "base-plus", "large")]


@pytest.mark.parametrize("backend", [ClipB32, ClipB16, ClipL14])
def test_clip_names_are_in_open_clips_table(backend):
    from open_clip.pretrained import _PRETRAINED

    named = {tag["hf_hub"].rstrip("/") for tags in _PRETRAINED.values() for tag in tags.values() if "hf_hub" in tag}
    assert backend.card.weights in named


def test_files_of_sam1_are_addresses_with_checksums():
    for backend in (Sam1B, MobileSam):
        assert backend.card.weights.startswith("https://") and len(backend.card.sha256) == 64
