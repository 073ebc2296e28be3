"""A register of what modules declare by name when they are imported."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

from tator.types import NotFound

T = TypeVar("T")


class Register(Generic[T]):
    """Things by name, each added once."""

    def __init__(self, one: str, several: str) -> None:
        """Hold nothing yet.

        Args:
            one: what one of them is called in messages.
            several: what two of them are called.
        """
        self._one, self._several = one, several
        self._things: dict[str, T] = {}

    def add(self, name: str, thing: T) -> T:
        """Add a thing and return it.

        Raises:
            ValueError: another has the name.
        """
        if name in self._things:
            raise ValueError(f"two {self._several} are called {name!r}")
        self._things[name] = thing
        return thing

    def called(self, name: str) -> T:
        """Return the thing with a name.

        Raises:
            NotFound: none has it; the message names those that there are.
        """
        if name not in self._things:
            there = ", ".join(sorted(self._things))
            raise NotFound(f"no {self._one} is called {name[:80]!r}; there are: {there}")
        return self._things[name]

    def __contains__(self, name: str) -> bool:
        return name in self._things

    def __iter__(self) -> Iterator[T]:
        """Yield the things in the order of their names."""
        return (self._things[name] for name in sorted(self._things))
