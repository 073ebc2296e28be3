"""The query for annotations of a dataset.

The annotation table itself does not name the dataset.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select

from tator.storage.schema import annotation, image


def select_annotations(dataset_id: int, *columns: Any, status: str = "") -> Select:
    """Return the query for annotations of a dataset's images, unordered.

    Columns of `image` may be asked for too.

    Args:
        dataset_id: whose annotations.
        columns: what to select.
        status: only candidate, accepted or rejected ones; "" takes all.
    """
    joined = annotation.join(image, image.c.id == annotation.c.image_id)
    query = select(*columns).select_from(joined).where(image.c.dataset_id == dataset_id)
    return query.where(annotation.c.status == status) if status else query
