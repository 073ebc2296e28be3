"""Where the files of a run lie: worked out once, before any stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tator.storage.runs import read_object
from tator.types import BadInput, NotFound
from tator.workflows.evaluation.config import redacted
from tator.workflows.evaluation.records import SCHEMA_VERSION

ROOT_SOURCES = ("env", "config", "gt_parent", "dataset", "none")
LEGACY = "pred.jsonl"  # what gt_vs_pred.jsonl was called once


@dataclass(frozen=True)
class Places:
    """The folders and files of a run.

    Attributes:
        run_dir: holds the others unless they were given.
        gt_vs_pred: what was predicted.
        summary: written last.
        eval_dir: report of the evaluation.
        vis_dir: drawings.
        root: folder of images; None where none is known.
        root_source: env, config, gt_parent, dataset or none.
    """

    run_dir: Path
    gt_vs_pred: Path
    summary: Path
    eval_dir: Path
    vis_dir: Path
    root: Path | None
    root_source: str

    @property
    def resolved(self) -> Path:
        """Where the resolved configuration lies."""
        return self.run_dir / "resolved_config.json"

    def make(self) -> None:
        """Make the folders."""
        for folder in (self.run_dir, self.gt_vs_pred.parent, self.summary.parent, self.eval_dir, self.vis_dir):
            folder.mkdir(parents=True, exist_ok=True)


def resolve(config: Mapping[str, Mapping[str, Any]], root_from_env: str = "") -> Places:
    """Return the places of a run.

    The run's folder is artifacts.run_dir, else run.output_dir/run.name, else that of artifacts.gt_vs_pred_jsonl.

    Args:
        config: checked.
        root_from_env: folder of images that the environment names, which wins over the config's.

    Raises:
        BadInput: nothing names the run's folder.
    """
    run, files = config["run"], config["artifacts"]
    if files["run_dir"]:
        folder = Path(files["run_dir"])
    elif run["output_dir"] and run["name"]:
        folder = Path(run["output_dir"]) / run["name"]
    elif files["gt_vs_pred_jsonl"]:
        folder = Path(files["gt_vs_pred_jsonl"]).parent
    else:
        raise BadInput("give artifacts.run_dir, or run.output_dir and run.name, or artifacts.gt_vs_pred_jsonl")
    root, source = _root(config, root_from_env)
    return Places(
        folder,
        Path(files["gt_vs_pred_jsonl"] or folder / "gt_vs_pred.jsonl"),
        Path(files["summary_json"] or folder / "summary.json"),
        Path(config["eval"]["output_dir"] or folder / "eval"),
        Path(config["vis"]["output_dir"] or folder / "vis"),
        root,
        source,
    )


def _root(config: Mapping[str, Mapping[str, Any]], root_from_env: str) -> tuple[Path | None, str]:
    given, gt = config["run"]["root_image_dir"], config["infer"]["gt_jsonl"]
    for text, source in ((root_from_env, "env"), (given, "config")):
        if text:
            return Path(text), source
    if config["infer"]["dataset"]:
        return None, "dataset"
    return (Path(gt).parent, "gt_parent") if gt else (None, "none")


def existing_predictions(places: Places) -> Path:
    """Return the file of predictions where none are to be made.

    Raises:
        NotFound: it is not there.
    """
    if places.gt_vs_pred.is_file():
        return places.gt_vs_pred
    legacy = places.gt_vs_pred.with_name(LEGACY)
    if legacy.is_file():
        return legacy
    raise NotFound(f"{places.gt_vs_pred} does not exist; turn the infer stage on, or name the file")


def manifest(config: Mapping[str, Any], stages: Mapping[str, bool], places: Places, config_path: str) -> dict[str, Any]:
    """Return what resolved_config.json holds."""
    return {
        "schema_version": SCHEMA_VERSION,
        "config_path": config_path,
        "root_image_dir": str(places.root) if places.root else None,
        "root_image_dir_source": places.root_source,
        "stages": dict(stages),
        "artifacts": {
            "run_dir": str(places.run_dir),
            "gt_vs_pred_jsonl": str(places.gt_vs_pred),
            "summary_json": str(places.summary),
            "eval_dir": str(places.eval_dir),
            "vis_dir": str(places.vis_dir),
        },
        "cfg": redacted(config),
    }


def read_manifest(path: Path) -> dict[str, Any]:
    """Return a resolved configuration that this program understands.

    Raises:
        BadInput: another schema_version, a section is missing, or an unknown source of the root.
    """
    value = read_object(path)
    version = value.get("schema_version")
    if isinstance(version, bool) or not isinstance(version, int) or version != SCHEMA_VERSION:
        raise BadInput(f"{path}: schema_version is {version!r}; this program reads {SCHEMA_VERSION}")
    for key in ("stages", "artifacts"):
        if not isinstance(value.get(key), dict):
            raise BadInput(f"{path} lacks {key}")
    if value.get("root_image_dir_source") not in ROOT_SOURCES:
        raise BadInput(
            f"{path}: root_image_dir_source is {value.get('root_image_dir_source')!r}; "
            f"expected one of {', '.join(ROOT_SOURCES)}"
        )
    return value
