"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tator.types import Unavailable


def copy_file(source: Path, target: Path) -> None:
    """Copy a file so that it is there whole or not at all.

    Raises:
        Unavailable: it cannot be copied.
    """
    part = target.with_name(f".{os.urandom(6).hex()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, part)
        os.replace(part, target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise Unavailable(f"{source.name} could not be copied into the workspace: {error.strerror}") from error
