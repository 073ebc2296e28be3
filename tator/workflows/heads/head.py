"""Class heads: small classifiers on an encoder's vectors, kept as safetensors and JSON."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tator.storage.arrays import load_arrays, require_shapes, save_arrays, write_json
from tator.storage.trash_files import Thrown, TrashFolder
from tator.types import BadInput, Conflict, NotFound

KIND = "head"  # in the trash
VERSION = 1
NOTE = "tator_head"
MAX_LAYERS, MAX_CLASSES, MAX_DIM, MAX_MB = 8, 10_000, 65_536, 64
NAME = re.compile(r"[^\W_][\w .()+-]{0,79}")
ACTIVATIONS = {
    "none": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "logistic": lambda x: 1 / (1 + np.exp(-x)),
}


@dataclass(frozen=True, eq=False)
class Head:
    """A classifier of an encoder's vectors.

    Attributes:
        classes: C names.
        encoder: card id of the encoder whose vectors it reads.
        encoder_version: version of that encoder's features.
        mean: (dim,) subtracted from a vector.
        std: (dim,) a vector is then divided by.
        layers: (weight (in, out), bias (out,)) in order; the last has C outputs.
        activation: key of ACTIVATIONS, between layers.
    """

    classes: tuple[str, ...]
    encoder: str
    encoder_version: int
    mean: NDArray[np.float32]
    std: NDArray[np.float32]
    layers: tuple[tuple[NDArray[np.float32], NDArray[np.float32]], ...] = field(repr=False)
    activation: str = "none"

    @property
    def dim(self) -> int:
        """Length of the vectors it reads."""
        return len(self.mean)

    @property
    def nbytes(self) -> int:
        """Memory it holds, in bytes."""
        arrays = [self.mean, self.std, *(array for layer in self.layers for array in layer)]
        return sum(array.nbytes for array in arrays)

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (N, C) probabilities that sum to 1.

        Raises:
            BadInput: the vectors are not (N, dim).
        """
        if features.ndim != 2 or features.shape[1] != self.dim:
            raise BadInput(f"the head reads vectors of {self.dim} numbers, got an array of shape {features.shape}")
        x = (features.astype(np.float32) - self.mean) / self.std
        for i, (weight, bias) in enumerate(self.layers):
            x = x @ weight + bias
            if i < len(self.layers) - 1:
                x = ACTIVATIONS[self.activation](x)
        x = np.exp(x - x.max(axis=1, keepdims=True))
        return x / x.sum(axis=1, keepdims=True)

    def save(self, path: Path) -> None:
        """Write it as one safetensors file."""
        arrays = {"scale.mean": self.mean, "scale.std": self.std}
        for i, (weight, bias) in enumerate(self.layers):
            arrays |= {f"layer{i}.weight": weight, f"layer{i}.bias": bias}
        note = {
            "version": VERSION,
            "activation": self.activation,
            "output": "softmax",
            "classes": list(self.classes),
            "encoder": self.encoder,
            "encoder_version": self.encoder_version,
            "dim": self.dim,
            "n_layers": len(self.layers),
        }
        save_arrays(path, arrays, NOTE, note)

    @classmethod
    def load(cls, path: Path) -> Head:
        """Read a head without running anything from it.

        Raises:
            BadInput: too large, another version, or arrays that do not fit each other; the message names what.
        """
        arrays, note = load_arrays(path, NOTE, limit_mb=MAX_MB)
        _check_note(path, note)
        dim, count = note["dim"], note["n_layers"]
        widths = [dim] + [len(arrays.get(f"layer{i}.bias", ())) for i in range(count)]
        shapes: dict[str, tuple[int, ...]] = {"scale.mean": (dim,), "scale.std": (dim,)}
        for i in range(count):
            shapes[f"layer{i}.weight"], shapes[f"layer{i}.bias"] = (widths[i], widths[i + 1]), (widths[i + 1],)
        require_shapes(path, arrays, shapes)
        if widths[-1] != len(note["classes"]):
            raise BadInput(f"{path.name} has {widths[-1]} outputs for {len(note['classes'])} classes")
        if (arrays["scale.std"] <= 0).any():
            raise BadInput(f"{path.name}: scale.std must be above 0")
        layers = tuple((arrays[f"layer{i}.weight"], arrays[f"layer{i}.bias"]) for i in range(count))
        facts = tuple(note["classes"]), note["encoder"], note["encoder_version"]
        return cls(*facts, arrays["scale.mean"], arrays["scale.std"], layers, note["activation"])


def _check_note(path: Path, note: dict[str, Any]) -> None:
    if note.get("version") != VERSION:
        raise BadInput(f"{path.name} has head version {note.get('version')!r}, this program reads {VERSION}")
    for name, largest in (("dim", MAX_DIM), ("n_layers", MAX_LAYERS), ("encoder_version", 2**31)):
        if type(note.get(name)) is not int or not 1 <= note[name] <= largest:
            raise BadInput(f"{path.name}: {name} must be a whole number from 1 to {largest}, is {note.get(name)!r}")
    classes = note.get("classes")
    are_names = isinstance(classes, list) and all(isinstance(name, str) and name for name in classes)
    if not are_names or not 2 <= len(classes) <= MAX_CLASSES:
        raise BadInput(f"{path.name}: classes must be 2 to {MAX_CLASSES} names")
    if len(set(classes)) != len(classes):
        raise BadInput(f"{path.name}: a class is named twice")
    if note.get("output") != "softmax" or note.get("activation") not in ACTIVATIONS:
        chosen = f"output {note.get('output')!r} or activation {note.get('activation')!r}"
        raise BadInput(f"{path.name}: {chosen} is unknown")
    if not isinstance(note.get("encoder"), str) or not note["encoder"]:
        raise BadInput(f"{path.name} does not name its encoder")


class HeadShelf:
    """The heads of a workspace: one folder each, one of them active."""

    def __init__(self, runs: Path) -> None:
        """Keep heads in runs/heads; the folder is made when the first one is saved."""
        self.folder = runs / "heads"

    def names(self) -> list[str]:
        """Return the names of all heads, sorted."""
        folders = [path.parent.name for path in self.folder.glob("*/head.safetensors")]
        return sorted(name for name in folders if NAME.fullmatch(name))

    def path(self, name: str) -> Path:
        """Return the safetensors file of a head.

        Raises:
            NotFound: no such head.
        """
        if not NAME.fullmatch(name) or not (self.folder / name / "head.safetensors").is_file():
            raise NotFound(f"no head is called {name!r}; there are: {', '.join(self.names()) or 'none'}")
        return self.folder / name / "head.safetensors"

    def load(self, name: str) -> Head:
        """Return a head.

        Raises:
            NotFound: no such head.
            BadInput: its file is not sound.
        """
        return Head.load(self.path(name))

    def report(self, name: str) -> dict:
        """Return what was recorded when it was trained: dataset, counts, metrics, history.

        Raises:
            NotFound: no such head.
        """
        return json.loads(self.path(name).with_name("head.json").read_text(encoding="utf-8"))

    def save(self, name: str, head: Head, report: dict) -> None:
        """Add a head, or replace the one of that name in one step per file.

        Raises:
            BadInput: the name cannot be a folder's.
        """
        checked_name(name)
        write_json(self.folder / name / "head.json", {"name": name, "created_at": time.time(), **report})
        head.save(self.folder / name / "head.safetensors")

    def rename(self, name: str, new_name: str) -> None:
        """Give a head another name; an active one stays active.

        Raises:
            NotFound: no such head.
            Conflict: the new name is taken.
            BadInput: the new name cannot be a folder's.
        """
        source, is_active = self.path(name).parent, self.active() == name
        target = self.folder / checked_name(new_name)
        if target.exists():
            raise Conflict(f"a head called {new_name!r} exists already")
        write_json(source / "head.json", self.report(name) | {"name": new_name})
        source.rename(target)
        if is_active:
            self.activate(new_name)

    def delete(self, name: str, trash: TrashFolder, user: str = "") -> str:
        """Move a head to the trash and return its id there; an active one leaves none active.

        Raises:
            NotFound: no such head.
        """
        folder = self.path(name).parent
        if self.active() == name:
            self.deactivate()
        return trash.throw(KIND, name, user, folder)

    def restore(self, trash: TrashFolder, thing: Thrown, new_name: str = "") -> str:
        """Take a head out of the trash and return its name; it is not made active.

        Raises:
            BadInput: the new name cannot be a folder's.
            Conflict: a head has the name.
        """
        name, content = checked_name(new_name or thing.name), trash.content(thing)
        if (self.folder / name).exists():
            raise Conflict(f"a head called {name!r} exists; give another name to restore this one under")
        report = json.loads((content / "head.json").read_text(encoding="utf-8"))
        write_json(content / "head.json", report | {"name": name})
        self.folder.mkdir(parents=True, exist_ok=True)
        content.rename(self.folder / name)
        trash.forget(thing)
        return name

    def activate(self, name: str) -> None:
        """Make a head the one that auto class uses.

        Raises:
            NotFound: no such head.
            BadInput: its file is not sound.
        """
        self.load(name)
        write_json(self.folder / "active.json", {"name": name})

    def deactivate(self) -> None:
        """Leave no head active."""
        (self.folder / "active.json").unlink(missing_ok=True)

    def active(self) -> str:
        """Return the active head's name, "" where there is none."""
        chosen = self.folder / "active.json"
        if not chosen.is_file():
            return ""
        name = json.loads(chosen.read_text(encoding="utf-8"))["name"]
        return name if name in self.names() else ""


def checked_name(name: str) -> str:
    """Return a head's name if it can be a folder's.

    Raises:
        BadInput: it is empty, too long or holds other characters.
    """
    if not NAME.fullmatch(name) or name.endswith((".", " ")):
        raise BadInput(
            f"head name {name[:100]!r}: use 1 to 80 letters, digits, spaces or . _ - + ( ), a letter or digit first"
        )
    return name
