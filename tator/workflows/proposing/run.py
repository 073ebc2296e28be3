"""Propose boxes over a dataset.

A snapshot, the work, the candidates, and counts of what was kept and left out.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tator.datasets.dataset import Dataset, ImageRow
from tator.datasets.snapshots import freeze
from tator.editing.candidates import COUNTED, replace_candidates, source_of
from tator.runtime.running import Ledger, MakeWorker, Ran, run_over
from tator.storage.thresholds import Thresholds, model_folder, thresholds_of
from tator.types import Detections, Work
from tator.warning_codes import CANDIDATES_CLIPPED, CANDIDATES_OUTSIDE, CANDIDATES_RETIRED, warned
from tator.workflows.proposing.classes import LEAVE_OUT, ClassRow
from tator.workflows.proposing.recipe import ProposingRecipe

COUNTS = (*COUNTED, "left_out_by_class", "reviewed")
BAD_LISTED = 1000  # bad images listed with their reason; the rest are counted


@dataclass
class Proposer:
    """Turns what a model found into candidates of a dataset.

    Attributes:
        dataset: where they go.
        recipe: what is kept.
        table: what each row of the model's class list becomes.
        thresholds: from which confidence boxes are kept.
        counts: boxes so far: those of replace_candidates, "left_out_by_class" and "reviewed" (found in an image that
            a person marked reviewed meanwhile).
    """

    dataset: Dataset
    recipe: ProposingRecipe
    table: Sequence[ClassRow]
    thresholds: Thresholds
    counts: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(COUNTS, 0)))
    _ids: dict[str, int] = field(default_factory=dict, repr=False)  # of classes by the name that they had at first

    def __post_init__(self) -> None:
        self._ids = {row.name: row.class_id for row in self.dataset.classes()}

    def chosen(self, found: Detections) -> Detections:
        """Return the boxes that the recipe keeps, the most confident first.

        class_id is still the model's.
        """
        own, conf = self.thresholds.classes, self.thresholds.conf
        each = [own.get(row.target, own.get(row.model_class, conf)) for row in self.table]
        least = np.array([*each, conf])  # -1, unknown, is the last
        found = found[found.confidence >= least[found.class_id]]
        targets = np.array([row.target != LEAVE_OUT for row in self.table] + [False], bool)  # -1, unknown, is the last
        has_class = targets[found.class_id]
        self.counts["left_out_by_class"] += int((~has_class).sum())
        found = found[has_class]
        return found[np.argsort(-found.confidence, kind="stable")[: self.recipe.max_per_image]]

    def store(self, backend: str, run: str, rows: Sequence[ImageRow], results: Sequence[Detections]) -> None:
        """Keep the boxes of some images.

        Images that were marked reviewed since the run began are left alone.
        """
        open_ids = {row.id for row in images_for(self.dataset, self.recipe)}
        kept = {}
        for row, found in zip(rows, results, strict=True):
            chosen = self.chosen(found)
            if row.id in open_ids:
                kept[row.id] = self._in_our_classes(chosen)
            else:
                self.counts["reviewed"] += len(chosen)
        self.counts.update(replace_candidates(self.dataset, kept, backend, run))

    def _in_our_classes(self, found: Detections) -> Detections:
        """Return boxes with the dataset's class ids; a class that is new is made.

        One that is renamed or deleted during the run is not made again.
        """
        ids = self._ids
        for at in np.unique(found.class_id):
            name = self.table[at].target
            if name not in ids:
                known = {row.name: row.class_id for row in self.dataset.classes()}
                ids[name] = known[name] if name in known else self.dataset.add_class(name).class_id
        class_id = np.array([ids[self.table[at].target] for at in found.class_id], np.int64)
        return Detections(found.xyxy, found.confidence, class_id, found.mask, found.data)


def images_for(dataset: Dataset, recipe: ProposingRecipe) -> list[ImageRow]:
    """Return the readable images that a run works on."""
    return [row for row in dataset.images() if recipe.include_reviewed or row.state != "reviewed"]


def propose(
    dataset: Dataset,
    recipe: ProposingRecipe,
    table: Sequence[ClassRow],
    make_worker: MakeWorker,
    backend: str,
    run: str,
    devices: Sequence[str] = ("cpu",),
    folder: Path | None = None,
    user: str = "",
) -> Work:
    """Run a model over a dataset and store its boxes as candidates.

    Their source is <backend>@<run>.

    Args:
        dataset: where to look.
        recipe: what is kept.
        table: from class_table, a row for each class of the model.
        make_worker: makes a worker of a device: a list of image rows to one Detections each, class_id the row of table.
        backend: id of the card.
        run: name of the run; its earlier candidates are replaced.
        devices: where to run.
        folder: of the run; a run that was cut off goes on from what is noted there. None starts afresh each time.
        user: who is acting.

    Returns:
        {"source", "snapshot", "thresholds": with where they come from, "images": {"done", "kept", "left_out_reviewed", "bad"}, "bad": [{"image_id", "image",
        "reason"}], "candidates": counts of boxes}.

    Raises:
        BadInput: backend or run cannot name a source.
    """
    source, rows = source_of(backend, run), images_for(dataset, recipe)
    reviewed = len(dataset.images()) - len(rows)
    ledger = Ledger(folder / "done.jsonl") if folder else None
    snapshot = ""
    if recipe.snapshot_before and rows and not (ledger and ledger.ids):
        frozen = yield from freeze(dataset, _snapshot_name(source), with_hashes=False, user=user)
        snapshot = frozen["name"]
    thresholds = thresholds_of(model_folder(dataset.workspace, backend), recipe.conf)
    proposer = Proposer(dataset, recipe, table, thresholds)
    ran: Ran = yield from run_over(
        rows,
        make_worker,
        lambda batch, results: proposer.store(backend, run, batch, results),
        batch=recipe.batch,
        devices=devices,
        ledger=ledger,
    )
    counts = dict(proposer.counts)
    told = {
        "source": source,
        "snapshot": snapshot,
        "thresholds": thresholds.told(),
        **_account(ran, reviewed),
        "candidates": counts,
    }
    met = {"clipped": CANDIDATES_CLIPPED, "outside": CANDIDATES_OUTSIDE, "retired": CANDIDATES_RETIRED}
    return warned(told, {code: counts[kind] > 0 for kind, code in met.items()})


def _snapshot_name(source: str) -> str:
    """Return a name that no other snapshot has, at most 100 characters."""
    moment = time.time()
    when = time.strftime("%Y-%m-%d %H.%M.%S", time.gmtime(moment)) + f".{int(moment % 1 * 1000):03}"
    return f"before {source.replace('/', '-')[:60]} {when}"


def _account(ran: Ran, reviewed: int) -> dict[str, Any]:
    images = {"done": ran.done, "kept": ran.kept, "left_out_reviewed": reviewed, "bad": len(ran.bad)}
    return {"images": images, "bad": ran.bad[:BAD_LISTED]}


def try_out(
    dataset: Dataset,
    recipe: ProposingRecipe,
    table: Sequence[ClassRow],
    make_worker: MakeWorker,
    rows: Sequence[ImageRow],
    device: str = "cpu",
    backend: str = "",
) -> Work:
    """Return {image id: boxes} that a run would propose in a few images.

    class_id is the row of table; nothing is stored. A backend that is named is held to its calibration or operating point.
    """
    folder = model_folder(dataset.workspace, backend) if backend else None
    proposer = Proposer(dataset, recipe, table, thresholds_of(folder, recipe.conf))
    found: dict[int, Detections] = {}

    def keep(batch: list[ImageRow], results: list[Detections]) -> None:
        found.update((row.id, proposer.chosen(one)) for row, one in zip(batch, results, strict=True))

    yield from run_over(rows, make_worker, keep, batch=recipe.batch, devices=(device,))
    return found
