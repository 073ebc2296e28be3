"""TFRecord files and their Example messages, without TensorFlow.

A record is its length as 8 bytes, a checksum of that, the message, and a checksum of it.
Source: tensorflow/core/lib/io/record_writer.h and tensorflow/core/example/example.proto; the encoding is that of
https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

import google_crc32c

from tator.formats import Report
from tator.formats.tree import Tree

LARGEST = 256 << 20  # bytes of one record, which may hold the image itself
BYTES, FLOATS, INTEGERS = 1, 2, 3  # field numbers of the lists in a Feature
MASK = 0xA282EAD8
Features = dict[str, list[Any]]


def each_example(tree: Tree, path: str, report: Report) -> Iterator[tuple[int, int, Features]]:
    """Yield (number from 1, place in the file, features) of every record.

    What is damaged or not an Example is noted.
    """
    tree.claim(path)
    try:
        with open(tree.root / path, "rb") as file:
            for number in range(1, 1 << 40):
                at = file.tell()
                content = _record(file)
                if content is None:
                    return
                if not content:
                    report.drop(path, "record is cut off or too long", "this record and those after it", number)
                    return
                if struct.unpack("<I", content[-4:])[0] != masked(content[:-4]):
                    report.drop(path, "damaged record", "its checksum differs", number)
                    continue
                try:
                    yield number, at, _features(content[:-4])
                except (ValueError, IndexError, struct.error) as error:
                    report.drop(path, "not an Example record", str(error)[:120], number)
    except OSError as error:
        report.drop(path, "cannot be read", error.strerror or str(error))


def example_at(tree: Tree, path: str, at: int) -> Features:
    """Return the features of the record at a place that `each_example` gave.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no longer the file that it was.
    """
    with open(tree.root / path, "rb") as file:
        file.seek(at)
        content = _record(file)
    if not content or struct.unpack("<I", content[-4:])[0] != masked(content[:-4]):
        raise ValueError("the file has changed")
    return _features(content[:-4])


def _record(file: IO[bytes]) -> memoryview | None:
    """Return the next message with its checksum, None at the end of the file.

    The message is empty where it is cut off.
    """
    head = file.read(12)
    if not head:
        return None
    length = struct.unpack("<Q", head[:8])[0] if len(head) == 12 else LARGEST + 1
    content = file.read(length + 4) if length <= LARGEST else b""
    return memoryview(content) if len(content) == length + 4 else memoryview(b"")


def _features(record: memoryview) -> Features:
    """Return {feature: values} of an Example.

    Nesting: Example.1 Features, Features.1 entries, entry.1 key, entry.2 Feature.
    """
    found: Features = {}
    for features in _parts(record, 1):
        for entry in _parts(features, 1):
            key = b"".join(_parts(entry, 1)).decode("utf-8", "replace")
            found[key] = next(map(_values, _parts(entry, 2)), [])
    return found


def _parts(message: memoryview, number: int) -> list[memoryview]:
    """Return the fields of a number, each of any length.

    Raises:
        ValueError: one is a plain number.
    """
    found = [value for at, value in _fields(message) if at == number]
    if any(isinstance(value, int) for value in found):
        raise ValueError(f"field {number} is a number; expected a message or text")
    return found


def _values(feature: memoryview) -> list[Any]:
    """Return the values of a Feature's list, which are its field 1."""
    for kind, listed in _fields(feature):
        if isinstance(listed, int):
            raise ValueError("a list of values is a number")
        if kind == BYTES:
            return [bytes(value) for value in _parts(listed, 1)]
        if kind == FLOATS:
            return [v for value in _parts(listed, 1) for v in struct.unpack(f"<{len(value) // 4}f", value)]
        values = [value for number, value in _fields(listed) if number == 1]
        return [v for value in values for v in ([value] if isinstance(value, int) else _packed(value))]
    return []


def _packed(content: memoryview) -> list[int]:
    found, at = [], 0
    while at < len(content):
        value, at = _varint(content, at)
        found.append(value)
    return found


def _fields(message: memoryview) -> Iterator[tuple[int, Any]]:
    """Yield (field number, value) of a protocol buffer message."""
    at = 0
    value: Any  # an int, or the bytes of a field
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        if kind == 0:
            value, at = _varint(message, at)
        else:
            size, at = _varint(message, at) if kind == 2 else ({1: 8, 5: 4}.get(kind, len(message) + 1), at)
            if at + size > len(message):
                raise ValueError("a field runs over the end of its message")
            value, at = message[at : at + size], at + size
        yield tag >> 3, value


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
    raise ValueError("a number has no end")


def write_example(file: IO[bytes], features: Mapping[str, bytes]) -> None:
    """Write a record.

    Args:
        file: to append to.
        features: {name: what texts, floats or integers returned}.
    """
    entries = b"".join(_field(1, _field(1, name.encode()) + _field(2, features[name])) for name in sorted(features))
    message = _field(1, entries)
    length = struct.pack("<Q", len(message))
    file.write(length + struct.pack("<I", masked(length)))
    file.write(message)
    file.write(struct.pack("<I", masked(message)))


def masked(content: bytes | memoryview) -> int:
    """Return the CRC-32C of some bytes as a record stores it.

    The mask keeps a checksum of data that holds checksums from being weak.
    Source: tensorflow/core/lib/hash/crc32c.h (Mask).
    """
    crc = google_crc32c.value(bytes(content))
    return ((crc >> 15 | crc << 17) + MASK) & 0xFFFFFFFF


def texts(*values: bytes | str) -> bytes:
    """Return a Feature that holds bytes or text."""
    encoded = (value.encode() if isinstance(value, str) else value for value in values)
    return _field(BYTES, b"".join(_field(1, value) for value in encoded))


def floats(values: Sequence[float]) -> bytes:
    """Return a Feature that holds numbers of single precision."""
    return _field(FLOATS, _field(1, struct.pack(f"<{len(values)}f", *values)))


def integers(*values: int) -> bytes:
    """Return a Feature that holds whole numbers of 0 or more."""
    return _field(INTEGERS, _field(1, b"".join(map(_number, values))))


def _field(number: int, content: bytes) -> bytes:
    """Return a field of any length: its number, its kind, its length, its content."""
    return bytes([number << 3 | 2]) + _number(len(content)) + content


def _number(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])
