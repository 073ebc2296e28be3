"""Class heads: small classifiers on vectors, kept as safetensors and JSON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tator.storage.arrays import load_arrays, require_shapes, save_arrays
from tator.types import BadInput

VERSION = 1
NOTE = "tator_head"
MAX_LAYERS, MAX_CLASSES, MAX_DIM, MAX_MB = 8, 10_000, 65_536, 64
ACTIVATIONS: dict[str, Callable[[NDArray], NDArray]] = {
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
    names = classes if isinstance(classes, list) else []
    if not all(isinstance(name, str) and name for name in names) or not 2 <= len(names) <= MAX_CLASSES:
        raise BadInput(f"{path.name}: classes must be 2 to {MAX_CLASSES} names")
    if len(set(names)) != len(names):
        raise BadInput(f"{path.name}: a class is named twice")
    if note.get("output") != "softmax" or note.get("activation") not in ACTIVATIONS:
        chosen = f"output {note.get('output')!r} or activation {note.get('activation')!r}"
        raise BadInput(f"{path.name}: {chosen} is unknown")
    if not isinstance(note.get("encoder"), str) or not note["encoder"]:
        raise BadInput(f"{path.name} does not name its encoder")
