"""Files in and out: uploads in pieces, exports as downloads."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

from anyio import to_thread
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from tator.heads import HeadShelf
from tator.types import BadInput, Conflict, NotFound, Unavailable
from tator.workbench import Workbench

PIECE = 2**20  # bytes gathered before one write in a thread
SPARE_BYTES = 500 * 2**20  # the database must always find room
FILES_AN_UPLOAD = 200_000


class Uploads:
    """Takes uploads and keeps count of what each holds.

    Attributes:
        limit_bytes: most an upload may hold.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self._held: dict[Path, tuple[int, int]] = {}  # folder -> files, bytes

    async def take(self, wb: Workbench, request: Request) -> Response:
        """Take one file as the body, or several as multipart, into an upload's folder.

        Query: `id` of an upload begun before (absent: a new one), `path` relative to its folder
        (sub-folders are kept), `offset` to go on with a file that stands at just that many bytes.

        Raises:
            BadInput: a path that leaves the folder, or more than the limit.
            Conflict: the file stands at another size; details has `bytes`.
            Unavailable: the disk is nearly full.
        """
        query = request.query_params
        upload_id = query.get("id", "")
        upload_id, folder = (upload_id, wb.workspace.upload(upload_id)) if upload_id else wb.workspace.new_upload()
        if request.headers.get("content-type", "").startswith("multipart/"):
            files = await self.take_form(wb, request, folder)
            return JSONResponse({"upload": upload_id, "files": files, "bytes": sum(file["bytes"] for file in files)})
        path, offset = query.get("path", ""), whole(query.get("offset", "0"))
        size = await self.store(wb, folder, path, offset, request.stream())
        return JSONResponse({"upload": upload_id, "path": path, "bytes": size})

    async def take_form(self, wb: Workbench, request: Request, folder: Path) -> list[dict]:
        """Store each file of a multipart body under the relative path that is its file name."""
        taken = []
        async with request.form(max_files=1000, max_fields=1000) as form:
            for part in (part for _, part in form.multi_items() if isinstance(part, UploadFile)):
                size = await self.store(wb, folder, part.filename or "", 0, pieces(part))
                taken.append({"path": part.filename, "bytes": size})
        return taken

    async def store(self, wb: Workbench, folder: Path, path: str, offset: int, body: AsyncIterator[bytes]) -> int:
        """Append a body to a file of an upload and return the file's size; what came of a broken one stays."""
        target = await to_thread.run_sync(place, wb, folder, path, offset)
        standing = target.stat().st_size if target.is_file() else 0
        files, held = await to_thread.run_sync(self.held, folder)
        room = min(self.limit_bytes - held + standing - offset, room_on_disk(folder))
        if files >= FILES_AN_UPLOAD:
            raise BadInput(f"an upload may hold {FILES_AN_UPLOAD:,} files; start another, or send a zip")
        size, buffer = offset, bytearray()
        with target.open("ab" if offset else "wb") as file:
            try:
                async for piece in body:
                    if size + len(piece) - offset > room:
                        raise BadInput(f"{path}: over the limit of {self.limit_bytes:,} bytes, or the disk is full")
                    buffer += piece
                    size += len(piece)
                    if len(buffer) >= PIECE:
                        await to_thread.run_sync(file.write, bytes(buffer))
                        buffer.clear()
            finally:
                file.write(buffer)
                self._held[folder] = (files + (not standing), held - standing + size)
        return size

    def held(self, folder: Path) -> tuple[int, int]:
        """Return how many files and bytes an upload holds, counted once and kept."""
        if folder not in self._held:
            sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
            self._held[folder] = (len(sizes), sum(sizes))
        return self._held[folder]


def upload_size(wb: Workbench, request: Request) -> Response:
    """Answer how many bytes of a file have arrived, to go on from there.

    Raises:
        NotFound: no such upload.
    """
    upload_id, path = request.query_params.get("id", ""), request.query_params.get("path", "")
    target = wb.workspace.inside(wb.workspace.upload(upload_id), path)
    return JSONResponse({"upload": upload_id, "path": path, "bytes": target.stat().st_size if target.is_file() else 0})


def whole(text: str) -> int:
    """Return a count of bytes.

    Raises:
        BadInput: not a whole number.
    """
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise BadInput(f"offset must be a whole number of bytes, is {text!r}")
    return int(text)


async def pieces(part: UploadFile) -> AsyncIterator[bytes]:
    """Yield an uploaded part in pieces."""
    while piece := await part.read(PIECE):
        yield piece


def place(wb: Workbench, folder: Path, path: str, offset: int) -> Path:
    """Return where a file of an upload goes, its folder made.

    Raises:
        BadInput: the path leaves the upload's folder, or a folder stands there.
        Conflict: the file does not stand at `offset` bytes.
    """
    target = wb.workspace.inside(folder, path)
    standing = target.stat().st_size if target.is_file() else 0
    if target.is_dir():
        raise BadInput(f"{path!r} is a folder of this upload; expected a file name")
    if offset and offset != standing:
        raise Conflict(f"{path} stands at {standing} bytes, not at {offset}", bytes=standing)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise BadInput(f"{path!r}: a file of this upload stands where the folder should be") from error
    return target


def room_on_disk(folder: Path) -> int:
    """Return how many more bytes the disk can take.

    Raises:
        Unavailable: it is nearly full.
    """
    spare = shutil.disk_usage(folder).free - SPARE_BYTES
    if spare <= 0:
        raise Unavailable(f"the disk of the workspace has less than {SPARE_BYTES // 2**20} MB left; free some first")
    return spare


def export(wb: Workbench, request: Request) -> Response:
    """Answer a finished export as a download.

    Raises:
        NotFound: no such export.
    """
    name = request.path_params["name"]
    path = wb.workspace.inside(wb.workspace.folder("exports"), name)
    if not path.is_file():
        raise NotFound(f"no export is called {name!r}")
    return FileResponse(path, filename=path.name, media_type="application/octet-stream")


def head(wb: Workbench, request: Request) -> Response:
    """Answer a trained head as a zip of its safetensors and JSON.

    Raises:
        NotFound: no such head.
    """
    name = request.path_params["name"]
    weights = HeadShelf(wb.workspace.folder("runs")).path(name)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in (weights, weights.with_name("head.json")):
            archive.write(file, f"{name}/{file.name}")
    marks = {"content-disposition": f"attachment; filename*=utf-8''{quote(name)}.zip"}
    return Response(packed.getvalue(), media_type="application/zip", headers=marks)
