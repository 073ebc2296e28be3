"""Keeps encoded images on disk, bounded by bytes; the folder may be deleted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable
from pathlib import Path
from typing import Any

from tator.protocols import Embedding
from tator.storage.atomic import replacing
from tator.storage.caches import Cache, register_cache

NOTE = "tator_embedding"
EMBEDDINGS = register_cache(Cache("embeddings", "Encoded images, so that the first click after a start is fast."))


class EmbeddingShelf:
    """One safetensors file per embedding, named after its key.

    The least recently used are deleted first.
    """

    def __init__(self, folder: Path, budget_mb: int = 4_096) -> None:
        """Keep files in a folder.

        Args:
            folder: in the workspace's cache.
            budget_mb: disk space that they may take.
        """
        self._folder, self._budget = folder, budget_mb * 2**20

    def load(self, key: Hashable) -> Embedding | None:
        """Return a kept embedding, None where there is none.

        A damaged file is deleted and counts as none.
        """
        path = self._path(key)
        if not path.is_file():
            return None
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, "pt") as file:
                note = json.loads((file.metadata() or {})[NOTE])
                features = {name: file.get_tensor(name) for name in file.keys()}
            path.touch()
            precision = note.get("precision", "float32")
            return Embedding(note["backend"], note["width"], note["height"], features, note["nbytes"], precision)
        except (SafetensorError, KeyError, ValueError, OSError):
            path.unlink(missing_ok=True)
            return None

    def save(self, key: Hashable, value: Any) -> None:
        """Keep an embedding whose features are tensors by name.

        Other values are not kept, and nothing is where the disk is full.
        """
        if not isinstance(value, Embedding) or not is_tensors(value.features):
            return
        from safetensors.torch import save_file

        note = {name: getattr(value, name) for name in ("backend", "width", "height", "nbytes", "precision")}
        path = self._path(key)
        features = {name: tensor.contiguous().cpu() for name, tensor in value.features.items()}
        try:
            with replacing(path) as part:
                save_file(features, part, metadata={NOTE: json.dumps(note)})
            self._trim(path)
        except OSError:
            pass  # a full disk costs the next encode some seconds, it must not cost this answer

    def _path(self, key: Hashable) -> Path:
        return self._folder / f"{hashlib.sha256(repr(key).encode()).hexdigest()}.safetensors"

    def _trim(self, newest: Path) -> None:
        """Delete the files longest unused until the rest fits."""
        files = sorted(self._folder.glob("*.safetensors"), key=lambda file: -file.stat().st_mtime_ns)
        held = 0
        for file in [newest, *(file for file in files if file != newest)]:
            held += file.stat().st_size
            if held > self._budget and file != newest:
                file.unlink(missing_ok=True)


def is_tensors(features: Any) -> bool:
    """Whether features are a dict of torch tensors, told without importing torch."""
    return isinstance(features, dict) and all(type(value).__module__ == "torch" for value in features.values())
