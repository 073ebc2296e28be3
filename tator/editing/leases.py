"""Leases: who has which image open.

A lease is short; each window renews it while it shows the image.
"""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import delete, insert, or_, select

from tator.datasets.owners import owner_of
from tator.editing.checks import checked_id, checked_int
from tator.storage.database import Store
from tator.storage.schema import lease

LEASE_S = 30.0


def renew_lease(store: Store, image_id: int, client_id: str, user: str = "") -> dict[str, Any]:
    """Note that a window has an image open for 30 s more, and no other image.

    Returns:
        "expires_in_s" and "others": {"client_id", "user", "expires_in_s"} of every other window that has it open.

    Raises:
        NotFound: no such image.
        BadInput: the ids are malformed.
    """
    checked_int(image_id, "image_id")
    checked_id(client_id, "client_id")
    now = time.time()
    with store.write() as conn:
        owner_of(conn, image_id)
        conn.execute(delete(lease).where(or_(lease.c.client_id == client_id, lease.c.expires_at < now)))
        conn.execute(
            insert(lease).values(image_id=image_id, client_id=client_id, user=user[:100], expires_at=now + LEASE_S)
        )
        others = conn.execute(select(lease).where(lease.c.image_id == image_id, lease.c.client_id != client_id)).all()
    told = [
        {"client_id": each.client_id, "user": each.user, "expires_in_s": min(LEASE_S, each.expires_at - now)}
        for each in others
    ]
    return {"expires_in_s": LEASE_S, "others": told}
