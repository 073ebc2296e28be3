"""Read the lists of a large JSON object entry by entry, in bounded memory.

The text is taken as Latin-1, in which each byte is one letter and JSON's own signs are what they are in UTF-8: a place in the
text is a place in the file, and an entry is decoded from its bytes when its letters matter.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from typing import Any, BinaryIO

CHUNK = 1 << 20  # bytes read at once
LONGEST = 64 << 20  # bytes of one entry
BOM = b"\xef\xbb\xbf"
_AFTER = frozenset(",:]} \t\n\r")  # what may stand behind a value
_SPACE = re.compile(r"[ \t\n\r]*")
_decode = json.JSONDecoder().raw_decode


def entries(file: BinaryIO, wanted: Collection[str]) -> Iterator[tuple[str, Any, int, int]]:
    """Yield (key, entry, start, end) of the lists under some keys of an object.

    Start and end are bytes of the file; letters outside ASCII are those of Latin-1, see `decoded`.

    Args:
        file: JSON in UTF-8.
        wanted: keys of the lists; all else is passed over.

    Raises:
        ValueError: the file is not a JSON object, or what stands under a wanted key is not a list.
    """
    text = _Text(file)
    for key in text.keys():
        if key in wanted:
            if text.peek() != "[":
                raise ValueError(f"{key} is not a list")
            for value, start, end in text.list_entries():
                yield key, value, start, end
        else:
            text.skip()
    text.end()


def decoded(content: bytes) -> Any:
    """Return the entry that bytes of a file hold."""
    return json.loads(content)


class _Text:
    """The part of a file that is read, and how far it is understood."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._text, self._at, self._is_whole = file, "", 0, False
        self._base = len(BOM) if file.read(len(BOM)) == BOM else 0
        file.seek(self._base)

    @property
    def place(self) -> int:
        """Return the byte of the file that is next."""
        return self._base + self._at

    def keys(self) -> Iterator[str]:
        """Yield the keys of an object; the value of each must be taken before the next."""
        self._take("{", "an object")
        if self.peek() == "}":
            return self._take("}", "}")
        while True:
            key, start, _ = self.value()
            if not isinstance(key, str):
                raise ValueError(f"expected a key at byte {start:,}")
            self._take(":", "a colon")
            yield key
            if self._take(",}", "a comma or }") == "}":
                return None

    def list_entries(self) -> Iterator[tuple[Any, int, int]]:
        """Yield (entry, start, end) of a list."""
        self._take("[", "a list")
        if self.peek() == "]":
            return self._take("]", "]")
        while True:
            yield self.value()
            if self._take(",]", "a comma or ]") == "]":
                return None

    def skip(self) -> None:
        """Pass over a value, however long it is."""
        sign = self.peek()
        if sign == "[":
            for _ in self.list_entries():
                pass
        elif sign == "{":
            for _ in self.keys():
                self.value()
        else:
            self.value()

    def value(self) -> tuple[Any, int, int]:
        """Return the value that is next, where it starts and where it ends."""
        self.peek()
        while True:
            is_last = self._is_whole or len(self._text) - self._at > LONGEST
            try:
                value, end = _decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if is_last:
                    raise ValueError(f"{error.msg.removesuffix(' at')} at byte {self._base + error.pos:,}") from None
            else:
                if is_last or self._text[end : end + 1] in _AFTER:  # else a number may go on
                    start, self._at = self.place, end
                    return value, start, self.place
            self._more()

    def end(self) -> None:
        """Check that nothing but space is left."""
        if sign := self.peek():
            raise ValueError(f"extra data at byte {self.place:,}: {sign!r}")

    def peek(self) -> str:
        """Return the sign that is next, "" at the end."""
        while True:
            self._at = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._text) or self._is_whole:
                return self._text[self._at : self._at + 1]
            self._more()

    def _take(self, signs: str, told: str) -> Any:
        sign = self.peek()
        if not sign or sign not in signs:
            raise ValueError(f"expected {told} at byte {self.place:,}, found {sign or 'the end'!r}")
        self._at += 1
        return sign

    def _more(self) -> None:
        """Read on, at least as much as waits: a long entry is not tried too often."""
        rest = self._text[self._at :]
        self._base, self._at = self.place, 0
        content = self._file.read(max(CHUNK, len(rest)))
        self._is_whole = not content
        self._text = rest + content.decode("latin-1")
