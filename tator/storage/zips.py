"""Zip files that depend on their content only: same files, same bytes."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can say: fixed, so that equal content is equal bytes
COPY_BYTES = 1 << 20


def entry(name: str, compressed: bool = False) -> zipfile.ZipInfo:
    """Return the head of a zip entry that depends on nothing but its name."""
    info = zipfile.ZipInfo(name, EPOCH)
    info.create_system, info.external_attr = 3, 0o644 << 16
    info.compress_type = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    return info


def zip_files(target: Path, files: Mapping[str, Path]) -> None:
    """Write files into a zip.

    Args:
        target: the zip.
        files: {name in the zip: file}.
    """
    with zipfile.ZipFile(target, "w", allowZip64=True) as archive:
        for name, file in files.items():
            with file.open("rb") as source, archive.open(entry(name, compressed=True), "w", force_zip64=True) as sink:
                shutil.copyfileobj(source, sink, COPY_BYTES)
