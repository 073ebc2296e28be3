"""The settings of a dataset: its features keep each under a key of its own."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, RowMapping, select, update

from tator.storage.schema import dataset
from tator.types import Conflict


def read_settings(conn: Connection, dataset_id: int) -> dict[str, Any]:
    """Return {key: value} of a dataset's settings.

    Raises:
        Conflict: the dataset is gone.
    """
    row = conn.execute(select(dataset.c.settings).where(dataset.c.id == dataset_id)).first()
    if row is None:
        raise Conflict("the dataset was deleted for good meanwhile")
    return dict(row.settings or {})


def change_setting(conn: Connection, dataset_id: int, key: str, value: Any) -> None:
    """Store one setting of a dataset and leave the others as they are.

    Args:
        conn: a transaction that writes.
        dataset_id: whose setting.
        key: of the feature that keeps it.
        value: any JSON; None takes the setting out.

    Raises:
        Conflict: the dataset is gone.
    """
    settings = read_settings(conn, dataset_id) | {key: value}
    if value is None:
        del settings[key]
    conn.execute(update(dataset).where(dataset.c.id == dataset_id).values(settings=settings))


def setting_of(row: RowMapping, key: str) -> dict[str, Any]:
    """Return a setting that is an object, {} if a row of the dataset table lacks it."""
    return (row["settings"] or {}).get(key, {})
