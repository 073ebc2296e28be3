"""Bring weights into the workspace: from the hub, an address or a local copy.

Nothing half-done is ever found by weights.locate: a file gets its name when it is whole, a folder its
place when all of it is checked, and what was there before stays until then.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tator.protocols import Card
from tator.storage.atomic import write_json
from tator.types import BadInput, NotFound, Progress, Unavailable, Work
from tator.weights.checkpoints import TENSOR_FILES, check_file
from tator.weights.places import RECORD, advice, by_hand, checked, file_name, is_address, is_wanted, place_of

if TYPE_CHECKING:
    from tator.weights.network import Network

COPY_CHUNK = 16 << 20  # bytes


def download(card: Card, folder: Path, network: Network) -> Work:
    """Fetch a card's weights, continuing an earlier try.

    Args:
        card: of a backend.
        folder: the workspace's models folder.
        network: settings of this machine.

    Yields:
        Progress in bytes.

    Returns:
        The path to load from, as text.

    Raises:
        Unavailable: offline, no connection, no permission, no disk space; the message says what mends it.
        BadInput: what arrived is damaged.
    """
    if not card.is_fetched:
        raise BadInput(f"{card.label} needs no download")
    place = place_of(card, folder)
    if network.offline:
        raise Unavailable(advice(card, place, network, "offline"), state="offline")
    from tator.weights import download as fetching

    with fetching.client(network) as web:
        try:
            files = (
                [_RemoteFile(file_name(card), card.weights, 0, card.sha256)]
                if is_address(card)
                else _listed(card, network, web)
            )
            yield from _fetch_all(web, files, place, network)
        except Unavailable as error:
            if error.details.get("status") in (401, 403):
                raise Unavailable(advice(card, place, network, "gated"), state="gated") from error
            raise Unavailable(f"{str(error).rstrip('.')}. {by_hand(card, place)}", **error.details) from error
    return str(checked(card, place))


def import_local(card: Card, source: Path, folder: Path) -> Work:
    """Copy a file or folder of weights into the workspace after checking it.

    Args:
        card: of a backend.
        source: a weight file, or a folder with the card's files.
        folder: the workspace's models folder.

    Yields:
        Progress in bytes.

    Returns:
        The path to load from, as text.

    Raises:
        NotFound: no such file or folder.
        Unavailable: a file of the folder is missing.
        BadInput: a file is cut short, is not a weight file or would run code; what was there before stays.
    """
    if not card.is_fetched:
        raise BadInput(f"{card.label} needs no weights")
    if not source.exists():
        raise NotFound(f"no such file or folder: {source}")
    files = _files_to_copy(card, source)
    place = place_of(card, folder)
    arriving = place.with_name(place.name + ".arriving")
    shutil.rmtree(arriving, ignore_errors=True)
    arriving.mkdir(parents=True)
    try:
        yield from _copy(files, arriving)
        checked(card, arriving)
        record = {file.name: {"size": file.stat().st_size, "sha256": ""} for file in files}
        _write_record(arriving, str(source), record)
        _swap(arriving, place)
    finally:
        shutil.rmtree(arriving, ignore_errors=True)
    return str(checked(card, place))


def _files_to_copy(card: Card, source: Path) -> list[Path]:
    """Return the files of `source` that the card reads, weight files checked."""
    if source.is_dir() and is_address(card):
        found = sorted(file for file in source.iterdir() if file.suffix in TENSOR_FILES)
        named = [file for file in found if file.name == file_name(card)]
        if len(named or found) != 1:
            told = ", ".join(file.name for file in found) or "none"
            raise BadInput(f"{card.label} reads one weight file such as {file_name(card)}; {source.name} holds {told}")
        files = named or found
    elif source.is_dir():
        files = sorted(file for file in source.iterdir() if file.is_file() and is_wanted(card, file.name))
    else:
        files = [source]
    if not files:
        raise Unavailable(f"{source} holds none of {', '.join(card.files)}, which {card.label} reads")
    for file in files:
        if file.suffix not in (".json", ".txt", ".model"):
            check_file(file)
    return files


def _copy(files: Sequence[Path], into: Path) -> Work:
    total, done = sum(file.stat().st_size for file in files), 0
    free = shutil.disk_usage(into).free
    if total > free:
        raise Unavailable(f"the weights need {total >> 20} MB, {into.parent} has {free >> 20} MB free")
    for file in files:
        with file.open("rb") as read, (into / file.name).open("wb") as write:
            while chunk := read.read(COPY_CHUNK):
                write.write(chunk)
                done += len(chunk)
                yield Progress(done, total, file.name)


def _swap(arriving: Path, place: Path) -> None:
    """Put a finished folder in the place of the old one, which is then removed."""
    old = place.with_name(place.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if place.exists():
        place.rename(old)
    arriving.rename(place)
    shutil.rmtree(old, ignore_errors=True)


@dataclass(frozen=True)
class _RemoteFile:
    name: str
    url: str
    size: int
    sha256: str


def _listed(card: Card, network: Network, web: Any) -> list[_RemoteFile]:
    """Return a hub repository's files that the card reads.

    Source: https://huggingface.co/docs/hub/api, GET /api/models/{repo_id}; blobs=true adds sizes and checksums.
    """
    from tator.weights import download as fetching

    info = fetching.get_json(web, f"{network.hub}/api/models/{quote(card.weights)}?blobs=true", network.token)
    revision = info.get("sha") or "main"
    base = f"{network.hub}/{quote(card.weights)}/resolve/{revision}/"
    files = [
        _RemoteFile(
            entry["rfilename"], base + quote(entry["rfilename"]), int(entry.get("size") or 0),
            str((entry.get("lfs") or {}).get("sha256") or ""),
        )
        for entry in info.get("siblings", ())
        if is_wanted(card, entry["rfilename"])
    ]  # fmt: skip
    missing = [name for name in card.files if "*" not in name and name not in {file.name for file in files}]
    if missing:
        raise Unavailable(f"{card.weights} at {network.hub} does not hold {', '.join(missing)}.")
    return files


def _fetch_all(web: Any, files: Sequence[_RemoteFile], place: Path, network: Network) -> Work:
    """Fetch what is not there yet; a file gets its name only once it is whole."""
    from tator.weights import download as fetching

    total, done, record = sum(file.size for file in files), 0, {}
    for file in files:
        target = place / file.name
        token = network.token if file.url.startswith(network.hub + "/") else ""
        checksum = file.sha256
        if not (file.size and target.is_file() and target.stat().st_size == file.size):
            steps = fetching.fetch(web, file.url, target, file.size, file.sha256, token)
            checksum = yield from _shifted(steps, done, total)
        done += target.stat().st_size
        record[file.name] = {"size": target.stat().st_size, "sha256": checksum}
    _write_record(place, files[0].url, record)


def _shifted(steps: Work, done: int, total: int) -> Work:
    """Report one file's progress as part of all files'."""
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            return end.value
        yield Progress(done + step.done, total or step.total, step.message)


def _write_record(place: Path, source: str, files: dict[str, Any]) -> None:
    write_json(place / RECORD, {"source": source, "files": files})
