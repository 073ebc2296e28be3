"""Serve images, thumbnails and the window's scripts, so that browsers keep them."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from tator.datasets.dataset import Dataset
from tator.storage.images import MEDIA, THUMBS, thumbnail, viewable
from tator.storage.workspace import inside
from tator.types import BadInput, NotFound
from tator.workbench import Workbench

ASSETS = Path(__file__).parents[2] / "assets"
FOREVER = "private, max-age=31536000, immutable"  # a year: the address changes with the content
ASK_AGAIN = "private, no-cache"
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
    """Answer an image upright and in a format every browser shows."""
    path = image_path(wb, request)
    return cached_picture(request, lambda: viewable(path, MEDIA.folder(wb.workspace)))


def thumb(wb: Workbench, request: Request) -> Response:
    """Answer an image's thumbnail."""
    path = image_path(wb, request)
    return cached_picture(request, lambda: thumbnail(path, THUMBS.folder(wb.workspace)))


def cached_picture(request: Request, make: Callable[[], Path]) -> Response:
    """Answer a cached picture, made again where the cache is emptied meanwhile."""
    try:
        return picture(request, make())
    except FileNotFoundError:
        return picture(request, make())


def image_path(wb: Workbench, request: Request) -> Path:
    """Return the file of the image that the address names.

    Raises:
        NotFound: no such image, or its file is gone.
    """
    dataset, row = Dataset.of_image(wb.store, wb.workspace, int(request.path_params["image_id"]))
    path = dataset.path(row)
    if not path.is_file():
        raise NotFound(f"{row.path}: the file is no longer there")
    return path


def picture(request: Request, path: Path) -> Response:
    """Answer a picture file by what its bytes are, never by what its name says.

    Raises:
        BadInput: the file is not a picture of a kind that browsers show.
    """
    with path.open("rb") as file:
        head = file.read(8)
    kind = next((kind for magic, kind in MAGIC.items() if head.startswith(magic)), None)
    if kind is None:
        raise BadInput(f"{path.name} is not a picture that browsers show")
    return kept(request, path, kind, forever="v" in request.query_params, headers=INERT)


def kept(request: Request, path: Path, kind: str, *, forever: bool, headers: dict[str, str] | None = None) -> Response:
    """Answer a file with a strong ETag, or 304 when the browser has it already."""
    facts = path.stat()
    tag = f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"'
    marks = {"etag": tag, "cache-control": FOREVER if forever else ASK_AGAIN} | (headers or {})
    known = [part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")]
    if tag in known:
        return Response(status_code=304, headers=marks)
    return FileResponse(path, media_type=kind, headers=marks, stat_result=facts)


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
