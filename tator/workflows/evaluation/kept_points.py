"""Where an operating point is kept: with the run that infers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tator.runtime.registry import backend
from tator.storage.thresholds import model_folder
from tator.storage.workspace import Workspace
from tator.types import NotFound
from tator.workflows.heads import heads_of


@dataclass(frozen=True)
class Inferring:
    """What infers, and will again.

    Attributes:
        words: what people call it, such as "head farm".
        folder: of its run, where its operating point is kept.
    """

    words: str
    folder: Path


def inferring(workspace: Workspace, predictor: str, source: str) -> Inferring | None:
    """Return what gave the predictions.

    None for a file, for several, and for what is gone.

    Args:
        workspace: whose runs.
        predictor: of the evaluation.
        source: name of the head, id of the model, or <backend>@<run> of candidates.
    """
    if predictor == "head":
        shelf = heads_of(workspace)
        name = source or shelf.active()
        return Inferring(f"head {name}", shelf.place(name)) if name in shelf.names() else None
    model = source.partition("@")[0] if predictor == "candidates" else source
    if predictor not in ("candidates", "detector", "concept") or not _is_model(model):
        return None
    return Inferring(f"model {model}", model_folder(workspace, model))


def of_evaluation(workspace: Workspace, facts: Mapping[str, Any]) -> Inferring | None:
    """Return what gave the predictions of an evaluation.

    Args:
        workspace: whose runs.
        facts: of its metrics.json.
    """
    told = facts.get("predictions") or {}
    source = told.get("model") or told.get("source") or ""
    return inferring(workspace, str(told.get("predictor", "")), str(source))


def _is_model(model: str) -> bool:
    try:
        backend(model)
    except NotFound:
        return False
    return True
