"""Find the dataset that an image belongs to.

Every access to an image by its id passes through here, so none reaches the trash.
"""

from __future__ import annotations

from sqlalchemy import Connection, RowMapping, select

from tator.storage.schema import dataset, image
from tator.types import NotFound

IN_USE = dataset.c.trash.is_(None)  # of datasets that nobody deleted


def owner_of(conn: Connection, image_id: int) -> RowMapping:
    """Return the row of the dataset that an image belongs to.

    Raises:
        NotFound: no such image, or its dataset is in the trash.
    """
    query = select(dataset).join(image, image.c.dataset_id == dataset.c.id).where(image.c.id == image_id)
    found = conn.execute(query).mappings().first()
    if found is None:
        raise NotFound(f"no image has the id {image_id}")
    if found["trash"]:
        raise NotFound(
            f"image {image_id} is of dataset {found['trash']['name']!r}, which is in the trash; restore it first"
        )
    return found
