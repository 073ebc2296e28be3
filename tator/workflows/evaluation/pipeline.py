"""One run from a predictor to numbers and drawings: infer, eval, vis."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from tator.storage.atomic import write_json
from tator.storage.thresholds import Thresholds
from tator.types import Progress, Work
from tator.workflows.evaluation.evaluator import Evaluation, Settings, evaluate, evaluate_records, subset
from tator.workflows.evaluation.ground_truth import GroundTruth, hash_of
from tator.workflows.evaluation.infer import Again, Asking, Inferred, fingerprint, infer
from tator.workflows.evaluation.label_policy import LabelPolicy
from tator.workflows.evaluation.overlays import draw_mistakes, draw_records
from tator.workflows.evaluation.places import Places, existing_predictions, manifest
from tator.workflows.evaluation.predictors.base import Predictor
from tator.workflows.evaluation.records import SCHEMA_VERSION, Reading, read_records
from tator.workflows.evaluation.report import write_report
from tator.workflows.evaluation.text_encoder import Meant

PACKAGES = ("numpy", "hotcoco", "pycocotools", "torch", "transformers", "ultralytics", "pillow")
STATUS_LINES = 200  # of git's answer that are kept
GIT_S = 10.0  # a repository on a slow disk


@dataclass
class Run:
    """One run.

    Attributes:
        config: checked, all sections.
        places: where the files lie.
        truth: what is there; None where the infer stage is off and the classes come with the file.
        predictor: answers; None where the infer stage is off.
        aliases: {other word: class}, for the label policy glossary.
        thresholds: kept with what is evaluated; None where its settings hold.
        embed: vectors of texts, for the label policy embed.
        config_path: file that the config was read from, "" for none.
        again: what to do with predictions that are there.
        device: where models run.
        honesty: looks for images of other splits that show the same; returns what is told of them and their ids.
        keep: puts the run on the shelf, before summary.json says that it is complete.
    """

    config: Mapping[str, Mapping[str, Any]]
    places: Places
    truth: GroundTruth | None = None
    predictor: Predictor | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)
    thresholds: Thresholds | None = None
    embed: Meant | None = None
    config_path: str = ""
    again: Again = Again.REFUSE
    device: str = "cpu"
    honesty: Callable[[], Work] | None = None
    keep: Callable[[Outcome], None] | None = None


@dataclass
class Outcome:
    """What a run gave.

    Attributes:
        summary: as summary.json holds it.
        evaluation: None where the eval stage is off.
        honesty: what was found of images of other splits; empty where nobody looked.
    """

    summary: dict[str, Any]
    evaluation: Evaluation | None = None
    honesty: dict[str, Any] = field(default_factory=dict)


def run_pipeline(run: Run) -> Work:
    """Go through the stages that are on; return Outcome.

    summary.json is written last: without it a run is not complete.

    Raises:
        Conflict: there are predictions already, or of something else.
        NotFound: the infer stage is off and there are no predictions.
    """
    stages, places = run.config["stages"], run.places
    places.make()
    write_json(places.resolved, manifest(run.config, stages, places, run.config_path))
    write_json(places.run_dir / "run_metadata.json", metadata(run))
    told, marks = Inferred(), {}
    if stages["infer"] and run.truth is not None and run.predictor is not None:
        told, marks = yield from _infer(run, run.truth, run.predictor)
    outcome = Outcome({})
    if stages["eval"]:
        found, leaking = (yield from run.honesty()) if run.honesty else ({}, ())
        yield Progress(0, 0, "evaluating")
        _evaluate(run, marks, outcome, found, leaking)
    if stages["vis"]:
        yield from draw_records(_predictions(run), run.truth, places, run.config["vis"]["limit"])
    outcome.summary = _summary(run, told, marks, outcome.evaluation)
    if run.keep:
        run.keep(outcome)
    write_json(places.summary, outcome.summary, is_durable=True)
    return outcome


def _infer(run: Run, truth: GroundTruth, predictor: Predictor) -> Work:
    """Return how the images were gone through, and what the predictions depend on."""
    predictor.open()
    try:
        truth_sha256, images = hash_of(truth)
        truth.facts |= {"gt_sha256": truth_sha256, "images": images}
        marks = fingerprint(predictor, truth_sha256)
        settings = run.config["infer"]
        asking = Asking(settings["batch_size"], settings["limit"], run.again)
        told = yield from infer(run.places, truth, predictor, asking, marks)
        told.counters.update({key: n for key, n in truth.counts.items() if n})
        return told, marks
    finally:
        predictor.close()


def _predictions(run: Run) -> Path:
    return run.places.gt_vs_pred if run.config["stages"]["infer"] else existing_predictions(run.places)


def settings_of(run: Run) -> Settings:
    """Return how the eval section wants predictions judged.

    Raises:
        BadInput: a value is out of range.
    """
    section = run.config["eval"]
    policy = LabelPolicy(
        section["label_policy"], section["label_miss"], run.aliases, run.embed, section["semantic_threshold"]
    )
    kept = run.thresholds or Thresholds(section["score_thr"])
    return Settings(
        policy,
        section["metrics"],
        section["iou_thrs"],
        section["f1_iou_thrs"] or [0.5],
        section["f1ish_iou_thrs"] or [0.5],
        section["f1ish_pred_scope"],
        kept.conf,
        kept.classes,
        section["use_segm"],
        section["max_dets"],
        run.config["infer"]["seed"],
    )


def _evaluate(
    run: Run, marks: Mapping[str, Any], outcome: Outcome, honesty: dict[str, Any], leaking: Collection[int]
) -> None:
    """Judge the predictions, also without images that leak, and report."""
    reading = Reading(run.config["eval"]["strict_parse"])
    classes = run.truth.classes if run.truth is not None else []
    found = evaluate_records(read_records(_predictions(run), reading), settings_of(run), classes)
    found.data.counts.update(reading.counts)
    if honesty:
        honesty = {**honesty, "without": _without(found, leaking)}
    facts = {"schema_version": SCHEMA_VERSION, "bad_lines": reading.named, "split_honesty": honesty}
    facts |= {"ground_truth": dict(run.truth.facts)} if run.truth is not None else {}
    facts |= {"thresholds": (run.thresholds or Thresholds(run.config["eval"]["score_thr"])).told()}
    facts |= {"predictions": marks.get("of", {}), "fingerprint": marks.get("sha256", "")}
    facts |= _words_of(run, found)
    outcome.evaluation, outcome.honesty = found, honesty
    write_report(found, run.places.eval_dir, facts)
    if run.config["eval"]["overlay"]:
        draw_mistakes(found, run.truth, run.places, run.config["eval"]["overlay_k"])


def _words_of(run: Run, found: Evaluation) -> dict[str, Any]:
    """Return which words were taken for classes.

    With them the evaluation opens again without an encoder.
    """
    policy, data = run.config["eval"]["label_policy"], found.data
    if policy == "glossary":
        return {"aliases": dict(run.aliases)}
    if policy != "embed":
        return {}
    labels, first = np.unique(data.pred.label, return_index=True)
    classes = data.pred.class_id[first].tolist()
    meant = {data.labels[at]: data.names[row] for at, row in zip(labels.tolist(), classes, strict=True)}
    names = data.names[:-1] if data.has_bucket else data.names
    aliases = {word: name for word, name in meant.items() if word != name and name in names}
    return {"aliases": aliases, "text_encoder": run.embed.card.id if run.embed else ""}


def _without(found: Evaluation, leaking: Collection[int]) -> dict[str, Any] | None:
    """Return the numbers without some images, None where no image is left."""
    keep = ~np.isin(found.data.images.image_id, list(leaking))
    if not keep.any():
        return None
    rest = evaluate(subset(found.data, keep), replace(found.settings, metrics="coco"))
    keys = ("bbox_AP", "bbox_AP50", "bbox_AP75", "best_f1")
    return {"images": int(keep.sum()), **{key: rest.metrics.get(key) for key in keys}}


def _summary(run: Run, told: Inferred, marks: Mapping[str, Any], evaluation: Evaluation | None) -> dict[str, Any]:
    """Return what summary.json holds."""
    settings = run.config["infer"]
    counters = {key: int(n) for key, n in sorted(told.counters.items()) if n}
    facts: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "status": "complete",
        "mode": (run.truth.facts.get("mode", "text") if run.truth is not None else "text"),
        "determinism": "strict",
        "counters": counters,
        "error_codes": sorted(counters),
        "total_read": told.total_read,
        "total_emitted": told.total_emitted,
        "backend": {"type": settings["predictor"], "model_checkpoint": settings["source"]},
        "generation": settings["generation"],
        "infer": {
            key: settings[key]
            for key in ("gt_jsonl", "dataset", "snapshot", "split", "pred_coord_mode", "device", "limit")
        },
        "fingerprint": marks.get("sha256", ""),
        "ground_truth": dict(run.truth.facts) if run.truth is not None else {},
    }
    if "mode_resolution_reason" in facts["ground_truth"]:
        facts["mode_resolution_reason"] = facts["ground_truth"]["mode_resolution_reason"]
    if evaluation is not None:
        facts["metrics"] = {key: evaluation.metrics.get(key) for key in ("bbox_AP", "bbox_AP50", "best_f1")}
    return facts


def metadata(run: Run) -> dict[str, Any]:
    """Return versions, device, seed and the state of the code, where known."""
    versions = {name: _version(name) for name in PACKAGES}
    folder = Path(__file__).resolve().parents[3]
    sha, branch = _git(folder, "rev-parse", "HEAD"), _git(folder, "rev-parse", "--abbrev-ref", "HEAD")
    status = _git(folder, "status", "--porcelain")
    return {
        "created_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "config": run.config_path or None,
        "base_config": None,
        "run_name": run.config["run"]["name"] or run.places.run_dir.name,
        "output_dir": str(run.places.run_dir),
        "git_sha": sha,
        "git_branch": branch,
        "git_dirty": None if status is None else bool(status),
        "git_status_porcelain": None if status is None else status.splitlines()[:STATUS_LINES],
        "packages": {name: version for name, version in versions.items() if version},
        "python": platform.python_version(),
        "device": run.device,
        "seed": run.config["infer"]["seed"],
    }


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _git(folder: Path, *words: str) -> str | None:
    """Return git's answer about the code, None outside a checkout."""
    if not (folder / ".git").exists():
        return None
    try:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=GIT_S)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
