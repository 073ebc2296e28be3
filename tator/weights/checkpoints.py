"""Open model files without running them; refuse cut, partial and foreign ones."""

from __future__ import annotations

import json
import pickletools
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tator.protocols import Card
from tator.types import BadInput, Unavailable
from tator.weights.class_caches import own_caches

TENSOR_FILES = (".safetensors", ".pth", ".pt")
HEADER_LIMIT = 100_000_000  # bytes; safetensors refuses longer headers
KEYS_SHOWN = 4

# What a pickled dict of tensors needs, and nothing that could act. torch's own weights_only reader
# had holes (CVE-2025-32434, CVE-2026-24747), so the names are read before torch sees the file.
HARMLESS = {
    ("collections", "OrderedDict"), ("torch._utils", "_rebuild_tensor_v2"), ("torch._utils", "_rebuild_parameter"),
    ("torch", "Size"), ("torch", "device"),
    *(("torch", f"{kind}Storage") for kind in "Float Double Half BFloat16 Long Int Short Byte Char Bool".split()),
}  # fmt: skip


def given(card: Card, weights: Path | str | None) -> Path:
    """Return the file or folder of a card's weights.

    Raises:
        Unavailable: there is none.
    """
    if weights is None:
        raise Unavailable(f"{card.id} needs the weights of {card.weights}")
    return Path(weights)


def check_file(path: Path) -> None:
    """Refuse a weight file that is cut, holds no tensors, or would run code.

    Raises:
        BadInput: the message names the file, what it is and what was expected.
    """
    if path.suffix == ".safetensors":
        safetensors_keys(path)
    elif path.suffix in TENSOR_FILES:
        _check_torch_archive(path)
    else:
        raise BadInput(f"{path.name} is not a weight file; expected one of {', '.join(TENSOR_FILES)}")


def safetensors_keys(path: Path) -> list[str]:
    """Return the tensor names of a safetensors file, checked against its length.

    Raises:
        BadInput: not such a file, or cut short.

    Source: https://huggingface.co/docs/safetensors, "Format".
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(HEADER_LIMIT, size - 8):
            raise BadInput(
                f"{path.name} is not a complete safetensors file: its header says {length} bytes, it has {size}"
            )
        try:
            header = json.loads(file.read(length))
            tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
            end = 8 + length + max((entry["data_offsets"][1] for entry in tensors.values()), default=0)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise BadInput(f"{path.name} is not a safetensors file: its header cannot be read") from error
    if size != end:
        raise BadInput(f"{path.name} is cut short or damaged: {size} bytes, its header says {end}. Fetch it again.")
    return list(tensors)


def _check_torch_archive(path: Path) -> None:
    """Refuse a .pth or .pt file unless it is a torch zip archive of plain tensors."""
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            if file.read(2) == b"PK":
                raise BadInput(f"{path.name} is cut short or damaged: its end is missing. Fetch it again.")
        raise BadInput(
            f"{path.name} is a bare pickle or not a torch file at all; opening it could run code. Only torch archives of "
            "plain tensors are read (torch 1.6 or later writes them); save the weights as .safetensors."
        )
    with zipfile.ZipFile(path) as archive:
        pickles = [name for name in archive.namelist() if name.endswith(".pkl")]
        if [name.split("/")[-1] for name in pickles] != ["data.pkl"]:
            raise BadInput(
                f"{path.name} is not a torch archive of tensors: expected one data.pkl in it, found {pickles}"
            )
        if archive.getinfo(pickles[0]).file_size > HEADER_LIMIT:
            raise BadInput(f"{path.name}: its index is larger than {HEADER_LIMIT} bytes")
        foreign = _globals(archive.read(pickles[0]), path.name) - HARMLESS
    if foreign:
        names = ", ".join(sorted(".".join(pair) for pair in foreign)[:KEYS_SHOWN])
        raise BadInput(
            f"{path.name} is refused: opening it would run {names}. Only plain tensors are read; save the weights as "
            ".safetensors."
        )


def _globals(pickled: bytes, name: str) -> set[tuple[str, str]]:
    """Return each (module, name) that unpickling would import, without unpickling."""
    found: set[tuple[str, str]] = set()
    strings: list[str] = []
    try:
        for opcode, argument, _ in pickletools.genops(pickled):
            if opcode.name in ("GLOBAL", "INST"):
                module, _, named = str(argument).partition(" ")
                found.add((module, named))
            elif (
                opcode.name == "STACK_GLOBAL"
            ):  # torch never writes it; its names may come from anywhere, so always foreign
                found.add((".".join(strings[-2:]), "(computed)"))
            elif "UNICODE" in opcode.name or "STRING" in opcode.name:
                strings.append(str(argument))
            elif opcode.name in ("EXT1", "EXT2", "EXT4"):
                found.add(("copyreg", "extension"))
    except (ValueError, IndexError, UnicodeDecodeError) as error:
        raise BadInput(f"{name} is damaged: its index is not a pickle") from error
    return found


def read_tensors(path: Path) -> dict[str, Any]:
    """Return {name: CPU tensor} of a .pth, .pt or .safetensors file.

    Raises:
        BadInput: the file is refused by check_file, or torch cannot read it as plain tensors.
    """
    import pickle

    import torch

    check_file(path)
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise BadInput(f"{path.name} cannot be read as plain tensors: {str(error).splitlines()[0]}") from error
    if isinstance(state, dict) and isinstance(state.get("model"), dict):
        state = state["model"]  # as Meta's sam3.pt and many trainers wrap it
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise BadInput(f"{path.name} holds no dict of tensors; expected a state dict")
    return state


def load_state(model: Any, state: Mapping[str, Any], name: str) -> None:
    """Load tensors into a torch module, all of them or none.

    Raises:
        BadInput: keys are missing or left over, or a shape differs.
    """
    own = model.state_dict()
    missing, extra = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
    differing = [key for key in own.keys() & state.keys() if own[key].shape != state[key].shape]
    if missing or extra or differing:
        raise BadInput(f"{name} does not fit: " + _differences(missing, extra, sorted(differing)))
    model.load_state_dict(state)


def check_loaded(info: Mapping[str, Any], name: str) -> None:
    """Refuse weights that left part of a model at random values.

    Args:
        info: what from_pretrained(output_loading_info=True) returned beside the model.
        name: of the file or folder, for the message.

    Raises:
        BadInput: tensors are missing or of another shape.
    """
    missing = sorted(map(str, info.get("missing_keys") or ()))
    differing = sorted(str(key[0] if isinstance(key, tuple) else key) for key in info.get("mismatched_keys") or ())
    if missing or differing:
        raise BadInput(f"{name} would load only in part: " + _differences(missing, [], differing))


def _differences(missing: list[str], extra: list[str], differing: list[str]) -> str:
    def part(word: str, keys: list[str]) -> str:
        more = f" and {len(keys) - KEYS_SHOWN} more" if len(keys) > KEYS_SHOWN else ""
        return f"{len(keys)} tensors {word} ({', '.join(keys[:KEYS_SHOWN])}{more})"

    parts = [("missing", missing), ("unknown", extra), ("of another shape", differing)]
    return "; ".join(part(word, keys) for word, keys in parts if keys) + ". Fetch it again or choose another file."


def check_folder(folder: Path) -> None:
    """Refuse a transformers model folder with missing or damaged parts.

    Raises:
        Unavailable: a file is missing; the message names it.
        BadInput: a file is cut short.
    """
    if not (folder / "config.json").is_file():
        raise Unavailable(
            f"{folder.name}: config.json is missing; expected a model folder with config.json and *.safetensors"
        )
    shards = _shards(folder)
    for shard in shards:
        if not (folder / shard).is_file():
            raise Unavailable(f"{folder.name}: {shard} is missing; copy the whole model folder")
        safetensors_keys(folder / shard)


def _shards(folder: Path) -> list[str]:
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return ["model.safetensors"]
    try:
        return sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (ValueError, KeyError, AttributeError) as error:
        raise BadInput(f"{folder.name}: {index.name} is damaged") from error


def load_pretrained(model_class: Any, folder: Path, device: str, **settings: Any) -> Any:
    """Return a transformers model from a complete local folder, ready to infer.

    Args:
        model_class: with from_pretrained.
        folder: config.json and *.safetensors.
        device: cpu, cuda, cuda:N or mps.
        settings: more arguments of from_pretrained.

    Raises:
        Unavailable: a file is missing.
        BadInput: a file is damaged or does not hold all of the model's tensors.
    """
    import torch

    check_folder(folder)
    try:
        with _quiet():
            model, info = model_class.from_pretrained(
                folder,
                local_files_only=True,
                use_safetensors=True,
                output_loading_info=True,
                dtype=torch.float32,
                **settings,
            )
    except (OSError, RuntimeError, ValueError) as error:
        raise BadInput(f"{folder.name} cannot be loaded: {str(error).splitlines()[0]}") from error
    check_loaded(info, folder.name)
    own_caches(model)
    return model.eval().to(device)


def load_processor(processor_class: Any, folder: Path) -> Any:
    """Return the transformers processor of a local model folder.

    Args:
        processor_class: with from_pretrained.
        folder: of the model.

    Raises:
        BadInput: a file of the processor is missing or damaged.
    """
    try:
        return processor_class.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, TypeError, KeyError) as error:
        told = "files of its processor are missing or damaged; copy the whole model folder"
        raise BadInput(f"{folder.name}: {told}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers' bars and reports off the terminal.

    What matters of a load is checked here and raised.
    """
    from transformers.utils import logging

    level, has_bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if has_bar:
            logging.enable_progress_bar()
