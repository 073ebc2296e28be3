"""Prepare large and deep images for people who look at them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tator.datasets.dataset import Dataset
from tator.storage.database import Store
from tator.storage.pyramids import PYRAMIDS, TILE, Pyramid, pyramid
from tator.storage.stored_values import needs_tiles
from tator.storage.workspace import Workspace


def prepared(store: Store, workspace: Workspace, image_id: int) -> dict[str, Any]:
    """Make the tiles of an image that needs any, and return what a page must know.

    Raises:
        NotFound: no such image, or its file is gone.
        BadInput: the file cannot be read as an image.
        Unavailable: the disk has no room for the tiles.
    """
    dataset, row = Dataset.of_image(store, workspace, image_id)
    path = dataset.path(row)
    if not any(needs_tiles(path)):
        return {"tile": 0}
    found = pyramid(path, PYRAMIDS.folder(workspace))
    return {"tile": TILE, "depth": asdict(found.depth) if found.depth else None} | _facts(found)


def _facts(found: Pyramid) -> dict[str, Any]:
    return {name: getattr(found, name) for name in ("width", "height", "levels", "version", "kind")}
