"""Fingerprints of image files: hash, look as 64 bits, and EXIF orientation.

They are kept until a file changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, insert, select, update

from tator.datasets.dataset import Dataset, ImageRow
from tator.storage.database import chunks
from tator.storage.images import sha256, small_grey
from tator.storage.schema import fingerprint, image
from tator.types import BadInput, NotFound, Progress, Work

BATCH = 100  # files whose fingerprints are committed at once
THREADS = 4  # decoding and hashing leave Python free
SIDE = 32  # pixels of the grey thumbnail that a look is made of
BLOCK = 8  # side of the square of lowest frequencies that is kept


@dataclass(frozen=True)
class Fingerprint:
    """An image file as it was when last looked at.

    Attributes:
        bytes: size of the file.
        mtime_ns: time of change.
        sha256: hex digest of its bytes.
        phash: 64 bits that stay alike when a picture is scaled, compressed or brightened; None where not asked for.
        orientation: EXIF orientation 1 to 8; None where not asked for.
    """

    bytes: int
    mtime_ns: int
    sha256: str
    phash: int | None = None
    orientation: int | None = None


def take_fingerprints(dataset: Dataset, rows: Sequence[ImageRow], looks: bool = False) -> Work:
    """Return ({image id: Fingerprint}, {image id: why it has none}).

    Files that did not change are not read again.

    Args:
        dataset: whose images.
        rows: the images.
        looks: also decode each image for its look and orientation.
    """
    known = _known(dataset, looks)
    found: dict[int, Fingerprint] = {}
    problems: dict[int, str] = {}
    with ThreadPoolExecutor(THREADS) as pool:
        for start in range(0, len(rows), BATCH):
            batch = rows[start : start + BATCH]
            yield Progress(start, len(rows), "Looking at the image files")
            taken = list(pool.map(lambda row: _take(dataset, row, known.get(row.id), looks), batch))
            fresh = {}
            for row, each in zip(batch, taken, strict=True):
                if isinstance(each, str):
                    problems[row.id] = each
                else:
                    found[row.id] = each
                    if known.get(row.id) != each:
                        fresh[row.id] = each
            _keep(dataset, fresh)
    return found, problems


def _known(dataset: Dataset, looks: bool) -> dict[int, Fingerprint]:
    query = (
        select(fingerprint).join(image, image.c.id == fingerprint.c.image_id).where(image.c.dataset_id == dataset.id)
    )
    if looks:
        query = query.where(fingerprint.c.phash.is_not(None))
    with dataset.store.read() as conn:
        return {row.image_id: _of(row) for row in conn.execute(query)}


def _of(row) -> Fingerprint:  # noqa: ANN001
    return Fingerprint(
        row.bytes, row.mtime_ns, row.sha256, None if row.phash is None else int(row.phash, 16), row.orientation
    )


def _take(dataset: Dataset, row: ImageRow, known: Fingerprint | None, looks: bool) -> Fingerprint | str:
    """Return a file's fingerprint, or why it has none."""
    try:
        path = dataset.path(row)
        facts = path.stat()
        if known and (known.bytes, known.mtime_ns) == (facts.st_size, facts.st_mtime_ns):
            return known
        phash, orientation = look(path) if looks else (None, None)
        return Fingerprint(facts.st_size, facts.st_mtime_ns, sha256(path), phash, orientation)
    except (BadInput, NotFound) as error:
        return str(error)
    except OSError as error:
        return f"{row.path}: {error.strerror}"


def _keep(dataset: Dataset, fresh: dict[int, Fingerprint]) -> None:
    if not fresh:
        return
    rows = [
        {
            "image_id": image_id,
            "bytes": each.bytes,
            "mtime_ns": each.mtime_ns,
            "sha256": each.sha256,
            "phash": None if each.phash is None else f"{each.phash:016x}",
            "orientation": each.orientation,
        }
        for image_id, each in fresh.items()
    ]
    with dataset.store.write() as conn:
        for some in chunks(fresh):
            conn.execute(delete(fingerprint).where(fingerprint.c.image_id.in_(some)))
        conn.execute(insert(fingerprint), rows)
        for row in rows:
            conn.execute(update(image).where(image.c.id == row["image_id"]).values(sha256=row["sha256"]))


def look(path: Path) -> tuple[int, int]:
    """Return a picture's look as 64 bits, and its EXIF orientation.

    The bits say which of the lowest 8 x 8 cosine frequencies of the upright grey picture lie above their median.

    Raises:
        BadInput: the file cannot be read as an image.

    Source: https://www.phash.org/docs/pubs/thesis_zauner.pdf, section 3.2.1
    """
    import cv2

    grey, orientation = small_grey(path, SIDE)
    low = cv2.dct(grey)[:BLOCK, :BLOCK].ravel()
    bits = low > np.median(low[1:])
    return int.from_bytes(np.packbits(bits).tobytes(), "big"), orientation


def alike(one: NDArray[np.float32], other: NDArray[np.float32], at_least: float = 0.95) -> bool:
    """Whether two grey thumbnails show the same picture.

    Their correlation decides, or for flat ones their level.
    """
    a, b = one - one.mean(), other - other.mean()
    spread = float(np.sqrt((a * a).sum() * (b * b).sum()))
    if min(a.std(), b.std()) < 2:
        return bool(abs(one.mean() - other.mean()) < 4 and max(a.std(), b.std()) < 4)
    return float((a * b).sum()) / spread >= at_least


def near_pairs(hashes: Sequence[int], within: int) -> Iterator[tuple[int, int]]:
    """Yield (i, j), i < j, of 64-bit hashes that differ in few enough bits.

    Equal hashes are paired with the first of them.

    Of hashes cut into `within` + 1 bands, a near pair agrees on one band at least, so only hashes that share a band are
    compared.
    """
    first: dict[int, int] = {}
    for at, value in enumerate(hashes):
        if value in first:
            yield first[value], at
        else:
            first[value] = at
    values = np.array(list(first), np.uint64)
    places = np.array(list(first.values()), np.int64)
    seen: set[tuple[int, int]] = set()
    edges = np.linspace(0, 64, within + 2).astype(np.int64) if within else np.zeros(0, np.int64)
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        band = (values >> np.uint64(low)) & np.uint64((1 << int(high - low)) - 1)
        order = np.argsort(band, kind="stable")
        for group in np.split(order, np.flatnonzero(np.diff(band[order])) + 1):
            yield from _near_in(group, values, places, within, seen)


def _near_in(
    group: NDArray[np.int64],
    values: NDArray[np.uint64],
    places: NDArray[np.int64],
    within: int,
    seen: set[tuple[int, int]],
) -> Iterator[tuple[int, int]]:
    for at, row in enumerate(group[:-1]):
        rest = group[at + 1 :]
        near = rest[np.bitwise_count(values[rest] ^ values[row]) <= within]
        for other in near:
            one, two = int(places[row]), int(places[other])
            pair = min(one, two), max(one, two)
            if pair not in seen:
                seen.add(pair)
                yield pair
