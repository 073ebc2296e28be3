"""Orders of the review: which candidates a person decides about first.

There is one queue. A workflow that wants its own order registers it here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, literal_column, or_

from tator.editing.candidate_pages import CONFIDENCE
from tator.storage.register import Register
from tator.storage.schema import annotation, image
from tator.types import BadInput

# As an index of the table has it: another spelling would not find the index.
DOUBT: ColumnElement[float] = literal_column("abs(coalesce(annotation.confidence, -1.0) - 0.5)")


@dataclass(frozen=True)
class Key:
    """What an order sorts by.

    Attributes:
        column: of the annotation or its image; never NULL.
        is_descending: the largest first.
    """

    column: ColumnElement
    is_descending: bool = False

    def sorting(self) -> ColumnElement:
        """Return it as a term of ORDER BY."""
        return self.column.desc() if self.is_descending else self.column.asc()

    def follows(self, value: Any) -> ColumnElement[bool]:
        """Return the condition that a row comes after this value."""
        return self.column < value if self.is_descending else self.column > value

    def is_from(self, value: Any) -> ColumnElement[bool]:
        """Return the condition that a row has this value or comes after it."""
        return self.column <= value if self.is_descending else self.column >= value


@dataclass(frozen=True)
class Order:
    """An order of the queue.

    Attributes:
        name: what callers ask for.
        label: for people.
        keys: what it sorts by, the most important first; the last one tells all rows apart.
        is_by_image: it goes from image to image, along their names.
    """

    name: str
    label: str
    keys: tuple[Key, ...]
    is_by_image: bool = False

    def after(self, cursor: str) -> ColumnElement[bool]:
        """Return the condition for rows behind a cursor.

        Raises:
            BadInput: the cursor is not one that this order gave.
        """
        values = self._values(cursor)
        ties = [
            and_(*(k.column == v for k, v in zip(self.keys[:at], values[:at], strict=True)), key.follows(values[at]))
            for at, key in enumerate(self.keys)
        ]
        return and_(self.keys[0].is_from(values[0]), or_(*ties))  # the first lets an index begin there

    def cursor(self, values: Sequence[Any]) -> str:
        """Return the cursor of a row, given what it holds of the keys."""
        return json.dumps([self.name, *values])

    def _values(self, cursor: str) -> list[Any]:
        try:
            name, *values = json.loads(cursor)
        except (ValueError, TypeError, RecursionError):
            name, values = "", []
        if (
            name != self.name
            or len(values) != len(self.keys)
            or not all(isinstance(v, (str, int, float)) for v in values)
        ):
            raise BadInput(f"after must be what review_queue answered in the order {self.name!r}, is {cursor[:80]!r}")
        return values


_orders: Register[Order] = Register("order of the review", "orders of the review")


def register_order(order: Order) -> Order:
    """Let people choose an order of the review; return it.

    Raises:
        ValueError: two orders have one name.
    """
    return _orders.add(order.name, order)


def order_called(name: str) -> Order:
    """Return an order.

    Raises:
        NotFound: no such order.
    """
    return _orders.called(name)


def orders() -> list[Order]:
    """Return the registered orders, sorted by name."""
    return list(_orders)


_best = Key(CONFIDENCE, is_descending=True)
_last = Key(annotation.c.id, is_descending=True)
register_order(Order("image", "Image by image", (Key(image.c.path), _best, _last), is_by_image=True))
register_order(Order("confidence", "Most confident first", (_best, _last)))
register_order(Order("doubt", "Least sure first", (Key(DOUBT), Key(annotation.c.id))))
