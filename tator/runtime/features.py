"""Encode crops of boxes and keep the vectors on disk.

They are valid until the image, the boxes or the encoder change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tator.protocols import Encoder
from tator.runtime.registry import backend
from tator.storage.arrays import load_arrays, save_arrays
from tator.storage.caches import Cache, register_cache
from tator.types import BadInput, Image
from tator.vision.boxes import Boxes, crop
from tator.weights.places import identity_of

NOTE = "tator_features"
FEATURES = register_cache(Cache("features", "Encoded boxes, so that training a head does not encode them again."))


def encoder_version(encoder_id: str, weights: Path | None = None) -> int:
    """Return the version of an encoder's features.

    Cached vectors and heads are bound to it.

    It follows the content of the weights where the encoder has any.
    """
    return identity_of(weights) if weights else int(getattr(backend(encoder_id, "encode"), "version", 1))


def encode_boxes(encoder: Encoder, image: Image, xyxy: Boxes) -> NDArray[np.float32]:
    """Return (N, dim) vectors of the crops of N boxes."""
    if not len(xyxy):
        return np.zeros((0, encoder.dim), np.float32)
    return encoder.encode([crop(image, box) for box in xyxy])


def cached_features(
    folder: Path,
    encoder_id: str,
    file: Path,
    xyxy: Boxes,
    encode: Callable[[], NDArray[np.float32]],
    weights: Path | None = None,
) -> NDArray[np.float32]:
    """Return (N, dim) vectors of an image's boxes, from the cache where it has them.

    Args:
        folder: folder of the cache FEATURES; its files may be deleted at any time.
        encoder_id: id of the encoder's card.
        file: the image; its path, size and time of change are part of the key.
        xyxy: (N, 4) boxes in pixels.
        encode: makes the vectors; called when they are not in the cache.
        weights: of the encoder; other content has other vectors.
    """
    kept = folder / encoder_id / f"{cache_key(encoder_id, file, xyxy, weights)}.safetensors"
    if kept.is_file():
        try:
            found = load_arrays(kept, NOTE)[0].get("features")
        except (BadInput, OSError):
            found = None  # a cut-off or deleted cache file is made anew
        if found is not None and found.ndim == 2 and len(found) == len(xyxy):
            return found
    features = encode()
    save_arrays(kept, {"features": features}, NOTE, {"encoder": encoder_id})
    return features


def cache_key(encoder_id: str, file: Path, xyxy: Boxes, weights: Path | None = None) -> str:
    """Return the name under which an image's vectors are kept."""
    facts = file.stat()
    text = f"{encoder_id}|{encoder_version(encoder_id, weights)}|{file.resolve()}|{facts.st_mtime_ns}|{facts.st_size}|"
    return hashlib.sha256(text.encode() + np.ascontiguousarray(xyxy, np.float32).tobytes()).hexdigest()
