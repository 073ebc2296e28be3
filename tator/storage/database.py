"""The database: opened, migrated, and lent as connections.

Its failures are put into words.
"""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from tator.storage import migrations
from tator.storage.atomic import replacing
from tator.storage.schema import metadata
from tator.types import BadInput, Conflict, Unavailable

BUSY_S = 30.0  # how long a writer waits for another process to finish
BACKUPS_KEPT = 5
CHUNK = 500  # ids in one IN (...), well under every database's limit


class Store:
    """One database, used from many threads and from several processes at once.

    Attributes:
        engine: pooled connections.
        place: what messages call the database: its file, or its address without the password.
    """

    def __init__(
        self, url: str, backups: Path | None = None, busy_s: float = BUSY_S, foreign_keys: bool = True
    ) -> None:
        self._url, self._backups, self._busy_s = url, backups, busy_s
        self.engine = new_engine(url, busy_s, foreign_keys)
        self._file = Path(self.engine.url.database or "") if self.engine.dialect.name == "sqlite" else None
        self.place = str(self._file or self.engine.url.render_as_string(hide_password=True))
        self._turn = threading.Lock()
        self._writing = threading.local()

    @classmethod
    def open(cls, url: str, backups: Path | None = None, busy_s: float = BUSY_S) -> Store:
        """Open a database, made on first use; a copy is kept before its schema changes.

        Args:
            url: SQLAlchemy address, such as sqlite:////home/me/.tator/tator.db.
            backups: folder for the copies; None makes none.
            busy_s: how long to wait for another process that holds the database.

        Raises:
            BadInput: the address names no database that is installed.
            Unavailable: it cannot be read or written, is damaged, or a newer Tator wrote it.
        """
        store = cls(url, backups, busy_s)
        try:
            store._migrate()
        except BaseException:
            store.close()
            raise
        return store

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Lend a connection that sees one state of the database throughout."""
        with self._lent("DEFERRED") as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Lend a connection in one transaction.

        It is durable once the block ends; an error undoes all of it.

        Raises:
            Unavailable: the disk is full, the file is read-only, or another program holds it.
        """
        if getattr(self._writing, "now", False):
            raise RuntimeError("write() inside write(): pass the connection on instead")
        turn = (
            self._turn if self._file else None
        )  # SQLite has one writer; waiting here is quicker than polling its lock
        if turn and not turn.acquire(timeout=self._busy_s):
            raise Unavailable(self._locked())
        self._writing.now = True
        try:
            with self._lent("IMMEDIATE") as connection:
                yield connection
        finally:
            self._writing.now = False
            if turn:
                turn.release()

    def backup(self, folder: Path) -> Path:
        """Copy a SQLite database while it is in use.

        The oldest copies beyond five are removed.

        Raises:
            Unavailable: the database is not SQLite (use its own tools), or the disk is full.
        """
        if not self._file:
            raise Unavailable(f"{self.place} is copied with its server's own tools, such as pg_dump")
        now = time.time()
        target = folder / f"tator-{time.strftime('%Y%m%d-%H%M%S', time.gmtime(now))}-{int(now % 1 * 1000):03}.db"
        try:
            with replacing(target) as part:
                with closing(sqlite3.connect(part)) as copy, self.engine.connect() as connection:
                    cast(sqlite3.Connection, connection.connection.driver_connection).backup(copy)
        except (sqlite3.Error, OSError) as error:
            raise Unavailable(f"no copy of {self.place} could be made in {folder}: {error}") from error
        for old in sorted(folder.glob("tator-*.db"))[:-BACKUPS_KEPT]:
            old.unlink(missing_ok=True)
        return target

    def close(self) -> None:
        """Release the database."""
        self.engine.dispose()

    @contextmanager
    def _lent(self, begin: str) -> Iterator[Connection]:
        try:
            with self.engine.connect() as connection:
                with connection.execution_options(begin=begin).begin():
                    yield connection
        except PoolTimeout as error:
            raise Unavailable("too many requests are waiting for the database; try again") from error
        except DBAPIError as error:
            raise self._in_words(error) from error

    def _migrate(self) -> None:
        """Bring the schema up to date, in one transaction.

        After a crash the old schema is still there.
        """
        with self.read() as connection:
            version = self._version(connection)
        if version == migrations.HEAD:
            return
        if version and self._file and self._backups:
            self.backup(self._backups)
        # A second engine, because SQLite's table rebuilds would cascade deletes if it enforced foreign keys meanwhile.
        builder = Store(self._url, busy_s=self._busy_s, foreign_keys=False)
        with closing(builder), builder.write() as connection:
            if self._version(connection) != migrations.HEAD:  # another process may have been quicker
                migrations.upgrade(connection)

    def _version(self, connection: Connection) -> str:
        """Return the schema version, "" for a new database.

        Raises:
            Unavailable: the version is unknown, or the tables are not ours.
        """
        found = inspect(connection)
        if not found.has_table("alembic_version"):
            if taken := sorted(set(found.get_table_names()) & set(metadata.tables)):
                raise Unavailable(
                    f"{self.place} holds tables of another program ({', '.join(taken)}); name another database"
                )
            return ""
        version = connection.execute(text("select version_num from alembic_version")).scalar() or ""
        if version not in migrations.known_versions() | {""}:
            raise Unavailable(
                f"{self.place} was written by a newer Tator (schema {version}); this one knows up to "
                f"{migrations.HEAD}: update Tator, or use an older copy from {self._backups or 'your backups'}"
            )
        return version

    def _in_words(self, error: DBAPIError) -> Exception:
        """Return the error a person can act on, or the same one when nobody but us can."""
        said = str(error.orig).strip().lower()
        if "is locked" in said or "is busy" in said:
            return Unavailable(self._locked())
        if "disk is full" in said or "no space left" in said or "disk i/o" in said:
            return Unavailable(
                f"the disk of {self.place} is full or failing ({self._free_mb()} MB free); nothing of this was saved"
            )
        if "readonly" in said or "read-only" in said or "unable to open" in said:
            return Unavailable(f"{self.place} cannot be opened for writing: its folder or file is missing or read-only")
        if "not a database" in said or "malformed" in said:
            return Unavailable(
                f"{self.place} is damaged ({said}); copies of it are in {self._backups or 'your backups'}"
            )
        if isinstance(error, IntegrityError) and "foreign key" in said:
            return Conflict("what this belongs to was deleted for good meanwhile; nothing of this was saved")
        if not self._file and isinstance(error, OperationalError):
            return Unavailable(f"the database {self.place} does not answer: {said.splitlines()[0] if said else error}")
        return error

    def _locked(self) -> str:
        held = f"{self.place} is held by another program for more than {self._busy_s:g} s"
        return f"{held}; nothing of this was saved, try again"

    def _free_mb(self) -> int:
        existing = next(folder for folder in (self._file or Path.cwd()).absolute().parents if folder.exists())
        return shutil.disk_usage(existing).free // 2**20


def new_engine(url: str, busy_s: float = BUSY_S, foreign_keys: bool = True) -> Engine:
    """Return an engine with pooled connections.

    SQLite gets a write-ahead log that is synced at every commit.

    Raises:
        BadInput: the address is malformed or its driver is not installed.
    """
    try:
        sqlite = make_url(url).get_backend_name() == "sqlite"
        timeout = {"timeout": busy_s} if sqlite else {}
        engine = create_engine(url, connect_args=timeout, pool_size=8, max_overflow=32, pool_timeout=busy_s)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise BadInput(f"the database address {url.split('@')[-1]!r} cannot be used: {error}") from error
    if sqlite:
        _follow_sqlite_rules(engine, foreign_keys)
    return engine


def _follow_sqlite_rules(engine: Engine, foreign_keys: bool) -> None:
    """Set up each SQLite connection and start transactions ourselves.

    The driver starts them too late, and not for DDL.

    Source: https://docs.sqlalchemy.org/en/21/dialects/sqlite.html, "Enabling Non-Legacy SQLite Transactional Modes".
    """

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", f"foreign_keys={'ON' if foreign_keys else 'OFF'}"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get('begin', 'DEFERRED')}")


def chunks(values: Iterable[Any]) -> Iterator[list[Any]]:
    """Yield lists of values short enough for one query."""
    listed = list(values)
    return (listed[start : start + CHUNK] for start in range(0, len(listed), CHUNK))
