"""Train, choose and keep the class heads that auto class uses."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict, replace
from typing import Any
from urllib.parse import quote

from tator.ops import operation
from tator.runtime.features import encoder_version
from tator.runtime.registry import backend, require_packages
from tator.storage.thresholds import thresholds_of
from tator.types import Work
from tator.warning_codes import CLASSES_LEFT_OUT, IMAGES_LEFT_OUT, NOT_CONVERGED, SPLIT_OF_SEQUENCE, warned
from tator.workbench import Workbench
from tator.workflows.evaluation import is_sequence, judge_names
from tator.workflows.heads import (
    changes,
    check_head,
    heads_of,
    held_crops,
    keep_head,
    origin_of,
    read_crops,
    row_of,
    train,
)
from tator.workflows.heads.recipe import HeadRecipe

SPLIT_BY_GROUP = (
    "These images look like frames of scenes, so frames of one scene are on both sides of the random split and the figures "
    "flatter. Split by group in Datasets > Manage, then train again."
)


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
    heads = heads_of(wb.workspace)
    heads.check_free(name)
    encoder = recipe.encoder or wb.models.default("encode")
    require_packages(backend(encoder, "encode").card)
    weights = wb.weights(encoder)
    version = encoder_version(encoder, weights)
    data = wb.dataset(dataset)
    with (yield from wb.models.lease()) if backend(encoder).card.weights else nullcontext():
        crops, skipped = yield from read_crops(wb.models, weights, data, encoder)
    head, metrics = yield from train(crops, (encoder, version), recipe)
    test = held_crops(crops, recipe, head.classes)
    probs = head.predict(test.features)
    named = [head.classes[at] for at in probs.argmax(1)]
    metrics |= judge_names(test.names.tolist(), named, probs.max(1), test.image, head.classes)
    is_leaky = not metrics["split"].startswith("split") and is_sequence(data)
    metrics |= {"split_advice": SPLIT_BY_GROUP} if is_leaky else {}
    settings = asdict(replace(recipe, encoder=encoder))
    del settings["activate"]  # what is done afterwards, not a setting of the training
    facts = {
        "dataset": dataset,
        "origin": origin_of(data),
        "encoder": encoder,
        "settings": settings,
        "skipped_images": skipped,
    }
    keep_head(heads, name, head, facts | {"metrics": metrics})
    if recipe.activate:
        heads.activate(name)
    happened = {
        IMAGES_LEFT_OUT: bool(skipped),
        CLASSES_LEFT_OUT: bool(metrics["dropped_classes"]),
        NOT_CONVERGED: not metrics["is_converged"],
        SPLIT_OF_SEQUENCE: is_leaky,
    }
    return warned({"head": name, **{key: value for key, value in metrics.items() if key != "history"}}, happened)


@operation(mirrors=("clip_classifiers_list",), writes=False)
def heads_list(wb: Workbench) -> list[dict[str, Any]]:
    """Return every head with its dataset, encoder, classes and accuracy.

    "renamed" ({was: is}) and "deleted_classes" say what became of its classes since it was trained, where something did.
    """
    heads = heads_of(wb.workspace)
    rows = [row_of(heads, name) for name in heads.names()]
    return [row | changes(row["classes"], heads.report(row["name"]), wb.store) for row in rows]


@operation(writes=False)
def heads_get(wb: Workbench, name: str) -> dict[str, Any]:
    """Return a head's metrics, curve and settings.

    Args:
        name: name of the head, from heads_list.

    Raises:
        NotFound: no such head.
    """
    heads = heads_of(wb.workspace)
    kept = thresholds_of(heads.path(name).parent, 0.0).told()
    return heads.report(name) | {"active": heads.active() == name, "thresholds": kept}


@operation(mirrors=("clip_active_set",))
def heads_activate(wb: Workbench, name: str = "") -> dict[str, str]:
    """Use a head for auto class; an empty name leaves none active.

    Args:
        name: name of the head, from heads_list.

    Raises:
        NotFound: no such head.
        BadInput: its file is not sound.
    """
    heads = heads_of(wb.workspace)
    if name:
        heads.activate(name)
    else:
        heads.deactivate()
    return {"active": heads.active()}


@operation(mirrors=("clip_active_get",), writes=False)
def heads_active(wb: Workbench, dataset: str = "") -> dict[str, Any]:
    """Return the active head's name, encoder and classes; all empty without one.

    Args:
        dataset: the head is refused if it knows no class of this dataset; empty for any.

    Raises:
        NotFound: no such dataset.
        Unavailable: the head knows no class of the dataset.
    """
    heads = heads_of(wb.workspace)
    name = heads.active()
    if not name:
        return {"name": "", "encoder": "", "classes": []}
    if dataset:
        check_head(wb.dataset(dataset), name)
    head = heads.load(name)
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
    heads_of(wb.workspace).rename(name, new_name.strip())
    return {"name": new_name.strip()}


@operation(mirrors=("clip_classifiers_delete",))
def heads_delete(wb: Workbench, name: str) -> dict[str, str]:
    """Put a head into the trash; trash_restore brings it back.

    Args:
        name: name of the head, from heads_list.

    Raises:
        NotFound: no such head.
    """
    return {"deleted": name, "entry": heads_of(wb.workspace).delete(name, wb.user)}


@operation(mirrors=("clip_classifiers_download",), writes=False)
def heads_download(wb: Workbench, name: str) -> dict[str, Any]:
    """Return the address of a head's safetensors file, and its size in bytes.

    Args:
        name: name of the head, from heads_list.

    Raises:
        NotFound: no such head.
    """
    return {"url": f"/head/{quote(name)}", "bytes": heads_of(wb.workspace).path(name).stat().st_size}
