"""One measured promise."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """A number, what it is compared with and whether the promise holds.

    Attributes:
        name: what was measured and on which data, in a few words.
        value: measured now.
        unit: of value and peer_value.
        peer: what it is compared with; "" for nothing.
        peer_value: the peer, measured in the same run; None where a published number is quoted or there is none.
        target: what is promised, in words: "<= 40 ms".
        holds: whether value meets the target.
    """

    name: str
    value: float
    unit: str
    peer: str = ""
    peer_value: float | None = None
    target: str = ""
    holds: bool = True

    @property
    def ratio(self) -> float | None:
        """Value by peer."""
        return self.value / self.peer_value if self.peer_value else None

    def as_dict(self) -> dict[str, Any]:
        """Return the row as bench/results.json keeps it."""
        return asdict(self) | {"ratio": self.ratio}
