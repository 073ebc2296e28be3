"""The query for annotations of a dataset.

The annotation table itself does not name the dataset.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, select

from tator.storage.schema import annotation, image

IS_CROWD = func.coalesce(
    annotation.c.attributes["crowd"].as_boolean(), False
)  # a region of many objects, not an object


def select_annotations(dataset_id: int, *columns: Any, status: str = "", crowds: bool = True) -> Select:
    """Return the query for annotations of a dataset's images, unordered.

    Columns of `image` may be asked for too.

    Args:
        dataset_id: whose annotations.
        columns: what to select.
        status: only candidate, accepted or rejected ones; "" takes all.
        crowds: also those that are regions of many objects.
    """
    joined = annotation.join(image, image.c.id == annotation.c.image_id)
    query = select(*columns).select_from(joined).where(image.c.dataset_id == dataset_id)
    query = query if crowds else query.where(~IS_CROWD)
    return query.where(annotation.c.status == status) if status else query
