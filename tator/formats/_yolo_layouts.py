"""What the columns of YOLO rows are, for each dataset that a folder holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from tator.formats import SPLITS
from tator.formats._yolo_rows import Layout, layout_of
from tator.formats.tree import Tree

FILES, LINES = 50, 50  # label files that are looked at in each dataset, and rows of each
MARKS = SPLITS.keys() | {"labels"}  # folders inside a dataset


def rows_of(tree: Tree, files: Iterable[str]) -> Iterator[list[str]]:
    """Yield the first rows of label files, split into columns."""
    for file in files:
        try:
            lines = tree.read_text(file).split("\n", LINES)[:LINES]
        except OSError:
            continue
        yield from (line.split() for line in lines if line.strip())


class Layouts:
    """The layout of each dataset's rows, judged by its own rows.

    A dataset is what one list of classes is for; where no list says so, what lies beside one folder called labels.

    Args:
        tree: the folder.
        files: its label files.
        lists: lists of classes and data.yaml files.
        told: {data.yaml: key points and values of each that it tells}.
    """

    def __init__(
        self, tree: Tree, files: Sequence[str], lists: Sequence[str], told: Mapping[str, tuple[int, int]]
    ) -> None:
        self._homes = {path.rpartition("/")[0] for path in lists}
        self._told = told
        by_place: dict[str, list[str]] = defaultdict(list)
        for file in files:
            by_place[self.place(file)].append(file)
        self.examples = {place: found[0] for place, found in by_place.items()}
        self._layouts = {
            place: layout_of(list(rows_of(tree, found[:: max(1, len(found) // FILES)])), self._points(place))
            for place, found in by_place.items()
        }

    def place(self, file: str) -> str:
        """Return the folder of the dataset that a label file is of, "" for the whole."""
        folders = file.split("/")[:-1]
        for end in range(len(folders), 0, -1):
            if (home := "/".join(folders[:end])) in self._homes:
                return home
        if "" in self._homes:
            return ""
        marks = [at for at, folder in enumerate(folders) if folder.lower() in MARKS]
        return "/".join(folders[: marks[0]]) if marks else ""

    def of(self, file: str) -> Layout:
        """Return the layout of a label file's rows."""
        return self._layouts.get(self.place(file)) or Layout()

    def each(self) -> Iterator[tuple[str, Layout]]:
        """Yield each dataset's folder and the layout of its rows."""
        yield from self._layouts.items()

    def _points(self, place: str) -> tuple[int, int]:
        """Return what the data.yaml of a dataset tells of key points, else the only one."""
        own = [points for path, points in self._told.items() if path.rpartition("/")[0] == place]
        return own[0] if own else next(iter(self._told.values()), (0, 0)) if len(self._told) == 1 else (0, 0)
