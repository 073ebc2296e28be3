"""Columns that take little memory: texts in one block, numbers in narrow types."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.signedinteger[Any]]


class Texts:
    """N texts in one block of bytes: 8 bytes of memory a text beside its own."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        """Keep these texts."""
        self._block, self._ends = bytearray(), array("q")
        for text in texts:
            self.append(text)

    def append(self, text: str) -> None:
        """Add a text at the end."""
        self._block += text.encode("utf-8", "surrogatepass")
        self._ends.append(len(self._block))

    def extend(self, texts: Iterable[str]) -> None:
        """Add texts at the end."""
        for text in texts:
            self.append(text)

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, row: int) -> str:
        first = self._ends[row - 1] if row else 0
        return self._block[first : self._ends[row]].decode("utf-8", "surrogatepass")

    def taken(self, rows: NDArray[np.int64]) -> Texts:
        """Return the texts of some rows, in that order."""
        return Texts(self[row] for row in rows.tolist())


class ExactFloats:
    """Numbers that are added to: float32 while that holds each of them exactly.

    It does what a detector gave.
    """

    def __init__(self) -> None:
        """Hold nothing."""
        self._values = array("f")

    def extend(self, values: NDArray[np.float64]) -> None:
        """Add numbers at the end."""
        if self._values.typecode == "f":
            narrow = values.astype(np.float32)
            if np.array_equal(narrow, values):
                self._values.frombytes(narrow.tobytes())
                return
            self._values = array("d", self._values)
        self._values.frombytes(values.tobytes())

    def values(self) -> NDArray[np.float32] | NDArray[np.float64]:
        """Return the numbers; none can be added then."""
        return np.asarray(self._values)


def whole_numbers(values: Iterable[int] | NDArray[np.int64]) -> Whole:
    """Return whole numbers as int32 where they fit, else as int64."""
    wide = np.asarray(values, np.int64)
    return wide.astype(np.int32) if not len(wide) or abs(wide).max() < 2**31 else wide
