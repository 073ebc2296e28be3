"""Schema changes, one a module of versions/, applied when a database is opened.

To add one: change tator/storage/schema.py, write versions/NNNN_what_changed.py after the last one's pattern (its
`down_revision` names the one before), and set HEAD. A test compares what they build with tator/storage/schema.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection

FOLDER = Path(__file__).parent
HEAD = "0006"  # stands here so that opening an up-to-date database does not import Alembic (0.1 s)


def known_versions() -> set[str]:
    """Return the schema versions that this code can migrate from."""
    return {path.name.split("_")[0] for path in FOLDER.glob("versions/[0-9]*.py")}


def upgrade(connection: Connection) -> None:
    """Apply every pending migration inside the connection's transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
