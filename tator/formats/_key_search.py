"""Search a JSON file for its keys, whatever their order and its size."""

from __future__ import annotations

import re
from typing import BinaryIO

from tator.encodings import UTF8, marked

KEY = re.compile(rb'"([^"\\]{1,80})"\s*:')
CHUNK = 1 << 20
OVERLAP = 256  # bytes, more than a key and its colon take
MOST = 2_000  # different keys that are told apart: a file with more has names of its own for keys


def keys_in(file: BinaryIO) -> set[bytes]:
    """Return the keys that a file uses, of its first part where it has very many.

    Args:
        file: JSON in any encoding of Unicode, at its start.
    """
    found: set[bytes] = set()
    encoding, rest = marked(file.read(4)), b""
    file.seek(0)
    while len(found) < MOST and (content := file.read(CHUNK)):
        text = content if encoding in ("", UTF8) else content.decode(encoding, "ignore").encode()
        found.update(KEY.findall(rest + text))
        rest = text[-OVERLAP:]
    return found
