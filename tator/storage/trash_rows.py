"""Rows in the trash: they stay in their table and carry a note.

Lists and look-ups pass over a row with a note. Its name becomes one that nobody can ask for, so that its own is free again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, select, update

from tator.types import Deleted, NotFound


@dataclass(frozen=True)
class TrashRows:
    """The rows of one table that are in the trash.

    Attributes:
        table: with the columns id, name and trash.
        kind: what one of its rows is called.
    """

    table: Table
    kind: str

    def throw(self, conn: Connection, key: int, name: str, user: str, **facts: Any) -> dict[str, str]:
        """Put a row into the trash.

        Args:
            conn: a transaction that writes.
            key: id of the row.
            name: what it is called.
            user: who is acting.
            facts: more to note.

        Returns:
            {"deleted": name, "entry": its id in the trash}.

        Raises:
            NotFound: it is there no more.
        """
        note = {"name": name, "at": time.time(), "user": user[:100], **facts}
        mine = update(self.table).where(self.table.c.id == key, self.table.c.trash.is_(None))
        if not conn.execute(mine.values(trash=note, name=f"trash:/{key}")).rowcount:
            raise NotFound(f"no {self.kind} is called {name!r}")
        return {"deleted": name, "entry": self._entry(key)}

    def row(self, conn: Connection, key: int) -> RowMapping:
        """Return a row that is in the trash.

        Raises:
            NotFound: it is not.
        """
        query = select(self.table).where(self.table.c.id == key, self.table.c.trash.is_not(None))
        row = conn.execute(query).mappings().first()
        if row is None:
            raise NotFound(f"no {self.kind} {key} is in the trash")
        return row

    def put_back(self, conn: Connection, key: int, name: str) -> None:
        """Take a row out of the trash under a name that is free."""
        conn.execute(update(self.table).where(self.table.c.id == key).values(name=name, trash=None))

    def listed(self, row: RowMapping, **facts: Any) -> Deleted:
        """Return a row as the trash lists it, with more facts of Deleted."""
        note = row["trash"]
        return Deleted(self._entry(row["id"]), self.kind, note["name"], note["at"], note["user"], **facts)

    def _entry(self, key: int) -> str:
        return f"{self.kind}-{key}"
