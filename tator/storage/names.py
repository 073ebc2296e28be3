"""Names that people give and that become the names of folders."""

from __future__ import annotations

import re

from tator.types import BadInput

_LOOSE = re.compile(r"[^\x00-\x1f/\\.][^\x00-\x1f/\\]{0,99}")
_PORTABLE = re.compile(r"[^\W_][\w .()+-]{0,79}")


def is_folder_name(name: str) -> bool:
    """Return whether a name is one plain part of a path.

    It has 1 to 100 characters, is not hidden and does not lead above the folder.
    """
    return _LOOSE.fullmatch(name) is not None


def folder_name(name: str, what: str) -> str:
    """Return a name that can be a folder's on this system.

    Args:
        name: as a person wrote it.
        what: whose name it is, for the message.

    Raises:
        BadInput: it is empty, too long, hidden, or holds slashes or control characters.
    """
    if not is_folder_name(name):
        raise BadInput(
            f"{what} name {name[:40]!r} must be 1 to 100 characters without slashes, not beginning with a dot"
        )
    return name


def portable_name(name: str, what: str) -> str:
    """Return a name that can be a folder's on every system, and part of an address.

    Args:
        name: as a person wrote it.
        what: whose name it is, for the message.

    Raises:
        BadInput: it is empty, too long or holds other characters.
    """
    if not _PORTABLE.fullmatch(name) or name.endswith((".", " ")):
        raise BadInput(
            f"{what} name {name[:100]!r}: use 1 to 80 letters, digits, spaces or . _ - + ( ), a letter or digit first"
        )
    return name
