"""Train, choose and keep the class heads that auto class uses."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import nullcontext
from dataclasses import asdict, replace
from typing import Any
from urllib.parse import quote

import numpy as np

from tator.datasets.dataset import Dataset, ImageRow
from tator.ops import operation
from tator.runtime.executor import Urgency
from tator.runtime.features import cached_features, encode_boxes, encoder_version
from tator.runtime.registry import backend, require_packages
from tator.storage.trash_files import TrashFolder
from tator.types import BadInput, Conflict, Detections, NotFound, Progress, Unavailable, Work
from tator.workbench import Workbench
from tator.workflows.heads.fit import Crops, train
from tator.workflows.heads.head import Head, HeadShelf, checked_name
from tator.workflows.heads.recipe import HeadRecipe

IDS = 200  # images whose annotations are read in one query
SMALLEST = 1.0  # sides of a box that is worth a crop, pixels


@operation(mirrors=("clip_train_start",), in_child=True, title="Train head", recipe=HeadRecipe)
def heads_train(wb: Workbench, dataset: str, name: str, recipe: HeadRecipe) -> Work:
    """Train a class head on the accepted boxes and measure it on unseen images.

    A dataset with train and test (or val) images is measured on those; else on a random share of images.

    Args:
        dataset: dataset name, from datasets_list.
        name: name of the new head.
        recipe: settings of the training.

    Raises:
        NotFound: no such dataset or encoder.
        Conflict: a head has that name already.
        BadInput: a setting is out of range.
        Unavailable: the encoder's weights are not here, or too few images, classes or boxes.
    """
    shelf = shelf_of(wb)
    if checked_name(name) in shelf.names():
        raise Conflict(f"a head called {name!r} exists already; choose another name or delete it")
    encoder = recipe.encoder or wb.models.default("encode")
    require_packages(backend(encoder, "encode").card)
    version = encoder_version(encoder, wb.weights(encoder))
    data = wb.dataset(dataset)
    with (yield from wb.models.lease()) if backend(encoder).card.weights else nullcontext():
        crops, skipped = yield from read_crops(wb, data, encoder)
    rows = recipe.c, recipe.min_per_class, recipe.test_size, recipe.seed
    head, metrics = yield from train(crops, (encoder, version), *rows)
    settings = asdict(replace(recipe, encoder=encoder))
    del settings["activate"]  # what is done afterwards, not a setting of the training
    facts = {"dataset": dataset, "encoder": encoder, "settings": settings, "skipped_images": skipped}
    shelf.save(name, head, facts | {"metrics": metrics})
    if recipe.activate:
        shelf.activate(name)
    return {"head": name, **{key: value for key, value in metrics.items() if key != "history"}}


@operation(mirrors=("clip_classifiers_list",), writes=False)
def heads_list(wb: Workbench) -> list[dict[str, Any]]:
    """Return every head with its dataset, encoder, classes and accuracy."""
    shelf = shelf_of(wb)
    active = shelf.active()
    return [_row(shelf, name, name == active) for name in shelf.names()]


@operation(writes=False)
def heads_get(wb: Workbench, name: str) -> dict[str, Any]:
    """Return a head's metrics, curve and settings.

    Args:
        name: name of the head, from heads_list.

    Raises:
        NotFound: no such head.
    """
    shelf = shelf_of(wb)
    return shelf.report(name) | {"active": shelf.active() == name}


@operation(mirrors=("clip_active_set",))
def heads_activate(wb: Workbench, name: str = "") -> dict[str, str]:
    """Use a head for auto class; an empty name leaves none active.

    Args:
        name: name of the head, from heads_list.

    Raises:
        NotFound: no such head.
        BadInput: its file is not sound.
    """
    shelf = shelf_of(wb)
    if name:
        shelf.activate(name)
    else:
        shelf.deactivate()
    return {"active": shelf.active()}


@operation(mirrors=("clip_active_get",), writes=False)
def heads_active(wb: Workbench) -> dict[str, Any]:
    """Return the active head's name, encoder and classes; all empty without one."""
    shelf = shelf_of(wb)
    name = shelf.active()
    if not name:
        return {"name": "", "encoder": "", "classes": []}
    head = shelf.load(name)
    return {"name": name, "encoder": head.encoder, "classes": list(head.classes)}


@operation(mirrors=("clip_classifiers_rename",))
def heads_rename(wb: Workbench, name: str, new_name: str) -> dict[str, str]:
    """Give a head another name.

    Args:
        name: name of the head, from heads_list.
        new_name: its name from now on.

    Raises:
        NotFound: no such head.
        Conflict: the new name is taken.
        BadInput: the new name holds other characters than letters, digits, spaces and . _ - + ( ).
    """
    shelf_of(wb).rename(name, new_name.strip())
    return {"name": new_name.strip()}


@operation(mirrors=("clip_classifiers_delete",))
def heads_delete(wb: Workbench, name: str) -> dict[str, str]:
    """Put a head into the trash; trash_restore brings it back.

    Args:
        name: name of the head, from heads_list.

    Raises:
        NotFound: no such head.
    """
    return {"deleted": name, "entry": shelf_of(wb).delete(name, TrashFolder(wb.workspace), wb.user)}


@operation(mirrors=("clip_classifiers_download",), writes=False)
def heads_download(wb: Workbench, name: str) -> dict[str, Any]:
    """Return the address of a head's safetensors file, and its size in bytes.

    Args:
        name: name of the head, from heads_list.

    Raises:
        NotFound: no such head.
    """
    return {"url": f"/head/{quote(name)}", "bytes": shelf_of(wb).path(name).stat().st_size}


def shelf_of(wb: Workbench) -> HeadShelf:
    """Return the heads of the workspace."""
    return HeadShelf(wb.workspace.folder("runs"))


def _row(shelf: HeadShelf, name: str, is_active: bool) -> dict[str, Any]:
    report = shelf.report(name)
    row = {"name": name, "active": is_active, "problem": ""}
    row |= {"dataset": report.get("dataset", ""), "created_at": report.get("created_at")}
    row |= {key: report.get("metrics", {}).get(key) for key in ("accuracy", "majority_accuracy", "macro_f1")}
    try:
        head = Head.load(shelf.path(name))
    except BadInput as problem:
        return row | {"problem": str(problem), "encoder": "", "classes": [], "class_count": 0}
    return row | {"encoder": head.encoder, "classes": list(head.classes), "class_count": len(head.classes)}


def read_crops(wb: Workbench, data: Dataset, encoder: str) -> Generator[Progress, None, tuple[Crops, list[str]]]:
    """Encode the accepted boxes of a dataset; return them and the paths of images that cannot be read."""
    images = data.images(with_annotations=True)
    names = {c.class_id: c.name for c in data.classes(retired=True)}
    parts: list[tuple] = []
    skipped: list[str] = []
    for start in range(0, len(images), IDS):
        batch = images[start : start + IDS]
        boxes = data.annotations([row.id for row in batch])
        for done, row in enumerate(batch, start + 1):
            found = boxes[row.id]
            found = found[((found.xyxy[:, 2:] - found.xyxy[:, :2]) >= SMALLEST).all(axis=1)]
            try:
                features = encode_image(wb, data, row, encoder, found)
            except (BadInput, NotFound):
                skipped.append(row.path)
                continue
            named = [names[i] for i in found.class_id]
            parts.append((features, named, np.full(len(found), row.id), [row.split or ""] * len(found)))
            yield Progress(done, len(images), f"encoding {row.path}")
    if not sum(len(part[0]) for part in parts):
        raise Unavailable(f"dataset {data.name!r} has no accepted boxes to learn from; draw some first")
    columns = list(zip(*parts, strict=True))
    texts = [np.array([text for part in columns[i] for text in part]) for i in (1, 3)]
    return Crops(np.concatenate(columns[0]), texts[0], np.concatenate(columns[2]), texts[1]), skipped


def encode_image(wb: Workbench, data: Dataset, row: ImageRow, encoder: str, found: Detections) -> np.ndarray:
    """Return the vectors of an image's boxes; the encoder is lent per image, so that labelling can cut in."""
    weights = wb.weights(encoder)

    def make() -> np.ndarray:
        image = data.load(row)
        return wb.models.run(encoder, weights, lambda model: encode_boxes(model, image, found.xyxy), Urgency.AHEAD)

    return cached_features(wb.workspace.folder("cache"), encoder, data.path(row), found.xyxy, make, weights)
