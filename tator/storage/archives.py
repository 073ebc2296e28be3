"""Unpack zip files from strangers.

Good files come out; each dangerous one is refused by name.
"""

from __future__ import annotations

import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tator.encodings import WIDE, ZIP_SCRIPTS, guess
from tator.storage.atomic import replacing
from tator.storage.workspace import inside, path_problem
from tator.types import BadInput, Progress, Work

COPY_BYTES = 1 << 20
NAMES = 500  # names outside ASCII that are judged for their encoding
LISTED = 1000  # refusals listed; the rest are counted


@dataclass(frozen=True)
class Limits:
    """How much an archive may unpack to.

    Attributes:
        files: number of entries.
        entry_bytes: of one file.
        total_bytes: of all files.
        ratio: unpacked to packed size, of a file over ratio_from bytes and of the whole archive.
        ratio_from: unpacked bytes that are never a bomb.

    Source: deflate reaches 1032:1 on zeros; labels reach 10:1, photographs 1.1:1.
    """

    files: int = 2_000_000
    entry_bytes: int = 50 << 30
    total_bytes: int = 100 << 30
    ratio: float = 100.0
    ratio_from: int = 16 << 20


@dataclass
class ExtractReport:
    """What came out of an archive.

    Attributes:
        files: how many files were written.
        bytes: their size.
        refused: {"file", "reason"} of what was not written, at most LISTED.
        refused_count: how many were not written.
    """

    files: int = 0
    bytes: int = 0
    refused: list[dict] = field(default_factory=list)
    refused_count: int = 0

    def refuse(self, name: str, reason: str) -> None:
        """Note one entry that is not unpacked."""
        self.refused_count += 1
        if len(self.refused) < LISTED:
            self.refused.append({"file": name[:300], "reason": reason})


def extracting(archive: Path, into: Path, limits: Limits = Limits()) -> Work:
    """Unpack a zip as long work; the result is an ExtractReport.

    Args:
        archive: zip file.
        into: folder to fill; made if absent.
        limits: what it may unpack to.

    Raises:
        BadInput: it is not a zip file at all.
    """
    into.mkdir(parents=True, exist_ok=True)
    report = ExtractReport()
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = opened.infolist()
            for done, (entry, name) in enumerate(_accepted(entries, archive, limits, report)):
                if done % 100 == 0:
                    yield Progress(done, len(entries), f"Unpacking {name}")
                _write(opened, entry, into, name, limits, report)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, UnicodeDecodeError, zlib.error) as error:
        raise BadInput(f"{archive.name}: cannot be read as a zip file ({error}); expected an intact .zip") from error
    return report


def _accepted(
    entries: list[zipfile.ZipInfo], archive: Path, limits: Limits, report: ExtractReport
) -> Iterator[tuple[zipfile.ZipInfo, str]]:
    """Yield the files to write with their clean relative names.

    The others are refused, each with its reason in the report.
    """
    encoding = _names_encoding(entries)
    links = [_name(entry, encoding) for entry in entries if _is_link(entry)]
    seen: dict[str, bool] = {}  # folded path -> is a file
    total, packed = 0, archive.stat().st_size
    allowed = min(limits.total_bytes, max(limits.ratio_from, int(packed * limits.ratio)))
    for number, entry in enumerate(entries):
        name = _name(entry, encoding)
        reason = _entry_problem(entry, name, limits, links)
        if not reason and entry.is_dir():
            continue
        if not reason and number >= limits.files:
            reason = f"the archive has more than {limits.files} entries"
        if not reason and total + entry.file_size > allowed:
            reason = f"the archive would unpack to more than {allowed} bytes: it looks like a zip bomb"
        reason = reason or _clash(name, seen)
        if reason:
            report.refuse(entry.orig_filename.replace("\0", "\\0"), reason)
            continue
        total += entry.file_size
        yield entry, name


def _names_encoding(entries: list[zipfile.ZipInfo]) -> str:
    """Return the encoding of the names that are not said to be UTF-8."""
    odd = [entry.orig_filename.encode("cp437") for entry in entries if not entry.flag_bits & 0x800]
    odd = [name for name in odd if not name.isascii()]
    try:
        b"\n".join(odd).decode("utf-8")
    except UnicodeDecodeError:
        found = guess(b"\n".join(odd[:NAMES]).replace(b"/", b"\n"), ZIP_SCRIPTS)
        return found.encoding if found else "cp437"
    return "utf-8"


def _name(entry: zipfile.ZipInfo, encoding: str) -> str:
    """Return an entry's path with /; the encoding is that of all names."""
    name = entry.orig_filename
    if not entry.flag_bits & 0x800:  # the sender did not say UTF-8, so zipfile guessed a DOS code page
        for one in (encoding, "utf-8") if encoding in WIDE else ("utf-8", encoding):
            try:
                name = entry.orig_filename.encode("cp437").decode(one)
                break
            except UnicodeError:
                continue
    return unicodedata.normalize("NFC", name.replace("\\", "/"))


def _is_link(entry: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(entry.external_attr >> 16)


def _entry_problem(entry: zipfile.ZipInfo, name: str, limits: Limits, links: list[str]) -> str:
    """Say why one entry is refused on its own account, or ""."""
    mode = stat.S_IFMT(entry.external_attr >> 16)
    if _is_link(entry):
        return "it is a symbolic link"
    if mode not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "it is not a plain file"
    if any(name.startswith(link.rstrip("/") + "/") for link in links):
        return "it lies under a symbolic link of the archive"
    if problem := path_problem(name):
        return problem
    if entry.flag_bits & 1:
        return "it is encrypted"
    if entry.file_size > limits.entry_bytes:
        return f"it would unpack to more than {limits.entry_bytes} bytes"
    if entry.file_size > limits.ratio_from and entry.file_size > limits.ratio * max(entry.compress_size, 1):
        return f"it unpacks to {entry.file_size} bytes from {entry.compress_size}: it looks like a zip bomb"
    return ""


def _clash(name: str, seen: dict[str, bool]) -> str:
    """Say why a path collides with an earlier entry's, or remember it and return "".

    Paths that differ only in case collide too.
    """
    folded = [part.casefold().rstrip(". ") or part for part in name.split("/") if part not in ("", ".")]
    whole = "/".join(folded)
    above = ["/".join(folded[:depth]) for depth in range(1, len(folded))]
    if whole in seen:
        return "another entry has the same path (also where case does not count)"
    if any(seen.get(folder) for folder in above):
        return "another entry is a file where this one needs a folder"
    seen[whole] = True
    seen.update((folder, False) for folder in above)
    return ""


def _write(
    opened: zipfile.ZipFile, entry: zipfile.ZipInfo, into: Path, name: str, limits: Limits, report: ExtractReport
) -> None:
    """Stream one entry to disk; a damaged one is refused and leaves nothing."""
    try:
        target = inside(into, name)
        target.parent.mkdir(parents=True, exist_ok=True)
    except (BadInput, OSError) as error:
        return report.refuse(name, str(error))
    size = 0
    try:
        with replacing(target) as part, opened.open(entry) as source, part.open("wb") as sink:
            while block := source.read(COPY_BYTES):
                size += len(block)
                if size > min(entry.file_size, limits.entry_bytes):
                    raise BadInput("it is larger than the archive says")
                sink.write(block)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, zlib.error, BadInput) as error:
        return report.refuse(name, f"it is damaged ({error})")
    report.files += 1
    report.bytes += size
