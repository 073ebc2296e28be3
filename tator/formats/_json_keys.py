"""The keys that a JSON file uses, wherever they stand: what tells whose it is."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from typing import BinaryIO

from tator.encodings import UTF8, marked
from tator.formats.tree import SAMPLE, Tree

KEY = re.compile(rb'"([^"\\]{1,80})"\s*:')
CHUNK = 1 << 20
OVERLAP = 256  # bytes, more than a key and its colon take
MOST = 16 << 20  # bytes that are searched: one object of a list is far shorter
LARGE_FILES = 20  # of a folder that are searched beyond their ends, for a sniff
Keys = frozenset[str]


def any_file(tree: Tree, is_ours: Callable[[Keys], bool], *suffixes: str) -> bool:
    """Return whether a file of a folder has the keys of a format.

    Args:
        tree: the folder.
        is_ours: whether keys are those of the format.
        suffixes: of the files that are looked at.
    """
    large = []
    for path, sample in tree.samples(*suffixes):
        if is_ours(_keys(sample)):
            return True
        if len(sample) >= 2 * SAMPLE:
            large.append(path)
    return any(is_ours(keys_of(tree, path)) for path in large[:: max(1, len(large) // LARGE_FILES)])


def each_file(tree: Tree, is_ours: Callable[[Keys], bool], *suffixes: str) -> Iterator[str]:
    """Yield the files of a folder that have the keys of a format."""
    for path in tree.each(*suffixes):
        if is_ours(keys_of(tree, path)):
            yield path


def keys_of(tree: Tree, path: str) -> Keys:
    """Return the keys of a JSON file, of both ends where it is very large."""
    if path not in tree.keys:
        tree.keys[path] = _found(tree, path)
    return tree.keys[path]


def _found(tree: Tree, path: str) -> Keys:
    found: set[bytes] = set()
    try:
        with open(tree.root / path, "rb") as file:
            encoding, rest = marked(file.read(4)), b""
            file.seek(0)
            for content in _parts(file):
                text = content if encoding in ("", UTF8) else content.decode(encoding, "ignore").encode()
                found.update(KEY.findall(rest + text))
                rest = text[-OVERLAP:]
    except OSError:
        return frozenset()
    return _decoded(found)


def _parts(file: BinaryIO) -> Iterator[bytes]:
    """Yield the first part of a file in pieces, and the end of a very large one."""
    for _ in range(MOST // CHUNK):
        if not (content := file.read(CHUNK)):
            return
        yield content
    file.seek(max(file.tell(), (file.seek(0, os.SEEK_END) - CHUNK) & ~3))
    yield file.read()


def _keys(sample: bytes) -> Keys:
    return _decoded(KEY.findall(sample))


def _decoded(found: set[bytes] | list[bytes]) -> Keys:
    return frozenset(key.decode("utf-8", "replace") for key in found)
