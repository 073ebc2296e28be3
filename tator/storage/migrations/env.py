"""Alembic's environment: migrate the connection that the store hands over."""

from __future__ import annotations

from alembic import context

from tator.storage.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
