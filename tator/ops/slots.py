"""Encode images ahead, so that the first click on them is as fast as a later one."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

from tator.datasets.dataset import Dataset
from tator.ops import operation
from tator.recipes import IN_FORCE
from tator.runtime.predictors import PredictorSettings
from tator.runtime.prefetching import ORDER
from tator.runtime.registry import backend, backends
from tator.types import BadInput
from tator.workbench import Workbench

Slot = Literal["current", "next", "previous"]


@operation(mirrors=("sam_preload", "sam_activate_slot"), writes=False)
def slots_preload(
    wb: Workbench, image_id: int, segmenter: str = "", slot: Slot = "current", client_id: str = ""
) -> dict[str, Any]:
    """Encode an image in the background and return how far it is.

    A new current image cancels what the same client asked for around the earlier one; an encode that nobody needs stops.

    Args:
        image_id: id of the image, from images_list.
        segmenter: id of a segmenter or finder, from models_list; empty for the first segmenter that is ready.
        slot: current, next or previous; those beyond the set number of images are left out.
        client_id: your name, as in image_lease; each client has slots of its own.

    Raises:
        NotFound: no such image or model.
        Unavailable: the model lacks weights, packages or labels.
    """
    task = backend(segmenter).card.task if segmenter in backends() else "segment"
    if task not in ("segment", "find"):
        raise BadInput(f"{segmenter} encodes crops, not images; choose a segmenter or a finder")
    data, row = Dataset.of_image(wb.store, wb.workspace, image_id)
    asked = wb.models.ask(data, row, task, segmenter)
    return wb.models.cache.prefetch_also(asked.prefetch_request(slot), client_id)


@operation(mirrors=("sam_slots",), writes=False)
def slots_status(wb: Workbench, client_id: str = "") -> dict[str, Any]:
    """Return what each slot holds, how far it is encoded, and what the cache saved.

    Args:
        client_id: whose slots; empty for everybody's.
    """
    cache = wb.models.cache
    stats, rows = cache.stats(), cache.status(client_id or None)
    unused = [name for name in ORDER[: stats["images"]] if name not in {row["slot"] for row in rows}]
    empty: dict[str, Any] = {
        "image_id": None,
        "name": "",
        "card": "",
        "state": "empty",
        "progress": 0.0,
        "bytes": 0,
        "message": "",
    }
    rows = sorted([*rows, *({"slot": name} | empty for name in unused)], key=lambda row: ORDER.index(row["slot"]))
    return {"slots": rows} | {name: stats[name] for name in ("hits", "misses", "bytes", "budget_bytes")}


@operation(mirrors=("predictor_settings_get",), writes=False)
def predictor_settings_get(wb: Workbench) -> dict[str, Any]:
    """Return how many images are kept encoded, and in how much memory."""
    stats = wb.models.cache.stats()
    return dataclasses.asdict(wb.predictors()) | {"most_images": len(ORDER), "bytes": stats["bytes"]}


@operation(mirrors=("predictor_settings_set",), recipe=PredictorSettings)
def predictor_settings_set(wb: Workbench, recipe: PredictorSettings) -> dict[str, Any]:
    """Change how images are encoded ahead; it applies at once and after a restart.

    Settings that are not given stay as they are.

    Args:
        recipe: how many images are kept encoded, and where.

    Raises:
        BadInput: a value is out of range.
    """
    recipe.save(wb.workspace.folder("recipes"), IN_FORCE)
    wb.use_predictors(recipe)
    return predictor_settings_get(wb)
