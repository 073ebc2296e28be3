"""Print as JSON what protobuf's own code reads in the record files of a folder; runs in the environment beside, see oracles.py.

Usage: python tfrecord_reads.py FOLDER
"""

from __future__ import annotations

import hashlib
import json
import struct
import sys
from pathlib import Path

import crc32c
import numpy as np
from tfrecord import example_pb2
from tfrecord.reader import tfrecord_iterator


def masked(content: bytes) -> int:
    crc = crc32c.crc32c(content)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def check_sums(path: Path) -> None:
    """Fail when a length or a message has another checksum than it should."""
    content, at = path.read_bytes(), 0
    while at < len(content):
        length, told = struct.unpack("<QI", content[at : at + 12])
        assert told == masked(content[at : at + 8]), f"{path}: checksum of a length"
        message = content[at + 12 : at + 12 + length]
        assert struct.unpack("<I", content[at + 12 + length : at + 16 + length])[0] == masked(message), (
            f"{path}: checksum"
        )
        at += 16 + length


def decoded(picture: bytes) -> np.ndarray:
    import cv2

    return cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)


def plain(name: str, feature: example_pb2.Feature) -> list:
    """Return a feature's values; pictures as (height, width, pixels that are on) and images as (height, width, sha256)."""
    kind = feature.WhichOneof("kind")
    if kind != "bytes_list":
        return list(getattr(feature, kind).value)
    values = feature.bytes_list.value
    if name == "image/encoded":
        return [[*decoded(value).shape[:2], hashlib.sha256(value).hexdigest()] for value in values]
    if name == "image/object/mask":
        return [[*decoded(value).shape[:2], int(np.count_nonzero(decoded(value)))] for value in values]
    return [value.decode() for value in values]


def read(folder: Path) -> dict[str, list[dict]]:
    """Return {file: [{feature: values}]}."""
    found = {}
    for path in sorted(folder.glob("*.tfrecord*")):
        check_sums(path)
        rows = found[path.name] = []
        for record in tfrecord_iterator(str(path)):
            example = example_pb2.Example.FromString(bytes(record))
            rows.append({name: plain(name, feature) for name, feature in example.features.feature.items()})
    return found


if __name__ == "__main__":
    print("ANSWER" + json.dumps(read(Path(sys.argv[1]))))
