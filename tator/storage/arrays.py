"""Read and write arrays as safetensors with a JSON note.

It is a file format that cannot run code.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tator.storage.atomic import replacing
from tator.types import BadInput

LIMIT_MB = 256  # the largest file of ours is below 1 MB; more is not ours or is an attack on memory


def save_arrays(path: Path, arrays: dict[str, NDArray], note_name: str, note: dict[str, Any]) -> None:
    """Write arrays and a note; a reader sees the old file or the new one, whole."""
    from safetensors.numpy import save_file

    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    with replacing(path) as part:
        save_file(contiguous, part, metadata={note_name: json.dumps(note, ensure_ascii=False)})


def load_arrays(path: Path, note_name: str, limit_mb: int = LIMIT_MB) -> tuple[dict[str, NDArray], dict[str, Any]]:
    """Return the arrays and the note of a file from `save_arrays`.

    Raises:
        BadInput: too large, not safetensors, without the note, or holding NaN or infinity.
    """
    from safetensors import SafetensorError, safe_open

    if (size := path.stat().st_size) > limit_mb * 2**20:
        raise BadInput(f"{path.name} has {size / 2**20:.0f} MB; at most {limit_mb} MB are read")
    try:
        with safe_open(path, "np") as file:
            note = json.loads((file.metadata() or {}).get(note_name, "null"))
            arrays = {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, ValueError, TypeError) as error:
        raise BadInput(f"{path.name} is not a readable safetensors file: {error}") from error
    if not isinstance(note, dict):
        raise BadInput(f"{path.name} has no {note_name} note; it is another kind of file")
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise BadInput(f"{path.name}: {name} holds NaN or infinity")
    return arrays, note


def require_shapes(path: Path, arrays: dict[str, NDArray], shapes: dict[str, tuple[int, ...]]) -> None:
    """Check that arrays are there in these shapes.

    Raises:
        BadInput: one is missing or has another shape.
    """
    for name, shape in shapes.items():
        if name not in arrays:
            raise BadInput(f"{path.name} lacks {name}")
        if arrays[name].shape != shape:
            raise BadInput(f"{path.name}: {name} must have shape {shape}, has {arrays[name].shape}")
