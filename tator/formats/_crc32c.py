"""CRC-32C, the checksum of TFRecord files, computed over many pieces at once.

Source: RFC 3720, appendix B.4 (Castagnoli's polynomial), and tensorflow/core/lib/hash/crc32c.h (masked_crc).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

POLYNOMIAL = 0x82F63B78  # bits reversed
PIECE = 128  # bytes; NumPy goes through the first byte of all pieces, then through the second, ...
WORTH_IT = 2048  # bytes; below, Python alone is faster
MASK = 0xA282EAD8


def crc32c(content: bytes | memoryview) -> int:
    """Return the checksum of some bytes."""
    given = np.frombuffer(content, np.uint8)
    whole = len(given) // PIECE * PIECE if len(given) >= WORTH_IT else 0
    state = 0xFFFFFFFF
    if whole:
        columns = np.ascontiguousarray(given[:whole].reshape(-1, PIECE).T)
        a, b, c, d = _over_zeros()
        for end in _advanced(np.zeros(columns.shape[1], np.uint32), columns).tolist():
            state = a[state & 255] ^ b[state >> 8 & 255] ^ c[state >> 16 & 255] ^ d[state >> 24] ^ end
    table = _plain_table()
    for byte in given[whole:].tolist():
        state = table[(state ^ byte) & 255] ^ state >> 8
    return state ^ 0xFFFFFFFF


def masked(content: bytes | memoryview) -> int:
    """Return the checksum as TFRecord stores it.

    The mask keeps a checksum of data that holds checksums from being weak.
    """
    crc = crc32c(content)
    return ((crc >> 15 | crc << 17) + MASK) & 0xFFFFFFFF


@cache
def _table() -> NDArray[np.uint32]:
    """Return (256,) states after one byte."""
    states = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        states = np.where(states & 1, states >> 1 ^ np.uint32(POLYNOMIAL), states >> 1)
    return states


@cache
def _plain_table() -> list[int]:
    return _table().tolist()


@cache
def _over_zeros() -> list[list[int]]:
    """Return, per byte of a state, the 256 states it becomes over a piece of zeros."""
    starts = [np.arange(256, dtype=np.uint32) << np.uint32(8 * at) for at in range(4)]
    return [_advanced(start, np.zeros((PIECE, 256), np.uint8)).tolist() for start in starts]


def _advanced(states: NDArray[np.uint32], columns: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Return N states after the bytes of (steps, N) columns."""
    table = _table()
    for column in columns:
        states = table[(states ^ column) & 255] ^ states >> 8
    return states
