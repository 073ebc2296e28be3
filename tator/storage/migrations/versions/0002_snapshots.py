"""Fingerprints of image files, snapshots, and the library of glossaries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the three tables."""
    op.create_table(
        "fingerprint",
        sa.Column("image_id", BigId, nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("mtime_ns", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("phash", sa.String(length=16)),
        sa.Column("orientation", sa.Integer()),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name="fk_fingerprint_image_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("image_id", name="pk_fingerprint"),
    )
    op.create_table(
        "snapshot",
        sa.Column("id", BigId, nullable=False),
        sa.Column("dataset_id", BigId, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("file", sa.String(length=100), nullable=False),
        sa.Column("images", sa.Integer(), nullable=False),
        sa.Column("annotations", sa.Integer(), nullable=False),
        sa.Column("user", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name="fk_snapshot_dataset_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_snapshot"),
        sa.UniqueConstraint("dataset_id", "name", name="uq_snapshot_dataset_id_name"),
    )
    op.create_table(
        "glossary",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("entries", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_glossary"),
    )


def downgrade() -> None:
    """Drop the three tables."""
    for name in ("glossary", "snapshot", "fingerprint"):
        op.drop_table(name)
