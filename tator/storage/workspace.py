"""The workspace folder, which holds everything that the product keeps.

Here too is the rule for paths inside a folder.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from tator.types import BadInput, Forbidden, NotFound

FOLDERS = (
    "cache",
    "runs",
    "recipes",
    "exports",
    "uploads",
    "backups",
    "datasets",
    "snapshots",
    "trash",
    "tmp",
    "models",
)
UPLOAD = "upload:"  # what a caller writes before an upload's id to import from it
LONGEST_PATH = 1000  # characters; the width of the column that holds an image's path
LONGEST_PART = 255  # bytes; what common file systems take for one name
_UPLOAD_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_SCHEME = re.compile(r"[A-Za-z]:.*|[A-Za-z][A-Za-z0-9+.-]*:")  # C:x, or what stands before the slashes of an address


def path_problem(relative: str) -> str:
    r"""Say why a path from outside cannot be a path inside a folder, or "" when it can.

    Absolute paths, drives (`C:\x`), UNC names, addresses (`file://`), `..` (with either
    slash), control characters and names too long to store are refused.
    """
    parts = re.split(r"[/\\]", relative)
    if not relative.strip() or relative in (".", "./"):
        return "it is empty"
    if _CONTROL.search(relative):
        return "it has control characters"
    if parts[0] == "" or _SCHEME.fullmatch(parts[0]):
        return "it is absolute, a drive or an address"
    if ".." in (part.strip() for part in parts):
        return "it leads out of the folder with .."
    if len(relative) > LONGEST_PATH or max(len(part.encode()) for part in parts) > LONGEST_PART:
        return f"it is too long (over {LONGEST_PATH} characters, or a name over {LONGEST_PART} bytes)"
    return ""


def inside(root: Path, relative: str, allowed: Sequence[Path] = ()) -> Path:
    """Return root/relative, which lies in root also after following links.

    Args:
        root: the folder.
        relative: path inside it.
        allowed: resolved folders that a link may lead to as well.

    Raises:
        BadInput: the path is absolute, traverses, or a link leads out of root and of what is allowed.
    """
    if problem := path_problem(relative):
        raise BadInput(f"path {relative[:200]!r} is refused: {problem}; expected a path inside the folder")
    path = Path(root) / PurePosixPath(relative)
    if _has_link(os.fspath(root), relative):
        real, roots = Path(os.path.realpath(path)), [Path(os.path.realpath(root)), *allowed]
        if not any(map(real.is_relative_to, roots)):
            raise BadInput(f"path {relative!r} is refused: a link in it leads out of the folder")
    return path


def _has_link(root: str, relative: str) -> bool:
    """Return whether a part of a path below a folder is a link.

    Where none is, the path cannot lead out, and the folder above need not be resolved for each of its files.
    """
    at = root
    for part in relative.split("/"):
        at = os.path.join(at, part)
        if os.path.islink(at):
            return True
    return False


def is_own_upload(upload_id: str, user: str) -> bool:
    """Return whether a user may use an upload, as far as its id says; "" may use any."""
    salt, _, owner = upload_id.partition("-")
    return not user or not owner or owner == _owner(salt, user)


def _owner(salt: str, user: str) -> str:
    """Return what an upload's id says of its owner.

    Jobs show ids to everybody, so an id alone must not give access.
    """
    return hashlib.sha256(f"{salt}/{user}".encode()).hexdigest()[:20]


class Workspace:
    """Folders of the product, made when first asked for.

    Attributes:
        home: absolute path of the workspace.
        source_roots: folders that server-side imports may read; None allows any.
    """

    def __init__(self, home: Path, source_roots: list[Path] | None = None) -> None:
        self.home = Path(home).expanduser().resolve()
        self.home.mkdir(parents=True, exist_ok=True)
        roots = source_roots
        self.source_roots = None if roots is None else [Path(root).expanduser().resolve() for root in roots]

    @property
    def linkable(self) -> Sequence[Path]:
        """Return the folders that links inside a dataset may lead to.

        Where imports may read any folder, none was named as safe to follow a link to.
        """
        return self.source_roots or ()

    @property
    def database(self) -> Path:
        """Return where the SQLite database lies."""
        return self.home / "tator.db"

    def folder(self, name: str) -> Path:
        """Return one of FOLDERS, made if need be.

        Raises:
            BadInput: no such folder.
        """
        if name not in FOLDERS:
            raise BadInput(f"workspace has no folder {name!r}; it has {', '.join(FOLDERS)}")
        path = self.home / name
        path.mkdir(exist_ok=True)
        return path

    def inside(self, root: Path, relative: str) -> Path:
        """Return root/relative, contained in root; see the function of this name."""
        return inside(root, relative)

    def source(self, path: str) -> Path:
        """Return a folder or file that a caller may import from, or an upload.

        Args:
            path: absolute path on the server, or "upload:<id>".

        Raises:
            BadInput: empty, relative or malformed.
            NotFound: nothing is there.
            Forbidden: outside the folders that imports may read.
        """
        if path.startswith(UPLOAD):
            return self.upload(path.removeprefix(UPLOAD))
        if not path.strip() or "\0" in path:
            raise BadInput("source is empty; expected a folder or .zip on the server, or upload:<id>")
        found = Path(path.strip()).expanduser()
        if not found.is_absolute():
            raise BadInput(f"source {path!r} is relative; expected an absolute path on the server")
        found = found.resolve()
        if self.source_roots is not None and not any(found.is_relative_to(root) for root in self.source_roots):
            allowed = ", ".join(map(str, self.source_roots)) or "none"
            raise Forbidden(f"source {path!r} lies outside the folders imports may read ({allowed})")
        if not found.exists():
            raise NotFound(f"source {path!r} does not exist on the server")
        return found

    def upload(self, upload_id: str, user: str = "") -> Path:
        """Return the folder of an upload.

        Args:
            upload_id: from new_upload.
            user: who asks; "" is whoever owns the machine, or a server without logins.

        Raises:
            BadInput: malformed id.
            NotFound: no such upload, or it is another person's.
        """
        if not _UPLOAD_ID.fullmatch(upload_id):
            raise BadInput(f"upload id {upload_id[:80]!r} is malformed; expected up to 64 of A-Z a-z 0-9 _ -")
        path = self.folder("uploads") / upload_id
        if not path.is_dir() or not is_own_upload(upload_id, user):
            raise NotFound(f"no upload has the id {upload_id!r}")
        return path

    def new_upload(self, user: str = "") -> tuple[str, Path]:
        """Return the id and the fresh folder of a new upload.

        Only this user may add to it or import it.
        """
        salt = secrets.token_hex(12)
        upload_id = f"{salt}-{_owner(salt, user)}" if user else salt
        path = self.folder("uploads") / upload_id
        path.mkdir()
        return upload_id, path
