"""Pictures of a cache that somebody empties while they are asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import PIL.Image
import pytest
from starlette.requests import Request
from starlette.responses import Response

from tator.storage.images import THUMBS, thumbnail
from tator.types import BadInput, Unavailable
from tator.web.media import PIECE, TRIES, cached_picture, picture


def asked(method: str = "GET", **headers: str) -> Request:
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": method, "path": "/", "query_string": b"v=1", "headers": named})


def sent(response: Response) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body as a browser receives them."""
    messages: list[dict] = []

    async def receive() -> dict:
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(message: dict) -> None:
        messages.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "asgi": {"spec_version": "2.0"}}
    asyncio.run(response(scope, receive, send))
    headers = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
    return messages[0]["status"], headers, b"".join(message.get("body", b"") for message in messages)


@pytest.fixture
def make(wb, tmp_path: Path) -> Callable[[], Path]:
    """Return what makes a thumbnail of an image in the workspace's cache."""
    PIL.Image.effect_noise((640, 480), 90).save(tmp_path / "a.png")
    return lambda: thumbnail(tmp_path / "a.png", THUMBS.folder(wb.workspace))


def test_a_picture_deleted_before_it_is_sent_arrives_whole(wb, make):
    content = make().read_bytes()
    response = cached_picture(asked(), make)
    assert THUMBS.purge(wb.workspace) == (1, len(content))
    status, headers, body = sent(response)
    assert (status, headers["content-type"], body) == (200, "image/jpeg", content)
    assert headers["content-length"] == str(len(content)) and "immutable" in headers["cache-control"]


@pytest.mark.parametrize("times", range(TRIES))
def test_a_picture_deleted_before_it_is_opened_is_made_again(wb, make, times: int):
    made: list[Path] = []

    def purged() -> Path:
        made.append(make())
        if len(made) <= times:
            THUMBS.purge(wb.workspace)
        return made[-1]

    assert sent(cached_picture(asked(), purged))[2] == make().read_bytes() and len(made) == times + 1


def test_a_cache_that_is_emptied_again_and_again_is_a_clean_answer(wb, make):
    def purged() -> Path:
        path = make()
        THUMBS.purge(wb.workspace)
        return path

    with pytest.raises(Unavailable, match="ask for it again"):
        cached_picture(asked(), purged)


def test_what_a_browser_has_is_not_sent_again(make):
    tag = sent(cached_picture(asked(), make))[1]["etag"]
    status, headers, body = sent(cached_picture(asked(if_none_match=f'W/{tag}, "other"'), make))
    assert (status, headers["etag"], body) == (304, tag, b"")


def test_a_large_picture_comes_in_pieces_and_another_file_not_at_all(tmp_path: Path):
    (tmp_path / "large.jpg").write_bytes(b"\xff\xd8\xff" + bytes(3 * PIECE))
    response = picture(asked(), tmp_path / "large.jpg")
    assert sent(response)[2] == (tmp_path / "large.jpg").read_bytes() and response._file.closed
    (tmp_path / "page.jpg").write_text("<script>")
    with pytest.raises(BadInput, match="page.jpg"):
        picture(asked(), tmp_path / "page.jpg")
