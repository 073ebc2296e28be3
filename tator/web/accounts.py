"""Who may log in: a text file of names, argon2 hashes and token digests."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import time
from pathlib import Path

from tator.storage.atomic import replacing
from tator.types import BadInput

NAME = re.compile(r"[A-Za-z0-9_.@-]{1,64}")
SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 1024
FREE_FAILURES = 3  # wrong passwords in a row before a name has to wait
LONGEST_WAIT_S = 60.0


class Accounts:
    """The auth file: one `name:argon2 hash:token digest` per line.

    It is read again when it changes.

    Attributes:
        path: the file; `python -m tator add-user` writes it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read_at = -1
        self._lines: dict[str, tuple[str, str]] = {}
        self._failures: dict[str, tuple[int, float]] = {}  # name -> failures in a row, time of the last
        self._nobody = ""
        if not self._current():
            raise BadInput(f"{path} holds no user; add one: python -m tator add-user --auth-file {path} NAME")

    def verify(self, name: str, password: str) -> bool:
        """Check a password; a name that failed often has to wait, known or not."""
        from argon2 import PasswordHasher
        from argon2.exceptions import InvalidHashError, VerificationError

        name = name.strip()
        if self.wait_s(name) > 0 or len(password) > LONGEST_PASSWORD:
            return False
        hasher = PasswordHasher()
        self._nobody = self._nobody or hasher.hash(secrets.token_hex())
        stored = self._current().get(name, (self._nobody, ""))[0]  # an unknown name costs the same time
        try:
            right = hasher.verify(stored, password) and name in self._lines
        except (VerificationError, InvalidHashError):
            right = False
        self._count(name, right)
        return right

    def wait_s(self, name: str) -> float:
        """Return for how many more seconds a name is refused after wrong passwords."""
        failures, last = self._failures.get(name, (0, 0.0))
        pause = min(2.0 ** (failures - FREE_FAILURES), LONGEST_WAIT_S) if failures >= FREE_FAILURES else 0.0
        return max(0.0, last + pause - time.monotonic())

    def of_token(self, token: str) -> str | None:
        """Return whose API token this is, or None."""
        digest = _digest(token)
        for name, (_, stored) in self._current().items():
            if stored and hmac.compare_digest(stored, digest):
                return name
        return None

    def _count(self, name: str, right: bool) -> None:
        if right:
            self._failures.pop(name, None)
            return
        if len(self._failures) > 10_000:  # made-up names must not fill the memory
            self._failures.clear()
        self._failures[name] = (self._failures.get(name, (0, 0.0))[0] + 1, time.monotonic())

    def _current(self) -> dict[str, tuple[str, str]]:
        stamp = self.path.stat().st_mtime_ns if self.path.exists() else 0
        if stamp != self._read_at:
            self._lines, self._read_at = read_accounts(self.path), stamp
        return self._lines


def read_accounts(path: Path) -> dict[str, tuple[str, str]]:
    """Return {name: (argon2 hash, token digest or "")} of an auth file.

    Empty when the file is absent.

    Raises:
        BadInput: a line is not `name:hash` or `name:hash:digest`.
    """
    if not path.exists():
        return {}
    found = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = line.strip().split(":")
        if len(parts) not in (2, 3) or not parts[1].startswith("$argon2"):
            raise BadInput(f"{path}, line {number}: expected name:argon2 hash, as python -m tator add-user writes it")
        found[parts[0]] = (parts[1], parts[2] if len(parts) == 3 else "")
    return found


def add_account(path: Path, name: str, password: str) -> str:
    """Add a user, or give a known one a new password; return a new API token.

    The token is shown once; the file keeps its digest.

    Raises:
        BadInput: the name has other characters, or the password is short.
    """
    from argon2 import PasswordHasher

    if not NAME.fullmatch(name):
        raise BadInput(f"{name!r} is not a user name; expected 1 to 64 letters, digits or _ . @ -")
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise BadInput(f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters, this has {len(password)}")
    token = f"tator_{secrets.token_urlsafe(24)}"
    accounts = read_accounts(path) | {name: (PasswordHasher().hash(password), _digest(token))}
    with replacing(path) as part:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as lines:
            lines.writelines(f"{who}:{hashed}:{digest}\n" for who, (hashed, digest) in sorted(accounts.items()))
    return token


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
