"""Two references of one file that end at one image: at most one of them is right."""

from __future__ import annotations

from collections.abc import Callable

from tator.formats import Report
from tator.formats._references import folded, parts_of

AMBIGUOUS = "image name is ambiguous"


class Meant:
    """Which reference of a file each image was found by.

    Two references that differ in more than leading folders are two images to the file. When both are found at one image, one
    has landed on a namesake.

    Args:
        forget: takes a file and an image whose labels so far are another's.
    """

    def __init__(self, forget: Callable[[str, str], None]) -> None:
        self._forget = forget
        self._by: dict[tuple[str, str], tuple[str, bool]] = {}
        self._contested: set[tuple[str, str]] = set()

    def allows(self, file: str, image: str, reference: str, is_guess: bool, report: Report, line: int | None) -> bool:
        """Return whether a reference may mean an image; noted where not.

        Args:
            file: that holds the reference.
            image: that was found for it.
            reference: with the folder that the file says it lies in.
            is_guess: whether only its end was found.
            report: takes the note.
            line: of the reference in the file.
        """
        first, was_guess = self._by.setdefault((file, image), (reference, is_guess))
        if _is_same(first, reference):
            return (file, image) not in self._contested
        if was_guess >= is_guess:
            self._forget(file, image)
        if was_guess and not is_guess:
            self._by[file, image] = (reference, False)
            report.drop(file, AMBIGUOUS, f"{first[:120]} is not {image}, which is {reference[:120]}", line)
            return True
        if was_guess == is_guess:
            self._contested.add((file, image))
            both = f"{first[:120]} and {reference[:120]} may both be {image}; labels of neither are read"
            report.drop(file, AMBIGUOUS, both, line)
        else:
            report.drop(file, AMBIGUOUS, f"{reference[:120]} is not {image}, which is {first[:120]}", line)
        return False


def _is_same(one: str, other: str) -> bool:
    a, b = ([folded(part) for part in parts_of(text)] for text in (one, other))
    length = min(len(a), len(b))
    return a[len(a) - length :] == b[len(b) - length :]
