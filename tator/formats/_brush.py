"""Label Studio's masks: the four channels of an image, packed bit by bit.

A head of 32 bits says how many values there are, 5 bits how wide one is, and four times 4 bits how wide a count may be; then
come runs: a bit that says whether one value is repeated, 2 bits that choose the width of the count, the count, the values.

Source: https://github.com/thi-ng/umbrella/tree/develop/packages/rle-pack and https://labelstud.io/guide/task_format
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tator.types import BadInput

CHANNELS = 4
WORD = 8  # bits of a value that is written
COUNTS = (3, 4, 8, 16)  # widths of counts that are written
OPAQUE = 128  # of 255: a pixel that is at least half covered belongs to the mask
MANY = 16  # values that are worth an array


def unpacked(packed: list[int] | bytes | None, width: int, height: int) -> NDArray[np.bool_]:
    """Return the (height, width) pixels of a mask.

    Raises:
        BadInput: the bits are cut off, or are those of another size.
    """
    try:
        bits = _Bits(bytes(packed) if isinstance(packed, list) else packed)
    except (TypeError, ValueError) as error:
        raise BadInput("its run lengths are no bytes from 0 to 255") from error
    total, word = bits.number(32), bits.number(5) + 1
    widths = [bits.number(4) + 1 for _ in range(4)]
    if total != width * height * CHANNELS or word != WORD:
        told = f"expected {CHANNELS} of {WORD} bits for each of {width} x {height} pixels"
        raise BadInput(f"it has {total} values of {word} bits; {told}")
    values, at = np.zeros(total, np.uint8), 0
    while at < total:
        is_repeated = bits.number(1)
        end = min(at + 1 + bits.number(widths[bits.number(2)]), total)
        values[at:end] = bits.number(word) if is_repeated else bits.numbers(word, end - at)
        at = end
    return values[CHANNELS - 1 :: CHANNELS].reshape(height, width) >= OPAQUE


def packed(pixels: NDArray[np.bool_]) -> list[int]:
    """Return the bytes of a mask, as Label Studio packs it."""
    flat = pixels.ravel()
    ends = np.flatnonzero(np.diff(flat)) + 1
    starts = np.concatenate(([0], ends))
    lengths = np.diff(np.concatenate((starts, [flat.size]))) * CHANNELS
    parts = [f"{flat.size * CHANNELS:032b}", f"{WORD - 1:05b}", *(f"{width - 1:04b}" for width in COUNTS)]
    for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
        parts += _run("1" * WORD if flat[start] else "0" * WORD, length)
    bits = np.frombuffer("".join(parts).encode(), np.uint8) - ord("0")
    return np.packbits(bits).tolist()


def _run(value: str, length: int) -> list[str]:
    """Return the bits of one value repeated, in as many runs as its length needs."""
    parts = []
    while length:
        count = min(length, 1 << COUNTS[-1])
        choice = next(at for at, width in enumerate(COUNTS) if count <= 1 << width)
        parts.append(f"1{choice:02b}{count - 1:0{COUNTS[choice]}b}{value}")
        length -= count
    return parts


class _Bits:
    """Bits that are read one number after the other."""

    def __init__(self, content: bytes | None) -> None:
        if not isinstance(content, bytes):
            raise TypeError("expected bytes")
        self._content, self._at = content, 0

    def number(self, size: int) -> int:
        """Return the next number of so many bits.

        Raises:
            BadInput: there are no more.
        """
        at, self._at = self._at, self._at + size
        last = (self._at + 7) >> 3
        if last > len(self._content):
            raise BadInput("its run lengths are cut off")
        whole = int.from_bytes(self._content[at >> 3 : last], "big") >> (8 * last - self._at)
        return whole & ((1 << size) - 1)

    def numbers(self, size: int, count: int) -> NDArray | list[int]:
        """Return the next numbers of so many bits each; see `number`."""
        if count < MANY:
            return [self.number(size) for _ in range(count)]
        at, self._at = self._at, self._at + size * count
        last = (self._at + 7) >> 3
        if last > len(self._content):
            raise BadInput("its run lengths are cut off")
        bits = np.unpackbits(np.frombuffer(self._content[at >> 3 : last], np.uint8))
        rows = bits[at & 7 : (at & 7) + size * count].reshape(count, size)
        return rows @ (1 << np.arange(size, dtype=np.int64)[::-1])
