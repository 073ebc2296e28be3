"""Uploads: files in pieces, each from where it stands.

What has arrived is asked of the server, not of the browser.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from anyio import to_thread
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tator.types import BadInput, Conflict, Unavailable
from tator.workbench import Workbench

PIECE = 2**20  # bytes gathered before one write in a thread
SPARE_BYTES = 500 * 2**20  # the database must always find room
FILES_AN_UPLOAD = 200_000
FILES_A_FORM = 1000


@dataclass
class Turn:
    """One request's right to write a file.

    A later request for the same file takes it over.

    A connection that was cut may live on here for minutes, and what it still holds must not get
    between the bytes of the request that goes on.

    Attributes:
        file: open, unbuffered, standing where the next byte goes.
        lock: held while bytes are written.
        is_over: another request has taken over.
    """

    file: BinaryIO
    lock: threading.Lock = field(default_factory=threading.Lock)
    is_over: bool = False


class Uploads:
    """Takes uploads and keeps count of what each holds.

    Attributes:
        limit_bytes: most an upload may hold.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self._lock = threading.RLock()
        self._held: dict[Path, list[int]] = {}  # folder -> files, bytes
        self._turns: dict[Path, Turn] = {}

    async def take(self, wb: Workbench, request: Request) -> Response:
        """Take a file, a piece of one, or several as multipart, into an upload's folder.

        Query: `id` of an upload begun before (absent: a new one), `path` relative to its folder
        (sub-folders are kept), `offset` to go on with a file that stands at just that many bytes.

        Raises:
            BadInput: a path that leaves the folder, which details has as `file`, or more than the limit.
            Conflict: the file stands at another size; details has `bytes`.
            NotFound: no such upload, or it is another person's.
            Unavailable: the disk is nearly full.
        """
        query = request.query_params
        offset = whole(query.get("offset", "0"))
        upload_id = query.get("id", "")
        if upload_id:
            folder = wb.workspace.upload(upload_id, wb.user)
        else:
            upload_id, folder = wb.workspace.new_upload(wb.user)
        if request.headers.get("content-type", "").startswith("multipart/"):
            files = await self.take_form(wb, request, folder)
            return JSONResponse({"upload": upload_id, "files": files, "bytes": sum(file["bytes"] for file in files)})
        path = query.get("path", "")
        size = await self.store(wb, folder, path, offset, request.stream())
        return JSONResponse({"upload": upload_id, "path": path, "bytes": size})

    async def take_form(self, wb: Workbench, request: Request, folder: Path) -> list[dict]:
        """Store each file of a multipart body under its file name, a relative path."""
        taken = []
        async with request.form(max_files=FILES_A_FORM, max_fields=FILES_A_FORM) as form:
            for part in (part for _, part in form.multi_items() if isinstance(part, UploadFile)):
                size = await self.store(wb, folder, part.filename or "", 0, pieces(part))
                taken.append({"path": part.filename, "bytes": size})
        return taken

    async def store(self, wb: Workbench, folder: Path, path: str, offset: int, body: AsyncIterator[bytes]) -> int:
        """Write a body into a file of an upload and return the file's size.

        What arrived of a broken one stays.
        """
        target = await to_thread.run_sync(place, wb, folder, path)
        turn = await to_thread.run_sync(self._begin, folder, target, path, offset)
        size, buffer = offset, bytearray()
        try:
            async for piece in body:
                buffer += piece
                if len(buffer) >= PIECE:
                    data, buffer = bytes(buffer), bytearray()
                    await to_thread.run_sync(self._write, folder, path, turn, data)
                    size += len(data)
        finally:  # no await here: a request that is cut off is cancelled
            try:
                self._write(folder, path, turn, bytes(buffer))
            finally:
                self._end(target, turn)
        return size + len(buffer)

    def _begin(self, folder: Path, target: Path, path: str, offset: int) -> Turn:
        """Open a file at an offset, taking it over from a request that still writes it."""
        room_on_disk(folder)
        with self._lock:
            if (before := self._turns.get(target)) is not None:
                with before.lock:
                    before.is_over = True
            standing = target.stat().st_size if target.is_file() else None
            if offset and offset != standing:
                raise Conflict(
                    f"{path} has {standing or 0} bytes here; it cannot go on at byte {offset}", bytes=standing or 0
                )
            held = self._count(folder)
            if standing is None and held[0] >= FILES_AN_UPLOAD:
                raise BadInput(f"an upload may hold {FILES_AN_UPLOAD:,} files; start another, or send a zip")
            turn = self._turns[target] = Turn(open(target, "r+b" if offset else "wb", buffering=0))
            turn.file.seek(offset)
            held[0] += standing is None
            held[1] += offset - (standing or 0)
            return turn

    def _write(self, folder: Path, path: str, turn: Turn, data: bytes) -> None:
        room_on_disk(folder)
        with self._lock:
            held = self._count(folder)
            if data and held[1] + len(data) > self.limit_bytes:
                raise BadInput(f"{path}: the upload is over the limit of {self.limit_bytes:,} bytes")
            held[1] += len(data)
        with turn.lock:
            if turn.is_over:
                raise Conflict(f"{path} is sent by another request now")
            rest = memoryview(data)
            while rest:
                rest = rest[turn.file.write(rest) :]

    def _end(self, target: Path, turn: Turn) -> None:
        with self._lock:
            turn.file.close()
            if self._turns.get(target) is turn:
                del self._turns[target]

    def _count(self, folder: Path) -> list[int]:
        """Return how many files and bytes an upload holds; call with the lock held.

        They are counted once and kept up.
        """
        if folder not in self._held:
            sizes = [size for _, size in arrived(folder)]
            self._held[folder] = [len(sizes), sum(sizes)]
        return self._held[folder]

    def discard(self, wb: Workbench, request: Request) -> Response:
        """Delete an upload that nobody has imported.

        Raises:
            NotFound: no such upload, or it is another person's.
        """
        upload_id = request.query_params.get("id", "")
        folder = wb.workspace.upload(upload_id, wb.user)
        shutil.rmtree(folder, ignore_errors=True)
        self._held.pop(folder, None)
        return JSONResponse({"discarded": upload_id})


def upload_state(wb: Workbench, request: Request) -> Response:
    """Answer how many bytes of a file, or of every file, have arrived.

    Without `path` it speaks of every file.

    Raises:
        NotFound: no such upload, or it is another person's.
    """
    upload_id, path = request.query_params.get("id", ""), request.query_params.get("path")
    folder = wb.workspace.upload(upload_id, wb.user)
    if path is None:
        return compact({"upload": upload_id, "files": dict(arrived(folder))}, request)
    target = wb.workspace.inside(folder, path)
    return JSONResponse({"upload": upload_id, "path": path, "bytes": target.stat().st_size if target.is_file() else 0})


def compact(answer: dict, request: Request) -> Response:
    """Return JSON, compressed where the caller accepts it.

    Names of 100,000 files shrink from 5 MB to a tenth.
    """
    content = json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(content, media_type="application/json")
    return Response(gzip.compress(content, 1), media_type="application/json", headers={"content-encoding": "gzip"})


def arrived(folder: Path) -> Iterator[tuple[str, int]]:
    """Yield (path with /, bytes) of every file of an upload."""
    waiting = [(str(folder), "")]
    while waiting:
        place, prefix = waiting.pop()
        with os.scandir(place) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((entry.path, f"{prefix}{entry.name}/"))
                elif entry.is_file(follow_symlinks=False):
                    yield prefix + entry.name, entry.stat(follow_symlinks=False).st_size


def whole(text: str) -> int:
    """Return a count of bytes.

    Raises:
        BadInput: not a whole number.
    """
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise BadInput(f"offset must be a whole number of bytes, is {text[:40]!r}")
    return int(text)


async def pieces(part: UploadFile) -> AsyncIterator[bytes]:
    """Yield an uploaded part in pieces."""
    while piece := await part.read(PIECE):
        yield piece


def place(wb: Workbench, folder: Path, path: str) -> Path:
    """Return where a file of an upload goes, its folder made.

    Raises:
        BadInput: the path leaves the upload's folder, or a folder stands there; details has it as `file`.
    """
    try:
        target = wb.workspace.inside(folder, path)
        if target.is_dir():
            raise BadInput(f"{path!r} is a folder of this upload; expected a file name")
        target.parent.mkdir(parents=True, exist_ok=True)
    except BadInput as error:
        raise BadInput(str(error), file=path) from error
    except (FileExistsError, NotADirectoryError) as error:
        raise BadInput(f"{path!r}: a file of this upload stands where the folder should be", file=path) from error
    return target


def room_on_disk(folder: Path) -> None:
    """Find out whether the disk can take more.

    Raises:
        Unavailable: it is nearly full.
    """
    if shutil.disk_usage(folder).free < SPARE_BYTES:
        raise Unavailable(f"the disk of the workspace has less than {SPARE_BYTES // 2**20} MB left; free some first")
