"""List models and their state, get and delete weights, unload models."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tator.ops import operation
from tator.protocols import Card
from tator.runtime.registry import backend, backends, pip_command
from tator.types import BadInput, Conflict, NotFound, Unavailable, Work
from tator.weights.places import place_of, state_of
from tator.weights.transfers import download, import_local
from tator.workbench import Workbench

UNLOAD_S = 5.0  # longest wait for a model that is answering
NEEDS = {"missing": "weights", "gated": "a licence", "offline": "a local copy", "corrupt": "sound weights"}


@operation(mirrors=("system_models", "clip_backbones", "sam3_models_list", "sam3_models_available"), writes=False)
def models_list(wb: Workbench, task: str = "") -> list[dict[str, Any]]:
    """Return every model backend: what it does, needs and reaches.

    Args:
        task: segment, find or encode; empty for all.

    Raises:
        BadInput: no backend serves that task.
    """
    cards = [cls.card for cls in backends().values()]
    tasks = sorted({card.task for card in cards})
    if task and task not in tasks:
        raise BadInput(f"no backend serves the task {task!r}; there are {', '.join(tasks)}")
    loaded = {name: row for row in reversed(wb.models.loaded()) for name in row["cards"]}
    defaults = {default_of(wb, name) for name in tasks if task in ("", name)}
    return [_row(wb, card, loaded.get(card.id)) | {"is_default": card.id in defaults}
            for card in cards if task in ("", card.task)]  # fmt: skip


def default_of(wb: Workbench, task: str) -> str:
    """Return the backend that is taken where nobody chose one, "" where none is ready."""
    try:
        return wb.models.default(task)
    except Unavailable:
        return ""


def _row(wb: Workbench, card: Card, loaded: dict[str, Any] | None) -> dict[str, Any]:
    weights, lacking = state_of(card, wb.workspace.folder("models"), wb.network), pip_command(card)
    needs = lacking or NEEDS.get(weights.state, "")
    message = " ".join(filter(None, (f"Install what it needs: {lacking}." if lacking else "", weights.message)))
    if not needs and card.vram_mb > wb.models.budget_mb:
        needs = f"{card.vram_mb} MB of memory"
        message = f"Models may use {wb.models.budget_mb} MB on {wb.models.device}; choose a smaller one."
    return {
        "id": card.id, "task": card.task, "label": card.label, "state": f"needs: {needs}" if needs else "ready",
        "message": message, "weights_state": weights.state, "size_mb": weights.size_mb, "gated": card.gated,
        "is_loaded": loaded is not None, "loaded": loaded is not None,
        "device": loaded["device"] if loaded else wb.models.device, "memory_mb": loaded["mb"] if loaded else 0,
        "last_used": loaded["last_used"] if loaded else None, "uses": loaded["uses"] if loaded else 0,
        "expects": card.expects, "vram_mb": card.vram_mb, "weights": card.weights,
        "license": card.license, "source": card.source,
    }  # fmt: skip


@operation(title="Download", unit="bytes")
def weights_download(wb: Workbench, card: str) -> Work:
    """Download a model's weights; what an earlier try fetched is kept and continued.

    Args:
        card: id of a model, from models_list.

    Raises:
        NotFound: no such model.
        Conflict: they are being fetched already.
        Unavailable: offline, no connection, no permission or no space; the message says what mends it.
        BadInput: the model needs none, or what arrived is damaged.
    """
    found, folder = backend(card).card, wb.workspace.folder("models")
    with alone(found, folder):
        place = yield from download(found, folder, wb.network)
    return {"card": card, "file": place}


@operation(title="Import weights", unit="bytes")
def weights_import(wb: Workbench, card: str, source: str) -> Work:
    """Copy a model's weights from this machine or an upload, checked first.

    Args:
        card: id of a model, from models_list.
        source: weight file or folder as the server sees it, or upload:<id>.

    Raises:
        NotFound: no such model, file, folder or upload.
        Forbidden: outside the folders that imports may read.
        Conflict: they are being fetched already.
        Unavailable: a file of the folder is missing.
        BadInput: a file is cut short, of another kind, or would run code.
    """
    found, folder = backend(card).card, wb.workspace.folder("models")
    given = wb.workspace.source(wb.own_source(source))
    given = unwrapped(given) if source.startswith("upload:") else given
    with alone(found, folder):
        place = yield from import_local(found, given, folder)
    return {"card": card, "file": place}


@operation
def weights_delete(wb: Workbench, card: str) -> dict[str, Any]:
    """Delete a model's weights from the workspace; they can be fetched again.

    Args:
        card: id of a model, from models_list.

    Raises:
        NotFound: no such model, or none of its weights are here.
        Conflict: the model is in use, or its weights are being fetched.
    """
    found, folder = backend(card).card, wb.workspace.folder("models")
    if not found.is_fetched:
        raise NotFound(f"{found.label} has no weights of its own")
    place = place_of(found, folder)
    sharing = [cls.card.id for cls in backends().values() if cls.card.weights == found.weights]
    with alone(found, folder):
        if not place.exists():
            raise NotFound(f"no weights of {found.label} are in the workspace ({place})")
        wb.models.unload_all(UNLOAD_S, sharing)
        if lent := [row["label"] for row in wb.models.loaded() if set(row["cards"]) & set(sharing)]:
            raise Conflict(f"{', '.join(lent)} is in use; try again in a moment")
        freed = sum(file.stat().st_size for file in place.rglob("*") if file.is_file())
        shutil.rmtree(place)
    return {"cards": sharing, "freed_mb": freed >> 20}


@operation(mirrors=("runtime_unload",))
def runtime_unload(wb: Workbench) -> dict[str, Any]:
    """Unload every model and forget encoded images.

    A model that is still answering is unloaded when it has answered.
    """
    freed_bytes = wb.models.cache.clear()
    freed = wb.models.unload_all(UNLOAD_S)
    return {
        "freed_mb": sum(row["mb"] for row in freed), "unloaded": [row["id"] for row in freed],
        "still_lent": [row["id"] for row in wb.models.loaded()], "freed_cache_bytes": freed_bytes,
    }  # fmt: skip


@contextmanager
def alone(card: Card, folder: Path) -> Iterator[None]:
    """Hold a card's folder of weights, in all processes.

    Raises:
        Conflict: somebody else holds it.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(place_of(card, folder).with_suffix(".lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise Conflict(f"the weights of {card.label} are being fetched already; see Jobs") from error
    try:
        yield
    finally:
        lock.release()


def unwrapped(folder: Path) -> Path:
    """Return what an upload holds.

    That is its one file or folder, else the upload's folder itself.
    """
    inside = sorted(folder.iterdir())
    return unwrapped(inside[0]) if len(inside) == 1 and inside[0].is_dir() else folder
