"""Class names of several YOLO datasets in a folder, joined by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tator.formats import Report
from tator.formats._lists import merge_names
from tator.formats._ultralytics import DataYaml

Listed = tuple[str, Mapping[int, str]]  # path of a file, and {index: name} in it


class ClassScopes:
    """Which class an index means in each folder.

    Attributes:
        classes: {our index: name} of all folders.
    """

    def __init__(self, yamls: Sequence[tuple[str, DataYaml]], lists: Sequence[Listed], report: Report) -> None:
        """Join the class lists.

        Args:
            yamls: (folder that it describes, file) of every data.yaml with names.
            lists: text files with names, the most trusted first.
            report: takes the notes on lists that differ.
        """
        named: dict[str, list[Listed]] = {scope: [] for scope, _ in yamls}
        for path, names in lists:
            scope = _deepest(path, named) if yamls else None
            named.setdefault(scope if scope is not None else path.rpartition("/")[0], []).append((path, names))
        for scope, found in yamls:
            files = named[scope]
            at = next((n for n, (path, _) in enumerate(files) if not path.lower().endswith("labelmap.txt")), len(files))
            files.insert(at, (found.path, found.classes))
        if not yamls:
            named = _outermost(named, lists)
        self.classes: dict[int, str] = {}
        self._maps = {scope: self._join(merge_names(files, report)) for scope, files in named.items()}

    def _join(self, names: Mapping[int, str]) -> dict[int, int]:
        """Return {index in a list: ours}; a name that is known keeps its number."""
        if not self.classes:
            self.classes = dict(names)
            return {index: index for index in names}
        ours = {name: index for index, name in self.classes.items()}
        free = max(self.classes) + 1
        found = {}
        for index, name in names.items():
            if name not in ours:
                ours[name], free = free, free + 1
                self.classes[ours[name]] = name
            found[index] = ours[name]
        return found

    def indices(self, *paths: str) -> dict[int, int]:
        """Return {index in a label file: ours}; empty where no list is known.

        Args:
            paths: of the label file and its image.
        """
        scopes = [scope for path in paths if (scope := _deepest(path, self._maps)) is not None]
        if scopes:
            return self._maps[max(scopes, key=len)]
        return next(iter(self._maps.values())) if len(self._maps) == 1 else {}


def _deepest(path: str, scopes: Mapping[str, object]) -> str | None:
    return max((scope for scope in scopes if not scope or path.startswith(f"{scope}/")), key=len, default=None)


def _outermost(named: dict[str, list[Listed]], lists: Sequence[Listed]) -> dict[str, list[Listed]]:
    """Return the lists by the folders that are not inside another one with a list."""
    outer = {folder for folder in named if not any(folder != o and _deepest(folder + "/", {o: 0}) == o for o in named)}
    return {folder: [each for each in lists if _deepest(each[0], {folder: 0}) == folder] for folder in outer}
