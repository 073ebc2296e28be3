"""Model files: cut, partial and hostile ones are refused by name, and nothing in them runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tator.models.clip import ClipB32
from tator.models.dino import Dinov2Small, Dinov3Small
from tator.models.owlv2 import Owlv2Base
from tator.models.sam1 import Sam1B
from tator.models.sam2 import Sam2Tiny
from tator.models.sam3 import Sam3, Sam3Clicks
from tator.types import BadInput, Unavailable
from tator.weights.checkpoints import check_file, check_loaded, read_tensors
from tator.weights.transfers import import_local
from tests import tiny
from tests.hostile import hostile_files
from tests.weights.test_download import drive


def halved(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    kept = dict(list(tensors.items())[: len(tensors) // 2])
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize(
    ("backend", "weights"),
    [
        (Sam2Tiny, tiny.sam2),
        (Sam3, tiny.sam3),
        (Sam3Clicks, tiny.sam3),
        (Owlv2Base, tiny.owlv2),
        (Dinov2Small, tiny.dinov2),
        (Dinov3Small, tiny.dinov3),
    ],
)
def test_a_checkpoint_without_half_its_tensors_is_refused(backend, weights, tmp_path):
    folder = tiny.copy_of(weights(), tmp_path)
    halved(folder)
    with pytest.raises(
        BadInput, match=rf"{folder.name} would load only in part: \d+ tensors missing \(.*and \d+ more\)"
    ):
        backend(folder, "cpu")


def test_half_a_sam1_and_half_a_clip_are_refused(tmp_path):
    import torch
    from safetensors.torch import load_file, save_file

    state = torch.load(tiny.sam1(), weights_only=True)
    half = {key: value for key, value in state.items() if "transformer.layers.1" not in key}
    torch.save(half, tmp_path / "half.pth")
    with pytest.raises(BadInput, match="half.pth"):
        Sam1B(tmp_path / "half.pth", "cpu")
    torch.save({"layer.weight": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(
        BadInput, match="other.pth is not a SAM checkpoint, or only part of one: it lacks the tensor image_encoder"
    ):
        Sam1B(tmp_path / "other.pth", "cpu")
    folder = tiny.copy_of(tiny.clip(), tmp_path)
    tensors = load_file(folder / "open_clip_model.safetensors")
    tensors.pop("visual.proj")
    save_file(tensors, folder / "open_clip_model.safetensors")
    with pytest.raises(BadInput, match="clip cannot be loaded"):
        ClipB32(folder, "cpu")


@pytest.mark.parametrize(
    ("backend", "weights"), [(Sam2Tiny, tiny.sam2), (Sam3Clicks, tiny.sam3), (Dinov3Small, tiny.dinov3)]
)
@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_cut_safetensors_are_named(backend, weights, share, tmp_path):
    folder = tiny.copy_of(weights(), tmp_path)
    file = folder / "model.safetensors"
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(BadInput, match="model.safetensors is (cut short|not a complete)"):
        backend(folder, "cpu")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.999])
def test_a_cut_pth_is_named(share, tmp_path):
    data = tiny.sam1().read_bytes()
    (tmp_path / "sam.pth").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(BadInput, match="sam.pth is (cut short|a bare pickle or not a torch file)"):
        Sam1B(tmp_path / "sam.pth", "cpu")


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_a_missing_file_of_a_folder_is_named(missing, tmp_path):
    folder = tiny.copy_of(tiny.sam2(), tmp_path)
    (folder / missing).unlink()
    with pytest.raises(Unavailable, match=f"{missing} is missing"):
        Sam2Tiny(folder, "cpu")


def test_nothing_that_could_run_is_opened(tmp_path):
    folder, target = tmp_path / "given", tmp_path / "ran"
    folder.mkdir()
    files = hostile_files(folder, target)
    assert len(files) == 10
    for file in files:
        for attempt in (
            check_file,
            read_tensors,
            lambda f: Sam1B(f, "cpu"),
            lambda f: drive(import_local(Sam1B.card, f, tmp_path / "models")),
        ):
            with pytest.raises(BadInput, match=file.name):
                attempt(file)
    assert not target.exists()
    assert not (tmp_path / "models").exists() or not list((tmp_path / "models").iterdir())


def test_a_payload_is_called_by_its_name(tmp_path):
    hostile_files(tmp_path, tmp_path / "ran")
    with pytest.raises(BadInput, match=r"archive.pth is refused: opening it would run posix.system"):
        check_file(tmp_path / "archive.pth")


def test_loading_info_is_read_in_every_form_the_library_gives():
    check_loaded({"missing_keys": [], "unexpected_keys": ["x"], "mismatched_keys": []}, "m")
    with pytest.raises(
        BadInput, match=r"m would load only in part: 1 tensors missing \(a\); 1 tensors of another shape \(b\)"
    ):
        check_loaded({"missing_keys": {"a"}, "mismatched_keys": {("b", (1,), (2,))}}, "m")
