"""Serve images, thumbnails and the window's scripts, so that browsers keep them."""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from tator.datasets.dataset import Dataset
from tator.editing.rows import rows_with_ids
from tator.storage.crops import CROPS, crop
from tator.storage.depth import range_of
from tator.storage.images import MEDIA, SMALL, THUMBS, shrinks_quickly, thumbnail, viewable
from tator.storage.pyramids import PYRAMIDS, pyramid
from tator.storage.workspace import inside
from tator.types import BadInput, NotFound, Unavailable
from tator.workbench import Workbench

ASSETS = Path(__file__).parents[2] / "assets"
FOREVER = "private, max-age=31536000, immutable"  # a year: the address changes with the content
ASK_AGAIN = "private, no-cache"
SCREEN = 1600  # pixels of the longer side of a picture for a whole screen
TRIES = 3  # to make a picture that is deleted before it is opened
EMPTIED = "the picture was deleted from its cache while it was read; ask for it again"
PIECE = 1 << 18  # bytes read and sent at once
INERT = {"content-security-policy": "default-src 'none'; sandbox", "x-content-type-options": "nosniff"}
MAGIC = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png", b"GIF8": "image/gif", b"RIFF": "image/webp"}
SCRIPTS = {  # Python's table depends on the machine; Windows' registry is known to call .js text/plain
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".json": "application/json",
    ".woff2": "font/woff2",
    ".html": "text/html",
}


def media(wb: Workbench, request: Request) -> Response:
    """Answer an image upright and in a format every browser shows.

    ?low= and ?high= are the values of a deep image that are shown black and white.
    """
    path = image_path(wb, request)
    shown = range_of(request.query_params.get("low"), request.query_params.get("high"))
    return cached_picture(request, lambda: viewable(path, MEDIA.folder(wb.workspace), shown=shown))


def tile(wb: Workbench, request: Request) -> Response:
    """Answer a tile of a large or deep image as a PNG.

    ?v= is the version that image_pyramid tells; ?low= and ?high= are the values that are shown black and white.

    Raises:
        NotFound: no such image or tile.
    """
    path = image_path(wb, request)
    shown = range_of(request.query_params.get("low"), request.query_params.get("high"))
    level, x, y = (request.path_params[name] for name in ("level", "x", "y"))
    for _ in range(TRIES):
        try:
            found = pyramid(path, PYRAMIDS.folder(wb.workspace))
            is_current = request.query_params.get("v") == found.version
            keep = {"cache-control": FOREVER if is_current else ASK_AGAIN}
            return Response(found.tile(level, x, y, shown), media_type="image/png", headers=keep | INERT)
        except FileNotFoundError:
            continue
    raise Unavailable(EMPTIED)


def thumb(wb: Workbench, request: Request) -> Response:
    """Answer an image's thumbnail.

    ?of=large is one for a whole screen, where that is quickly made.
    """
    path = image_path(wb, request)
    is_large = request.query_params.get("of") == "large" and shrinks_quickly(path)
    return cached_picture(
        request, lambda: thumbnail(path, THUMBS.folder(wb.workspace), size=SCREEN if is_large else SMALL)
    )


def crop_of(wb: Workbench, request: Request) -> Response:
    """Answer a picture of one annotation with some of its surroundings.

    Raises:
        NotFound: no such annotation, or the file of its image is gone.
    """
    key = request.path_params["annotation_id"]
    with wb.store.read() as conn:
        found = rows_with_ids(conn, [key])
    if key not in found:
        raise NotFound(f"no annotation {key[:64]!r}")
    image_id, row = found[key]
    path = file_of(wb, image_id)
    large = PYRAMIDS.folder(wb.workspace)
    return cached_picture(request, lambda: crop(path, CROPS.folder(wb.workspace), row["xyxy"], pyramids=large))


def cached_picture(request: Request, make: Callable[[], Path]) -> Response:
    """Answer a cached picture, made again where the cache is emptied meanwhile.

    Raises:
        Unavailable: the cache is emptied again and again.
    """
    for _ in range(TRIES):
        try:
            return picture(request, make())
        except FileNotFoundError:
            continue
    raise Unavailable(EMPTIED)


def image_path(wb: Workbench, request: Request) -> Path:
    """Return the file of the image that the address names.

    Raises:
        NotFound: no such image, or its file is gone.
    """
    return file_of(wb, int(request.path_params["image_id"]))


def file_of(wb: Workbench, image_id: int) -> Path:
    """Return the file of an image.

    Raises:
        NotFound: no such image, or its file is gone.
    """
    dataset, row = Dataset.of_image(wb.store, wb.workspace, image_id)
    path = dataset.path(row)
    if not path.is_file():
        raise NotFound(f"{row.path}: the file is no longer there")
    return path


def picture(request: Request, path: Path) -> Response:
    """Answer a picture file by what its bytes are, never by what its name says.

    Raises:
        BadInput: the file is no picture of a kind that browsers show.
        FileNotFoundError: it is not there any more.
    """
    with ExitStack() as opened:
        file = opened.enter_context(path.open("rb"))
        head = file.read(8)
        kind = next((kind for magic, kind in MAGIC.items() if head.startswith(magic)), None)
        if kind is None:
            raise BadInput(f"{path.name} is no picture a browser shows")
        facts = os.fstat(file.fileno())
        marks, is_known = caching(request, facts, forever="v" in request.query_params)
        if is_known:
            return Response(status_code=304, headers=marks | INERT)
        opened.pop_all()
        return OpenFile(file, kind, marks | INERT | {"content-length": str(facts.st_size)})


class OpenFile(StreamingResponse):
    """The content of an open file, whole even where it is deleted meanwhile."""

    def __init__(self, file: BinaryIO, kind: str, headers: dict[str, str]) -> None:
        file.seek(0)
        super().__init__(iter(lambda: file.read(PIECE), b""), media_type=kind, headers=headers)
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file and close it."""
        with self._file:
            await super().__call__(scope, receive, send)


def kept(request: Request, path: Path, kind: str, *, forever: bool) -> Response:
    """Answer a file with a strong ETag, or 304 when the browser has it already."""
    facts = path.stat()
    marks, is_known = caching(request, facts, forever=forever)
    if is_known:
        return Response(status_code=304, headers=marks)
    return FileResponse(path, media_type=kind, headers=marks, stat_result=facts)


def caching(request: Request, facts: os.stat_result, *, forever: bool) -> tuple[dict[str, str], bool]:
    """Return the headers that let a browser keep a file, and whether it has it."""
    tag = f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"'
    known = [part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")]
    return {"etag": tag, "cache-control": FOREVER if forever else ASK_AGAIN}, tag in known


@functools.cache
def assets_version(folder: Path = ASSETS) -> str:
    """Return a digest of all assets.

    Modules import each other relatively and so stay in one version.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def assets_url() -> str:
    """Return where the window finds its scripts and styles, relative to the page."""
    return f"assets/{assets_version()}"


def asset(wb: Workbench, request: Request) -> Response:
    """Answer one of the window's own files.

    An old version's address gets the current file, which is not cached.

    Raises:
        NotFound: no such file.
    """
    path = inside(ASSETS, request.path_params["path"])
    kind = SCRIPTS.get(path.suffix.lower())
    if kind is None or not path.is_file():
        raise NotFound(f"no asset {request.path_params['path']!r}")
    return kept(request, path, kind, forever=request.path_params["version"] == assets_version())
