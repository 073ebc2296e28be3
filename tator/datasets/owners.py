"""Find the dataset that an image belongs to.

Every access to an image by its id passes through here, so none reaches the trash.
"""

from __future__ import annotations

from sqlalchemy import Connection, RowMapping, bindparam, select

from tator.storage.schema import dataset, image
from tator.types import NotFound

IN_USE = dataset.c.trash.is_(None)  # of datasets that nobody deleted
OWNER = (  # built once, as each request about an image asks it; the report of an import is long and stays where it is
    select(*(dataset.c[name] for name in ("id", "name", "storage", "root", "trash")))
    .join(image, image.c.dataset_id == dataset.c.id)
    .where(image.c.id == bindparam("image_id"))
)


def owner_of(conn: Connection, image_id: int) -> RowMapping:
    """Return id, name, storage and root of the dataset that an image belongs to.

    Raises:
        NotFound: no such image, or its dataset is in the trash.
    """
    found = conn.execute(OWNER, {"image_id": image_id}).mappings().first()
    if found is None:
        raise NotFound(f"no image has the id {image_id}")
    if found["trash"]:
        raise NotFound(
            f"image {image_id} is of dataset {found['trash']['name']!r}, which is in the trash; restore it first"
        )
    return found
