"""The running product: one workspace, its database, its models and its jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tator.datasets import glossary, removal, snapshot_removal  # noqa: F401 (each tells the trash what it puts there)
from tator.datasets.dataset import Dataset
from tator.exporting import qwen_datasets  # noqa: F401 (its family of runs)
from tator.jobs.runner import JobRunner
from tator.runtime.embedding_shelf import EMBEDDINGS, EmbeddingShelf
from tator.runtime.models import Models
from tator.runtime.predictors import PredictorSettings
from tator.storage.database import Store
from tator.storage.workspace import UPLOAD, Workspace, is_own_upload
from tator.types import NotFound, Work
from tator.weights.network import Network
from tator.workflows import load_workflows

UNLOAD_S = 10.0  # for models that are answering when a training starts

_acting: ContextVar[str] = ContextVar("acting", default="")


@dataclass
class Workbench:
    """What every operation works on.

    Attributes:
        workspace: the folders.
        store: the database.
        models: finds, loads, lends and asks models.
        jobs: runs long work.
        network: how weights are fetched.
    """

    workspace: Workspace
    store: Store
    models: Models
    jobs: JobRunner = field(repr=False)
    network: Network = field(default_factory=Network, repr=False)

    @classmethod
    def at(
        cls,
        home: Path,
        *,
        db_url: str = "",
        device: str = "auto",
        source_roots: list[Path] | None = None,
        network: Network | None = None,
    ) -> Workbench:
        """Open the workspace in a folder, made on first use; the database is migrated.

        Args:
            home: workspace folder.
            db_url: SQLAlchemy address of another database than the SQLite file in home.
            device: cpu, cuda, cuda:N, mps or auto.
            source_roots: folders that server-side imports may read; None allows any
                (right only where the caller owns the machine).
            network: how weights are fetched; None for the hub, without a token or a cache.
        """
        load_workflows()
        workspace = Workspace(home, source_roots)
        store = Store.open(db_url or f"sqlite:///{workspace.database}", backups=workspace.folder("backups"))
        jobs = JobRunner(store, workspace.home, lambda: wb, _acting.get, lambda: wb._before_child())
        network = network or Network()
        models = Models(workspace, network, device, start=partial(_start_once, jobs))
        wb = cls(workspace, store, models, jobs, network)
        wb.use_predictors(wb.predictors())
        return wb

    def dataset(self, name: str) -> Dataset:
        """Return a dataset by name.

        Raises:
            NotFound: no dataset has that name.
        """
        return Dataset.named(self.store, self.workspace, name)

    def own_source(self, source: str) -> str:
        """Return a source to import from, unless it is an upload of another person.

        Raises:
            NotFound: no upload of who is acting has that id.
        """
        if source.startswith(UPLOAD) and not is_own_upload(source.removeprefix(UPLOAD), self.user):
            raise NotFound(f"no upload has the id {source.removeprefix(UPLOAD)[:80]!r}")
        return source

    def weights(self, card_id: str) -> Path | None:
        """Return where a backend's weights are; see Models.weights."""
        return self.models.weights(card_id)

    def predictors(self) -> PredictorSettings:
        """Return how images are encoded ahead, as it was last set here.

        Raises:
            BadInput: the file is damaged; the message names it.
        """
        return PredictorSettings.in_force(self.workspace.folder("recipes"))

    def use_predictors(self, settings: PredictorSettings) -> None:
        """Encode images ahead within these limits from now on."""
        shelf = EmbeddingShelf(EMBEDDINGS.folder(self.workspace)) if settings.keep_on_disk else None
        self.models.cache.resize(settings.budget_mb, settings.images, shelf)

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

    def _before_child(self) -> list[str]:
        """Unload the models on the device a child will use; return the child's options."""
        if self.models.device != "cpu":
            self.models.unload_all(UNLOAD_S)
        return ["--device", self.models.device]

    def close(self) -> None:
        """Stop taking jobs and release the database."""
        self.jobs.close()
        self.store.close()


def _start_once(jobs: JobRunner, kind: str, arguments: dict[str, Any], make: Callable[[], Work]) -> None:
    """Start work in the background, unless the same is waiting or running already."""
    active = [job for job in jobs.list(kind) if job["state"] in ("queued", "running")]
    if not any(job["arguments"] == arguments for job in active):
        jobs.start(lambda wb, **_: make(), kind, arguments)
