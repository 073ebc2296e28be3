"""The keys that a JSON file uses, wherever they stand: what tells whose it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tator.formats._key_search import KEY, keys_in
from tator.formats.tree import Tree

Keys = frozenset[str]


def any_file(tree: Tree, is_ours: Callable[[Keys], bool], *suffixes: str) -> bool:
    """Return whether a file of a folder has the keys of a format.

    Args:
        tree: the folder.
        is_ours: whether keys are those of the format.
        suffixes: of the files that are looked at.
    """
    return any(is_ours(_decoded(KEY.findall(sample))) for _, sample in tree.samples(*suffixes))


def each_file(tree: Tree, is_ours: Callable[[Keys], bool], *suffixes: str) -> Iterator[str]:
    """Yield the files of a folder that have the keys of a format."""
    for path in tree.each(*suffixes):
        if is_ours(keys_of(tree, path)):
            yield path


def keys_of(tree: Tree, path: str) -> Keys:
    """Return the keys of a JSON file, of its first part where it has very many."""
    if path not in tree.keys:
        tree.keys[path] = _found(tree, path)
    return tree.keys[path]


def _found(tree: Tree, path: str) -> Keys:
    try:
        with open(tree.root / path, "rb") as file:
            return _decoded(keys_in(file))
    except OSError:
        return frozenset()


def _decoded(found: set[bytes] | list[bytes]) -> Keys:
    return frozenset(key.decode("utf-8", "replace") for key in found)
