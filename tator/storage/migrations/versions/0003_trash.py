"""Deleted datasets and snapshots stay as rows with a note.

They do so until they are deleted for good.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

TABLES = ("dataset", "snapshot")


def upgrade() -> None:
    """Add the note."""
    for name in TABLES:
        op.add_column(name, sa.Column("trash", sa.JSON(none_as_null=True)))


def downgrade() -> None:
    """Drop the note; what was deleted keeps the name that nobody can ask for."""
    for name in TABLES:
        op.drop_column(name, "trash")
