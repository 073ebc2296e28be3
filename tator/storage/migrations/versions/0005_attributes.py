"""Attributes of annotations, tags and notes of images, key points of classes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

ADDED = (
    ("annotation", "attributes", sa.JSON(none_as_null=True)),
    ("image", "tags", sa.JSON(none_as_null=True)),
    ("image", "notes", sa.Text()),
    ("label_class", "skeleton", sa.JSON(none_as_null=True)),
)


def upgrade() -> None:
    """Add the columns; what is there has none of them."""
    for table, name, kind in ADDED:
        op.add_column(table, sa.Column(name, kind))


def downgrade() -> None:
    """Drop the columns."""
    for table, name, _ in reversed(ADDED):
        with op.batch_alter_table(table) as batch:
            batch.drop_column(name)
