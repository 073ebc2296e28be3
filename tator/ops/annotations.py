"""Read and save the annotations of an image."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import select

from tator.editing import edits as edit
from tator.editing.leases import renew_lease
from tator.editing.rows import rows_of
from tator.ops import operation
from tator.storage import schema
from tator.types import BadInput, NotFound
from tator.workbench import Workbench

JSON_LIMIT = 5_000_000  # characters of one save


@operation(writes=False)
def image_open(wb: Workbench, image_id: int) -> dict[str, Any]:
    """Open an image: its annotations, revision, state, and what can be undone.

    Args:
        image_id: id of the image, from images_list.

    Raises:
        NotFound: no such image.
    """
    return edit.open_image(wb.store, image_id)


@operation
def annotations_save(wb: Workbench, image_id: int, base_revision: int, client_id: str, edits: str) -> dict[str, Any]:
    """Save edits of an image, all or none; what is acknowledged is on disk.

    A request may be repeated: edits that were saved before are acknowledged again and change nothing. An edit is
    {"seq", "kind": "edit" | "undo" | "redo", "label", "ops"}. An op is {"op": "add", "annotation": {"id", "class_id",
    "xyxy", "polygons", "confidence", "source", "status", "attributes"}}, {"op": "set", "id", "changes": {...}},
    {"op": "delete", "id"} or {"op": "image", "changes": {"state", "caption", "tags", "notes"}}. Attributes are an object of
    names and values; occluded, truncated, difficult, crowd, group, text, track, rotation, keypoints and a few others mean
    the same in every format, all other names are free. Tags are a list of texts, notes are text.

    Args:
        image_id: id of the image, from images_list.
        base_revision: revision of the image that the first edit was made on, from image_open or the last save.
        client_id: your own name for the window or program that edits, 1 to 64 letters, digits, - or _.
        edits: JSON list of edits, oldest first; seq grows with every edit of a client.

    Raises:
        NotFound: no such image.
        BadInput: the edits are malformed; the message names the field.
        Conflict: somebody else edited the image since base_revision.
    """
    return edit.save_edits(wb.store, image_id, base_revision, client_id, _parsed(edits), wb.user)


@operation
def annotations_undo(wb: Workbench, image_id: int, client_id: str, seq: int) -> dict[str, Any]:
    """Take back the last edit of an image; unlimited, and works after restarts.

    Args:
        image_id: id of the image, from images_list.
        client_id: your own name for the window or program that edits.
        seq: your number for this step, higher than those before; repeating a number changes nothing.

    Raises:
        NotFound: no such image.
        BadInput: there is nothing to undo.
    """
    return edit.undo(wb.store, image_id, client_id, seq, wb.user)


@operation
def annotations_redo(wb: Workbench, image_id: int, client_id: str, seq: int) -> dict[str, Any]:
    """Apply the edit of an image again that was undone last.

    Args:
        image_id: id of the image, from images_list.
        client_id: your own name for the window or program that edits.
        seq: your number for this step, higher than those before; repeating a number changes nothing.

    Raises:
        NotFound: no such image.
        BadInput: there is nothing to redo.
    """
    return edit.redo(wb.store, image_id, client_id, seq, wb.user)


@operation(writes=False)
def annotations_list(wb: Workbench, dataset: str, image: str) -> dict[str, Any]:
    """List the annotations of one image by its name.

    Args:
        dataset: dataset name, from datasets_list.
        image: name of the image, its path in the dataset with /, from images_list.

    Raises:
        NotFound: no such dataset or image.
    """
    listed = schema.image.c
    query = select(listed.id, listed.width, listed.height, listed.revision, listed.state)
    query = query.where(listed.dataset_id == wb.dataset(dataset).id, listed.path == image)
    with wb.store.read() as conn:
        found = conn.execute(query).mappings().first()
        if found is None:
            raise NotFound(f"dataset {dataset!r} has no image {image!r}")
        return dict(found) | {"annotations": rows_of(conn, found["id"])}


@operation
def image_lease(wb: Workbench, image_id: int, client_id: str) -> dict[str, Any]:
    """Mark an image as open by you for 30 s more, and return who else has it open.

    Args:
        image_id: id of the image, from images_list.
        client_id: your own name for the window or program that shows it.

    Raises:
        NotFound: no such image.
    """
    return renew_lease(wb.store, image_id, client_id, wb.user)


def _parsed(text: str) -> Any:
    """Return the value of a JSON text of bounded size and depth."""
    if len(text) > JSON_LIMIT:
        raise BadInput(f"edits may be {JSON_LIMIT:,} characters of JSON, is {len(text):,}; save fewer edits at a time")
    try:
        return json.loads(text)
    except RecursionError as error:
        raise BadInput("edits is nested too deeply: annotations need 8 levels of lists and objects") from error
    except ValueError as error:
        raise BadInput(f"edits is not JSON: {error}") from error
