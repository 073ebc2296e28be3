"""Send folders, zips and files to a running Tator.

Small files go in bundles, large ones in pieces, each from where it stands.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tator.types import BadInput, Forbidden, NotFound, Progress, Unavailable, Work

PIECE = 8 * 2**20  # bytes of one request: seconds on a slow line, and little to send again
SMALL = 2**20  # bytes; a smaller file goes into a bundle, so that 100,000 are not 100,000 requests
BUNDLE_FILES = 250  # the server takes 1,000
REWRITTEN = re.compile(r'["\\\x00-\x1f\x7f]')  # characters that a form encodes in the name of a part
WAITS_S = (0.5, 1, 2, 4, 8, 15, 30)  # together longer than a server takes to restart
TIMEOUT_S = 120.0
KINDS = {"bad_input": BadInput, "not_found": NotFound, "unavailable": Unavailable, "forbidden": Forbidden}


class Passing(Exception):
    """A request failed in a way that may go well if it is tried again."""


@dataclass(frozen=True)
class Sent:
    """A file to send.

    Attributes:
        path: inside the upload, with /.
        file: on this machine.
        size: in bytes.
    """

    path: str
    file: Path
    size: int


class Uploading:
    """An upload to a server.

    Attributes:
        id: of the upload, "" before the first answer; given, that upload is gone on with.
        is_begun: the server has answered, so it can be gone on with.
        left_out: {"file", "reason"} of what could not be read here, or the server refused.
    """

    def __init__(self, url: str, token: str = "", upload_id: str = "") -> None:
        import httpx

        if not url.startswith(("http://", "https://")):
            raise BadInput(f"url {url[:80]!r} must begin with http:// or https://")
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self.id, self.is_begun = upload_id, False
        self.left_out: list[dict[str, str]] = []
        self._url = f"{url.rstrip('/')}/upload"
        self._client = httpx.Client(headers=headers, timeout=TIMEOUT_S)
        self._done = 0

    def send(self, paths: Sequence[Path]) -> Work:
        """Send files, and folders with their content; what has arrived is not resent.

        Args:
            paths: on this machine; a folder keeps its name in the upload.

        Returns:
            {"upload", "files", "bytes", "left_out"}; progress counts bytes.

        Raises:
            NotFound: no such path, or no such upload to go on with.
            BadInput: two files would have one name, a file changed meanwhile, or the server refuses.
            Forbidden: the server wants a login.
            Unavailable: the server does not answer, or its disk is full.
        """
        files = listed(paths)
        total = sum(each.size for each in files)
        arrived = self._trying(lambda: self._request("GET", {}))["files"] if self.id else {}
        waiting = [each for each in files if arrived.get(each.path) != each.size]
        self._done = total - sum(each.size for each in waiting)
        yield Progress(self._done, total, f"{len(files) - len(waiting)} of {len(files)} files are there")
        for bundle in bundles(waiting):
            if len(bundle) == 1:
                yield from self._large(bundle[0], arrived.get(bundle[0].path, 0), total)
            else:
                self._bundle(bundle)
                yield Progress(self._done, total, bundle[-1].path)
        return {"upload": self.id, "files": len(files), "bytes": total, "left_out": self.left_out}

    def _bundle(self, bundle: list[Sent]) -> None:
        self._done += sum(each.size for each in bundle)
        parts = {each.path: piece for each in bundle if (piece := self._read(each, 0, each.size)) is not None}
        while parts:
            files = [("files", part) for part in parts.items()]
            try:
                self._trying(partial(self._request, "POST", {}, files=files))
                return
            except BadInput as error:
                if parts.pop(error.details.get("file", ""), None) is None:
                    raise
                self._leave_out(error.details["file"], error)

    def _large(self, each: Sent, at: int, total: int) -> Work:
        """Send one file in pieces; go on from where the server says it stands."""
        at = at if at < each.size else 0
        self._done += at
        while (piece := self._read(each, at, min(PIECE, each.size - at))) is not None:
            try:
                after = self._trying(partial(self._piece, each.path, at, piece))
            except BadInput as error:
                if "file" not in error.details:
                    raise
                self._leave_out(each.path, error)
                return None
            self._done += after - at
            at = after
            yield Progress(self._done, total, each.path)
            if at >= each.size:
                return None
        return None

    def _read(self, each: Sent, at: int, size: int) -> bytes | None:
        """Return a piece of a file, or None after noting that it cannot be read.

        Raises:
            BadInput: the file became shorter.
        """
        try:
            with open(each.file, "rb") as file:
                file.seek(at)
                piece = file.read(size)
        except OSError as error:
            self._leave_out(each.path, error)
            return None
        if len(piece) < size:
            raise BadInput(f"{each.file} became shorter while it was sent; send it again")
        return piece

    def _piece(self, path: str, at: int, piece: bytes) -> int:
        """Post a piece and return where the file stands on the server."""
        try:
            return self._request("POST", {"path": path, "offset": at}, content=piece)["bytes"]
        except Passing:
            if not self.id:
                raise
            standing = self._request("GET", {"path": path})["bytes"]
            if standing == at:
                raise
            return standing

    def _leave_out(self, path: str, error: Exception) -> None:
        self.left_out.append({"file": path, "reason": str(error)})

    def _trying(self, step: Any) -> Any:
        """Run a step, again after ever longer waits while it fails in passing.

        Raises:
            Unavailable: it never went well.
        """
        for wait_s in (*WAITS_S, None):
            try:
                return step()
            except Passing as error:
                if wait_s is None:
                    raise Unavailable(f"{self._url}: {error}") from error
                time.sleep(wait_s)
        raise AssertionError("unreachable")

    def _request(self, method: str, query: dict, **body: Any) -> dict:
        import httpx

        query = query | ({"id": self.id} if self.id else {})
        try:
            response = self._client.request(method, self._url, params=query, **body)
        except httpx.TransportError as error:
            raise Passing(f"the server does not answer ({error})") from error
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if response.is_success and isinstance(answer, dict):
            self.id, self.is_begun = self.id or answer.get("upload", ""), True
            return answer
        raise problem_of(response.status_code, answer if isinstance(answer, dict) else {})


def problem_of(status: int, answer: dict) -> Exception:
    """Return the error of a server's answer."""
    code, message, details = answer.get("code"), answer.get("message"), answer.get("details") or {}
    if status in (409, 429) or (status >= 500 and code != "unavailable"):
        return Passing(message or f"the server answered {status}")
    if status == 401:
        return Forbidden("the server wants a login: give the token that python -m tator add-user showed")
    if code not in KINDS:
        return BadInput(
            f"the server answered {status}{f': {message}' if message else ''}; is this the address of a Tator?"
        )
    return KINDS[code](str(message), **details)


def listed(paths: Sequence[Path]) -> list[Sent]:
    """Return the files of paths in the order they are sent.

    Raises:
        NotFound: a path does not exist, or there is no file in any.
        BadInput: a name is not valid text, or two files would have one name.
    """
    found: dict[str, Sent] = {}
    for given in paths:
        root = Path(os.path.abspath(given.expanduser()))
        if not root.exists():
            raise NotFound(f"{given} does not exist on this machine")
        for file in [root] if root.is_file() else files_below(root):
            path = file.relative_to(root.parent).as_posix()
            if any("\ud800" <= letter <= "\udfff" for letter in path):
                raise BadInput(
                    f"{path.encode(errors='replace').decode()}: the name is not valid text; rename the file first"
                )
            if path in found:
                raise BadInput(f"{path} would be there twice; send the second path as an upload of its own")
            found[path] = Sent(path, file, file.stat().st_size)
    if not found:
        raise NotFound(f"there is no file in {', '.join(map(str, paths))}")
    return list(found.values())


def files_below(root: Path) -> Iterator[Path]:
    """Yield the files below a folder, sorted, without following links to folders."""
    for folder, folders, names in os.walk(root):
        folders.sort()
        yield from (path for path in (Path(folder, name) for name in sorted(names)) if path.is_file())


def bundles(files: Sequence[Sent]) -> Iterator[list[Sent]]:
    """Yield what is sent together.

    Large files go alone, small ones up to BUNDLE_FILES and PIECE bytes.
    """
    bundle: list[Sent] = []
    for each in files:
        if each.size >= SMALL or REWRITTEN.search(each.path):
            yield [each]
            continue
        if len(bundle) == BUNDLE_FILES or sum(one.size for one in bundle) + each.size > PIECE:
            yield bundle
            bundle = []
        bundle.append(each)
    if bundle:
        yield bundle
