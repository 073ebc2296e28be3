"""Key points that a format names one by one, in the order that a class has them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from tator.attributes import Skeleton

Spot = tuple[float, float, int]  # x, y, and whether it is seen
NOWHERE = (0.0, 0.0, 0)  # of a key point that an object lacks


class NamedPoints:
    """The key points of each class, in the order in which they are met."""

    def __init__(self) -> None:
        self._names: dict[str, dict[str, None]] = {}
        self._edges: dict[str, dict[tuple[str, str], None]] = {}

    def meet(self, class_name: str, names: Iterable[str], edges: Iterable[tuple[str, str]] = ()) -> None:
        """Note that an object of a class has key points of these names."""
        self._names.setdefault(class_name, {}).update(dict.fromkeys(names))
        self._edges.setdefault(class_name, {}).update(dict.fromkeys(edges))

    def rows(self, class_name: str, spots: Mapping[str, Spot]) -> list[Spot]:
        """Return an object's key points in the order of its class, none where it has none."""
        return [spots.get(name, NOWHERE) for name in self._names.get(class_name, ())] if spots else []

    def skeletons(self, index: Callable[[str], int | None]) -> dict[int, Skeleton]:
        """Return the key points by the number of their class.

        Args:
            index: returns the number of a class, None where it has none.
        """
        found = {}
        for class_name, names in self._names.items():
            at = {name: number for number, name in enumerate(names)}
            edges = tuple((at[a], at[b]) for a, b in self._edges[class_name] if a in at and b in at and a != b)
            if names and (number := index(class_name)) is not None:
                found[number] = Skeleton(tuple(names), edges)
        return found


def told_apart(names: Sequence[str]) -> Iterator[str]:
    """Yield the names of an object's key points, those that repeat with a number."""
    met: Counter[str] = Counter()
    for name in names:
        met[name] += 1
        yield f"{name} {met[name]}" if met[name] > 1 else name
