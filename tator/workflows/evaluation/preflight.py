"""Check that an evaluation works here, from the code to the last file, in seconds."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tator.types import TatorError, Work
from tator.workflows.evaluation.config import checked_config
from tator.workflows.evaluation.ground_truth import FileTruth
from tator.workflows.evaluation.pipeline import Outcome, Run, run_pipeline
from tator.workflows.evaluation.places import read_manifest, resolve
from tator.workflows.evaluation.predictors.replay import Replay
from tator.workflows.evaluation.records import read_records

FORBIDDEN = ("torch", "transformers", "gradio")
PRODUCT = Path(__file__).resolve().parents[2]
IMPORT_S = 60.0  # a cold disk
GOLDEN = (
    "metrics.json",
    "per_image.json",
    "per_class.csv",
    "matches.jsonl",
    "confusion.csv",
    "coco_gt.json",
    "coco_preds.json",
)


def checks() -> list[dict[str, Any]]:
    """Return {"check", "ok", "detail", "s"} of every check."""
    return [_told(name, check) for name, check in CHECKS.items()]


def _told(name: str, check: Callable[[], str]) -> dict[str, Any]:
    began = time.perf_counter()
    try:
        detail, is_ok = check(), True
    except (AssertionError, TatorError, SyntaxError, OSError, subprocess.SubprocessError) as problem:
        detail, is_ok = f"{type(problem).__name__}: {problem}", False
    return {"check": name, "ok": is_ok, "detail": detail, "s": round(time.perf_counter() - began, 3)}


def _compiles() -> str:
    """Compile every file of the product."""
    files = sorted(PRODUCT.rglob("*.py"))
    for file in files:
        compile(file.read_text(encoding="utf-8"), str(file), "exec")
    return f"{len(files)} files"


def _imports() -> str:
    """Import the evaluator alone and see that no model library comes with it."""
    code = "import sys, tator.workflows.evaluation.evaluating; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PRODUCT.parent, capture_output=True, text=True, timeout=IMPORT_S, check=True
    )
    loaded = sorted(set(FORBIDDEN) & set(done.stdout.split()))
    assert not loaded, f"importing the evaluator loads {', '.join(loaded)}"
    return "no model library"


def _runs() -> str:
    """Replay known predictions and compare with numbers worked out by hand."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        boxes = [[10.0, 10.0, 60.0, 60.0], [100.0, 10.0, 150.0, 60.0]]
        things = [{"bbox_2d": box, "desc": "cat"} for box in boxes]
        lines = [{"images": ["a.jpg"], "width": 200, "height": 100, "objects": things}]
        lines.append({"images": ["b.jpg"], "width": 200, "height": 100, "objects": []})
        (folder / "gt.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        scored = [(0, boxes[0], 0.9), (1, boxes[0], 0.8)]
        results = [
            {"image_id": image, "category_id": 1, "bbox": [b[0], b[1], b[2] - b[0], b[3] - b[1]], "score": score}
            for image, b, score in scored
        ]
        (folder / "preds.json").write_text(json.dumps(results), encoding="utf-8")
        outcome = _finish(run_pipeline(_run(folder)))
        _golden(folder / "run")
    assert outcome.evaluation is not None
    found = outcome.evaluation.metrics
    counts = [found[f"f1@0.50_{key}"] for key in ("tp", "fp", "fn")]
    assert counts == [1, 1, 1], f"1 right, 1 false and 1 missed are told as {counts}"
    ap = found["bbox_AP"]
    assert ap is not None and abs(ap - 51 / 101) < 1e-9, f"AP is {ap}, expected {51 / 101}"
    return "numbers as worked out by hand"


def _run(folder: Path) -> Run:
    infer = {"gt_jsonl": str(folder / "gt.jsonl"), "source": str(folder / "preds.json"), "mode": "text"}
    stages = {"infer": True, "eval": True, "vis": False}
    config = checked_config({"stages": stages, "infer": infer, "artifacts": {"run_dir": str(folder / "run")}})
    truth = FileTruth(folder / "gt.jsonl", mode="text")
    return Run(config, resolve(config), truth, Replay(folder / "preds.json", truth))


def _golden(folder: Path) -> None:
    """See that a run left every file, in the schema of this program."""
    read_manifest(folder / "resolved_config.json")
    lacking = [name for name in GOLDEN if not (folder / "eval" / name).is_file()]
    lacking += [name for name in ("summary.json", "run_metadata.json") if not (folder / name).is_file()]
    assert not lacking, f"the run lacks {', '.join(lacking)}"
    assert len(list(read_records(folder / "gt_vs_pred.jsonl"))) == 2, "gt_vs_pred.jsonl has not one line an image"


def _finish(work: Work) -> Outcome:
    while True:
        try:
            next(work)
        except StopIteration as done:
            return done.value


CHECKS: dict[str, Callable[[], str]] = {
    "compile": _compiles,
    "imports": _imports,
    "run": _runs,
}
