"""Put a run together: dataset or file, predictor, places, and what is kept of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tator.datasets.dataset import Dataset
from tator.datasets.glossary import aliases, glossary_of
from tator.datasets.snapshots import Snapshot
from tator.runtime.models import Models
from tator.storage.atomic import write_json
from tator.storage.runs import Runs
from tator.storage.thresholds import Thresholds, thresholds_of
from tator.types import BadInput, Work
from tator.workflows.evaluation.coordinates import NORM1000, PIXEL
from tator.workflows.evaluation.frozen import drop_unused, frozen_for
from tator.workflows.evaluation.ground_truth import FileTruth, GroundTruth, SnapshotTruth
from tator.workflows.evaluation.html_report import report_page
from tator.workflows.evaluation.infer import Again
from tator.workflows.evaluation.kept_points import inferring
from tator.workflows.evaluation.leaks import find_leaks
from tator.workflows.evaluation.operating_point import curves
from tator.workflows.evaluation.pipeline import Outcome, Run, run_pipeline
from tator.workflows.evaluation.places import Places
from tator.workflows.evaluation.predictors.base import Predictor
from tator.workflows.evaluation.predictors.model_runs import ConceptRun, DetectorRun, HeadOnTruth
from tator.workflows.evaluation.predictors.replay import Replay
from tator.workflows.evaluation.predictors.stored import StoredCandidates
from tator.workflows.evaluation.shelf import REPORT
from tator.workflows.evaluation.text_encoder import text_encoder

HTML = "report.html"


@dataclass(frozen=True)
class Means:
    """What a run may use.

    Attributes:
        models: lends models.
        dataset: of the images; None where the ground truth is a file.
        source: turns a path that a caller gave into one that may be read.
        user: who is acting.
    """

    models: Models
    dataset: Dataset | None
    source: Callable[[str], Path]
    user: str = ""


def truth_of(
    config: Mapping[str, Mapping[str, Any]], means: Means, places: Places, name: str, goes_on: bool = False
) -> Work:
    """Return the ground truth that the infer section names; a dataset is frozen first.

    Args:
        config: checked, all sections.
        means: what the run may use.
        places: where its files lie.
        name: of the evaluation.
        goes_on: it was cut off and goes on with the labels that were frozen then.

    Raises:
        BadInput: it names none.
        NotFound: no such snapshot.
    """
    section = config["infer"]
    if section["gt_jsonl"]:
        file = means.source(section["gt_jsonl"])
        strict = config["eval"]["strict_parse"]
        return FileTruth(file, places.root or file.parent, section["mode"], section["detect_samples"], strict)
    if means.dataset is None:
        raise BadInput("infer needs a dataset or gt_jsonl: what is there to compare with")
    snapshot = section["snapshot"]
    if not snapshot:
        snapshot = yield from frozen_for(means.dataset, places.run_dir, name, means.user, goes_on)
    opened = Snapshot.open(means.dataset, snapshot)
    facts = {"dataset": means.dataset.name, "snapshot": snapshot, "snapshot_sha256": opened.sha256}
    return SnapshotTruth(opened, section["split"], facts | {"split": section["split"]})


def predictor_of(config: Mapping[str, Mapping[str, Any]], truth: GroundTruth, means: Means) -> Predictor:
    """Return the predictor that the infer section names.

    Raises:
        BadInput: it does not suit the ground truth.
    """
    section = config["infer"]
    kind, source, conf = section["predictor"], section["source"] or section["model_checkpoint"], float(section["conf"])
    if kind == "file":
        if not source:
            raise BadInput(
                "predictor file needs a source: COCO results, gt_vs_pred.jsonl, or a folder of YOLO text files"
            )
        coord_mode = PIXEL if section["pred_coord_mode"] == PIXEL else NORM1000
        return Replay(means.source(source), truth, section["image_ids"], coord_mode)
    if kind == "detector":
        return DetectorRun(means.models, source, conf)
    if not isinstance(truth, SnapshotTruth) or means.dataset is None:
        raise BadInput(f"predictor {kind} needs a dataset; for a gt_jsonl file there are file and detector")
    if kind == "candidates":
        return StoredCandidates(truth, source)
    if kind == "concept":
        return ConceptRun(means.models, means.dataset, truth, source, section["phrases"], conf)
    return HeadOnTruth(means.models, means.dataset, truth, source)


def evaluate_run(
    config: Mapping[str, Mapping[str, Any]],
    places: Places,
    means: Means,
    name: str,
    *,
    shelf: Runs[None] | None = None,
    arguments: Mapping[str, Any] | None = None,
    near_bits: int = -1,
    config_path: str = "",
    again: Again = Again.REFUSE,
) -> Work:
    """Go through a run from config to numbers; return Outcome.

    Args:
        config: checked, all sections.
        places: where its files lie.
        means: what it may use.
        name: of the evaluation.
        shelf: that the run is kept on; None where its folder was given.
        arguments: with which another like it is made.
        near_bits: bits in which the looks of one picture may differ; -1 looks for no leaks.
        config_path: file that the config was read from.
        again: what to do with predictions that are there.
    """
    goes_on = again is Again.RESUME or (again is Again.REFUSE and places.gt_vs_pred.exists())
    try:
        run = yield from _run(config, places, means, name, goes_on)
        run.config_path, run.again = config_path, again
        split = config["infer"]["split"]
        if near_bits >= 0 and split and means.dataset is not None and run.truth is not None:
            run.honesty = partial(_honesty, means.dataset, split, near_bits)
        run.keep = lambda outcome: _keep(outcome, run, name, dict(arguments or {}), shelf)
        return (yield from run_pipeline(run))
    except BaseException:
        if means.dataset is not None:
            drop_unused(means.dataset, places.run_dir)
        raise


def _run(config: Mapping[str, Mapping[str, Any]], places: Places, means: Means, name: str, goes_on: bool) -> Work:
    """Return the run: its ground truth frozen, its predictor found."""
    truth = None
    if config["stages"]["infer"] or config["infer"]["dataset"] or config["infer"]["gt_jsonl"]:
        truth = yield from truth_of(config, means, places, name, goes_on)
    predictor = predictor_of(config, truth, means) if truth is not None and config["stages"]["infer"] else None
    run = Run(config, places, truth, predictor, _aliases(config, means))
    if config["eval"]["label_policy"] == "embed":
        run.embed = text_encoder(means.models, config["eval"]["semantic_model"])
    run.device, run.thresholds = means.models.device, _thresholds(config, means)
    return run


def _thresholds(config: Mapping[str, Mapping[str, Any]], means: Means) -> Thresholds | None:
    """Return what is kept with the run that infers.

    None where it is to be passed over or there is none.
    """
    section = config["infer"]
    if not config["eval"]["operating_point"] or means.dataset is None or not config["stages"]["infer"]:
        return None
    source = section["source"] or section["model_checkpoint"]
    found = inferring(means.dataset.workspace, section["predictor"], source)
    return thresholds_of(found.folder, config["eval"]["score_thr"]) if found else None


def _aliases(config: Mapping[str, Mapping[str, Any]], means: Means) -> dict[str, str]:
    if config["eval"]["label_policy"] != "glossary":
        return {}
    if means.dataset is None:
        raise BadInput("label_policy glossary needs a dataset, whose glossary has the other words")
    names = [row.name for row in means.dataset.classes()]
    return aliases(glossary_of(means.dataset)["entries"], names)


def _honesty(dataset: Dataset, split: str, near_bits: int) -> Work:
    """Return what is told of leaks, and the ids of the images that leak."""
    leaks = yield from find_leaks(dataset, split, near_bits)
    rows = {row.id: row for row in dataset.images()}
    return leaks.facts(rows), leaks.image_ids


def _keep(outcome: Outcome, run: Run, name: str, arguments: dict[str, Any], shelf: Runs[None] | None) -> None:
    """Write what lists and the page of the run are made from."""
    facts = report_facts(outcome, run, name)
    write_json(run.places.run_dir / REPORT, facts)
    if outcome.evaluation is not None:
        shapes = curves(outcome.evaluation.data, outcome.evaluation.matched)
        write_json(run.places.eval_dir / "curves.json", shapes)
        page = report_page(facts | outcome.evaluation.facts | {"split_honesty": outcome.honesty}, shapes)
        (run.places.eval_dir / HTML).write_text(page, encoding="utf-8")
    if shelf is not None:
        write_json(run.places.run_dir / "recipe.json", arguments)


def report_facts(outcome: Outcome, run: Run, name: str) -> dict[str, Any]:
    """Return report.json: who, what, when, and the numbers that lists show."""
    section, found = run.config["infer"], outcome.evaluation
    facts = {key: section[key] for key in ("dataset", "split", "predictor", "source", "gt_jsonl")}
    truth = dict(run.truth.facts) if run.truth is not None else {}
    facts |= {"name": name, "created_at": time.time(), "snapshot": truth.get("snapshot", ""), "ground_truth": truth}
    if found is not None:
        facts |= {"metrics": dict(found.metrics), "images": len(found.data.images), "classes": list(found.data.names)}
        facts |= {"ap_is_rankless": found.facts["ap_is_rankless"], "score_source": found.data.score_source}
        facts |= {"counters": found.facts["counters"], "split_honesty": _short(outcome.honesty)}
    return facts


def _short(honesty: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in honesty.items() if key != "rows"}
