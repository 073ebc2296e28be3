"""The running product: one workspace, its database, its models and its jobs."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

from tator.dataset import Dataset
from tator.jobs import JobRunner
from tator.manager import ModelManager
from tator.store import Store
from tator.workspace import Workspace

_acting: ContextVar[str] = ContextVar("acting", default="")


@dataclass
class Workbench:
    """What every operation works on.

    Attributes:
        workspace: the folders.
        store: the database.
        models: lends loaded models.
        jobs: runs long work.
    """

    workspace: Workspace
    store: Store
    models: ModelManager
    jobs: JobRunner = field(repr=False)

    @classmethod
    def at(cls, home: Path, *, db_url: str = "", device: str = "auto", source_roots: list[Path] | None = None) -> Workbench:
        """Open the workspace in a folder, made on first use; the database is migrated.

        Args:
            home: workspace folder.
            db_url: SQLAlchemy address of another database than the SQLite file in home.
            device: cpu, cuda, cuda:N, mps or auto.
            source_roots: folders that server-side imports may read; None allows any
                (right only where the caller owns the machine).
        """
        workspace = Workspace(home, source_roots)
        store = Store.open(db_url or f"sqlite:///{workspace.database}", backups=workspace.folder("backups"))
        wb = cls(workspace, store, ModelManager(device), JobRunner(store, home=workspace.home))
        wb.jobs.workbench = wb
        return wb

    def dataset(self, name: str) -> Dataset:
        """Return a dataset by name.

        Raises:
            NotFound: no dataset has that name.
        """
        return Dataset.named(self.store, self.workspace, name)

    @property
    def user(self) -> str:
        """Who is acting in this context: a login name, or "" on a machine without logins."""
        return _acting.get()

    @contextmanager
    def acting(self, user: str) -> Iterator[None]:
        """Attribute what happens inside the block to `user`."""
        token = _acting.set(user)
        try:
            yield
        finally:
            _acting.reset(token)

    def close(self) -> None:
        """Stop taking jobs and release the database."""
        self.jobs.close()
        self.store.close()
