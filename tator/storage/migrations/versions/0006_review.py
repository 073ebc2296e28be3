"""The review finds candidates by their confidence and by how unsure they are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

INDEXES = {
    "ix_annotation_by_confidence": "(coalesce(confidence, -1.0))",
    "ix_annotation_by_doubt": "(abs(coalesce(confidence, -1.0) - 0.5))",
}


def upgrade() -> None:
    """Make the indexes."""
    for name, key in INDEXES.items():
        op.create_index(name, "annotation", ["status", sa.text(key), "id"])


def downgrade() -> None:
    """Drop the indexes."""
    for name in INDEXES:
        op.drop_index(name, "annotation")
