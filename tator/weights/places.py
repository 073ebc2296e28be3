"""Where each card's weights are, what is missing, and how to get it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tator.protocols import Card
from tator.types import BadInput, Unavailable
from tator.weights.checkpoints import TENSOR_FILES, check_file, check_folder

if TYPE_CHECKING:
    from tator.weights.network import Network

READ = 1 << 20  # bytes at each end of a weight file that tell it from others
RECORD = "source.json"  # beside the weights: where they came from, each file's size and checksum


@dataclass(frozen=True)
class WeightState:
    """What a person should know about one card's weights.

    Attributes:
        state: not_needed, trained, present, missing, gated, offline or corrupt.
        message: what to do about it; "" where nothing is to be done.
        path: file or folder to load; None unless present.
        size_mb: on disk where present, else what a download takes.
    """

    state: str
    message: str
    path: Path | None
    size_mb: int


def place_of(card: Card, folder: Path) -> Path:
    """Return the folder of a card's weights inside the workspace's models folder.

    Cards of one hub repository share it, so SAM 3 is downloaded once for its four cards.
    """
    return folder / (card.id if is_address(card) else card.weights.replace("/", "--"))


def state_of(card: Card, folder: Path, network: Network) -> WeightState:
    """Return where a card's weights are, or what is in the way and how to mend it.

    Args:
        card: of a backend.
        folder: the workspace's models folder.
        network: settings of this machine.
    """
    if not card.is_fetched:
        return WeightState("trained" if card.weights else "not_needed", "", None, 0)
    place, damage = place_of(card, folder), None
    for candidate in (place, *_hub_cache(card, network)):
        try:
            path = checked(card, candidate)
            return WeightState("present", "", path, _megabytes(path))
        except BadInput as error:
            damage = damage or error
        except Unavailable:
            continue
    if damage is not None:
        return WeightState("corrupt", f"{damage} (in {place})", None, card.size_mb)
    state = "offline" if network.offline else "gated" if card.gated and not network.token else "missing"
    return WeightState(state, advice(card, place, network, state), None, card.size_mb)


def locate(card: Card, folder: Path, network: Network) -> Path | None:
    """Return the file or folder to load a backend from; None where it needs none.

    Raises:
        Unavailable: missing, gated, offline or damaged; the message says what mends it, details["state"] which.
    """
    found = state_of(card, folder, network)
    if found.path is None and found.state not in ("not_needed", "trained"):
        raise Unavailable(found.message, state=found.state)
    return found.path


def checked(card: Card, place: Path) -> Path:
    """Return what to load in a folder of weights.

    Raises:
        Unavailable: something is missing.
        BadInput: something is damaged.
    """
    if not place.is_dir():
        raise Unavailable(f"{place} is missing")
    return _checked(card, place, stamps(place))


def stamps(place: Path) -> tuple[tuple[str, int, int], ...]:
    """Return (name, size, time of change in ns) of each file of a folder, or of one."""
    files = [place] if place.is_file() else sorted(file for file in place.iterdir() if file.is_file())
    return tuple((file.name, facts.st_size, facts.st_mtime_ns) for file in files for facts in [file.stat()])


@lru_cache(maxsize=64)
def _checked(card: Card, place: Path, now: tuple[tuple[str, int, int], ...]) -> Path:
    """Check a folder once per state of its files: every click asks for weights."""
    _check_sizes(place)
    if is_address(card):
        found = [file for file in sorted(place.iterdir()) if file.suffix in TENSOR_FILES]
        path = next((file for file in found if file.name == file_name(card)), found[0] if len(found) == 1 else None)
        if path is None:
            raise Unavailable(f"{place} must hold {file_name(card)} or one other weight file, holds {len(found)}")
        check_file(path)
        return path
    if card.files[0] == "config.json":
        check_folder(place)
        return place
    for name in (name for name in card.files if "*" not in name):
        if not (place / name).is_file():
            raise Unavailable(f"{place.name}: {name} is missing")
        if (place / name).suffix in TENSOR_FILES:
            check_file(place / name)
    return place


def _check_sizes(place: Path) -> None:
    """Compare the files with what was recorded when they came.

    Raises:
        BadInput: one has another length now.
    """
    try:
        files = json.loads((place / RECORD).read_text(encoding="utf-8"))["files"]
    except FileNotFoundError:
        return  # copied here by hand
    except (OSError, ValueError, KeyError) as error:
        raise BadInput(f"{place / RECORD} is damaged; fetch the weights again") from error
    for name, entry in files.items():
        file = place / name
        if file.is_file() and file.stat().st_size != entry["size"]:
            raise BadInput(
                f"{name} has {file.stat().st_size} bytes, but {entry['size']} were downloaded; fetch it again"
            )


def _hub_cache(card: Card, network: Network) -> list[Path]:
    """Return a repository's snapshot in the hub library's own cache, if any.

    Source: https://huggingface.co/docs/huggingface_hub/guides/manage-cache
    """
    if network.cache is None or is_address(card):
        return []
    repository = network.cache / f"models--{card.weights.replace('/', '--')}"
    try:
        revision = (repository / "refs" / "main").read_text(encoding="utf-8").strip()
    except OSError:
        return []
    return [repository / "snapshots" / revision]


def advice(card: Card, place: Path, network: Network, state: str) -> str:
    """Return what a person can do to get the weights."""
    name = f"{card.label} ({card.size_mb} MB, {card.license})"
    page = card.weights if is_address(card) else f"{network.hub}/{card.weights}"
    copying = by_hand(card, place, page)
    if state == "offline":
        copying = copying.replace("Or copy", "Copy", 1)
        return f"{name} is not on this machine, which is set to work offline (HF_HUB_OFFLINE). {copying}"
    if state == "gated":
        token = "the token in HF_TOKEN has no access yet" if network.token else "HF_TOKEN holds no token"
        return (
            f"{name} is given out once its licence is accepted, and {token}. Log in at {page}, accept it, make "
            f"a read token at {network.hub}/settings/tokens, start Tator with HF_TOKEN set to it, then download. "
            f"{copying}"
        )
    mirror = "" if is_address(card) else " No way to the hub? Set HF_ENDPOINT to a mirror or HTTPS_PROXY to a proxy."
    return f"{name} is not on this machine. Download it in the Models tab from {page}.{mirror} {copying}"


def by_hand(card: Card, place: Path, page: str = "") -> str:
    """Return how to do without a download."""
    names = [file_name(card)] if is_address(card) else [card.files[0], *(n for n in card.files if "safetensors" in n)]
    what = " and ".join(dict.fromkeys(names)) + (f" of {page}" if page else "")
    return f"Or copy {what} into {place}, or import a local copy in the Models tab."


def is_wanted(card: Card, name: str) -> bool:
    """Whether a card reads a file of that name; files in sub-folders are not."""
    return "/" not in name and "\\" not in name and any(fnmatch(name, pattern) for pattern in card.files)


def is_address(card: Card) -> bool:
    """Whether a card's weights are one file at an address, not a hub repository."""
    return card.weights.startswith("https://")


def file_name(card: Card) -> str:
    """Return the name of the file at a card's address."""
    return PurePosixPath(urlsplit(card.weights).path).name


def identity_of(path: Path) -> int:
    """Return a number in [1, 2**28] that follows the content of weights.

    Whatever the file is called.

    Sizes, headers and the ends of the files are read, not the gigabytes between; another training of the same
    architecture differs in its last bytes.
    """
    return _identity(path, stamps(path))


@lru_cache(maxsize=64)
def _identity(path: Path, now: tuple[tuple[str, int, int], ...]) -> int:
    digest = hashlib.sha256()
    for name, size, _ in now:
        file = path if path.is_file() else path / name
        if file.suffix in TENSOR_FILES:
            with file.open("rb") as data:
                digest.update(f"{size}|".encode() + data.read(READ))
                data.seek(max(size - READ, 0))
                digest.update(data.read(READ))
    return int(digest.hexdigest()[:7], 16) + 1


def _megabytes(path: Path) -> int:
    files = [path] if path.is_file() else [file for file in path.iterdir() if file.is_file()]
    return sum(file.stat().st_size for file in files) >> 20
