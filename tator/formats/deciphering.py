"""Decode texts of a folder that are not UTF-8, as if one person wrote them."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from tator.encodings import ALONE, FALLBACK, UTF8, Guess, by_chance, guess, longest, marked
from tator.formats import Report

READ = 16 << 10  # bytes of a file that are judged
MOST_FILES = 2_000  # that are looked into to judge one encoding for all
MOST_BYTES = 64 << 10  # outside ASCII that are judged
CHUNK = 1 << 20
WORD = 80  # bytes in front of a byte that is not UTF-8 in which its word starts
REASON = "text is not UTF-8"


class Deciphering:
    """The encodings of a folder's texts.

    Args:
        root: the folder.
        paths: returns its text files.
        report: takes a note of each file that is not UTF-8.
    """

    def __init__(self, root: Path, paths: Callable[[], Iterable[str]], report: Report) -> None:
        self._root, self._paths, self._report = root, paths, report
        self._told: dict[str, Guess] = {}

    def text(self, path: str, content: bytes) -> str:
        """Return a file's bytes as text."""
        if b"\0" not in content:
            try:
                text = content.decode(UTF8)
            except UnicodeDecodeError:
                pass
            else:
                if not self._is_by_chance(path, content, text):
                    return text
        found = self._found(path, content)
        text = content.decode(found.encoding, "replace").lstrip("\ufeff")
        self._tell(path, found, text)
        return text

    def _is_by_chance(self, path: str, content: bytes, text: str) -> bool:
        """Return whether a text of a folder in another encoding is UTF-8 only by chance.

        One that may be, in a folder that says nothing, is noted.
        """
        other = by_chance(content) if 0 < len(content) - len(text) <= ALONE else None
        if other is None or (self._whole is not None and self._whole.encoding == other.encoding):
            return other is not None
        if path not in self._told:
            self._told[path] = Guess(UTF8, False)
            meant = ", ".join(_odd_words(content.decode(other.encoding)))
            odd = ", ".join(_odd_words(text))
            told = f"{odd} as UTF-8, {meant} as {other.told}; UTF-8 is taken: save the file as UTF-8 if that is wrong"
            self._report.notice(path, "text may be in another encoding", told)
        return False

    def encoding(self, path: str) -> str:
        """Return the encoding of a file that is read piece by piece."""
        try:
            with open(self._root / path, "rb") as file:
                odd = _odd(file)
        except OSError:
            return UTF8
        if not odd:
            return UTF8
        found = self._found(path, odd)
        self._tell(path, found, odd.decode(found.encoding, "replace"))
        return found.encoding

    def _found(self, path: str, content: bytes) -> Guess:
        """Return a file's encoding: by marks, else the folder's, else its own."""
        if mark := marked(content):
            return Guess(mark, True)
        for found in (self._told.get(path), self._whole):
            if found is not None and found.encoding != UTF8 and _decodes(content, found.encoding):
                return found
        if _decodes(content, UTF8):
            return by_chance(content) or Guess(UTF8, True)
        return guess(content) or Guess(FALLBACK, False)

    @cached_property
    def _whole(self) -> Guess | None:
        """Return the one encoding of all texts that are not UTF-8, if one fits."""
        heads = []
        for _, path in zip(range(MOST_FILES), sorted(self._paths())):
            try:
                with open(self._root / path, "rb") as file:
                    head = file.read(READ)
            except OSError:
                continue
            if len(head) == READ:
                head = head.rpartition(b"\n")[0]
            if not marked(head) and not _decodes(head, UTF8):
                heads.append(head)
        return guess(longest(heads, MOST_BYTES)) if heads else None

    def _tell(self, path: str, found: Guess, text: str) -> None:
        if path in self._told or found.encoding == UTF8:
            return
        self._told[path] = found
        odd = ", ".join(dict.fromkeys(_odd_words(text)))[:80]
        told = f"read as {found.told}" + (f": {odd}" if odd else "")
        if found.is_sure and "\ufffd" not in text:
            self._report.notice(path, REASON, told)
        else:
            self._report.repair(path, REASON, f"{told}; it may be another one: check the names, or save it as UTF-8")


def _odd_words(text: str) -> list[str]:
    words = (word.strip("\"'<>,:;[]{}()") for word in text[:READ].split())
    return [word[:40] for word in words if not word.isascii()][:3]


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _odd(file: BinaryIO) -> bytes:
    """Return up to READ bytes from the first word that is not UTF-8, or none.

    A file with zeros is judged by its head.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while chunk := file.read(CHUNK):
            if b"\0" in chunk:
                file.seek(0)
                return file.read(READ)
            if not chunk.isascii() or decoder.getstate()[0]:
                decoder.decode(chunk)
        decoder.decode(b"", True)
    except UnicodeDecodeError as error:
        near = error.object[max(0, error.start - WORD) : error.start]
        begin = max(
            near.rfind(sign) for sign in (b'"', b" ", b"\n", b">")
        )  # with its sign: no letter looks like a mark
        start = max(0, error.start - len(near) + begin)
        return (error.object[start : start + READ] + file.read(READ))[:READ]
    return b""
