"""Candidates of a run are found by their status and source."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"

NAME = "ix_annotation_status_source"


def upgrade() -> None:
    """Make the index."""
    op.create_index(NAME, "annotation", ["status", "source"])


def downgrade() -> None:
    """Drop the index."""
    op.drop_index(NAME, "annotation")
