"""An image's rows in memory while edits are applied to them and inverted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tator.editing.checks import Op
from tator.editing.reshaping import reshaped
from tator.editing.rows import Row
from tator.types import TatorError

OPTIONAL = ("rle", "attributes")  # a row that has none does not carry the key


def ids_of(ops: Iterable[Op]) -> set[str]:
    """Return the ids of the annotations that ops touch."""
    return {op["annotation"]["id"] if op["op"] == "add" else op["id"] for op in ops if op["op"] != "image"}


@dataclass
class Draft:
    """An image while edits are applied to it in memory.

    Attributes:
        rows: {id: row, or None where there is none} of every id that the ops touch.
        elsewhere: ids among them that belong to another image.
        image: its state, caption, tags and notes.
        followed: fields that changed as others did: "xyxy", "polygons", "rle", "attributes".
        dropped: outlines that could not follow their box.
    """

    rows: dict[str, Row | None]
    elsewhere: set[str]
    image: dict[str, Any]
    followed: set[str] = field(default_factory=set)
    dropped: int = 0

    def reshape(self, ops: list[Op]) -> None:
        """Complete the ops of a person's edit in place, so that each object has one shape.

        The journal holds them complete, so that a redo needs no rule.

        Args:
            ops: checked ones, before they are applied.
        """
        rows = dict(self.rows)
        for op in ops:
            if op["op"] == "add":
                rows[op["annotation"]["id"]] = op["annotation"]
            elif op["op"] == "set" and (row := rows.get(op["id"])) is not None:
                changes = reshaped(row, op["changes"])
                more = changes.keys() - op["changes"].keys()
                self.followed |= {name for name in more if changes[name]}
                self.dropped += any(name in more and not changes[name] for name in ("polygons", "rle"))
                op["changes"] = changes
                rows[op["id"]] = row | changes

    def apply(self, ops: list[Op], where: str, refusal: type[TatorError]) -> list[Op]:
        """Apply ops in order; return those that take them back, also in order.

        Args:
            ops: checked ones.
            where: the edit they are from, for messages.
            refusal: error to raise when an op does not fit: BadInput where the client is wrong, Conflict where
                the journal no longer fits because something outside it changed the annotations.
        """
        inverse = [self._apply(op, f"{where}.ops[{i}]", refusal) for i, op in enumerate(ops)]
        return inverse[::-1]

    def _apply(self, op: Op, where: str, refusal: type[TatorError]) -> Op:
        if op["op"] == "image":
            before = {name: self.image[name] for name in op["changes"]}
            self.image |= op["changes"]
            return {"op": "image", "changes": before}
        if op["op"] == "add":
            return self._add(op["annotation"], where, refusal)
        row = self.rows.get(op["id"])
        if row is None:
            raise refusal(f"{where}.id: this image has no annotation {op['id']!r}")
        if op["op"] == "delete":
            self.rows[op["id"]] = None
            return {"op": "add", "annotation": row}
        changes = op["changes"]
        self.rows[op["id"]] = {name: value for name, value in (row | changes).items() if name not in OPTIONAL or value}
        return {"op": "set", "id": op["id"], "changes": {name: row.get(name) for name in changes}}

    def _add(self, row: Row, where: str, refusal: type[TatorError]) -> Op:
        key = row["id"]
        if key in self.elsewhere or self.rows.get(key):
            raise refusal(
                f"{where}.annotation.id: {key!r} is taken by {'another' if key in self.elsewhere else 'this'} image"
            )
        self.rows[key] = row
        return {"op": "delete", "id": key}
