"""Compare predictions with labels.

From any predictor to numbers, mistakes and reports.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from tator.ops import operation
from tator.storage.runs import read_object
from tator.storage.thresholds import OPERATING_POINT
from tator.storage.workspace import UPLOAD
from tator.types import BadInput, Forbidden, Work
from tator.warning_codes import (
    IMAGES_OUTSIDE_EVALUATION,
    REPEATS_WERE_NOT_STORED,
    SCORES_RANK_NOTHING,
    SPLITS_LEAK,
    warned,
)
from tator.workbench import Workbench
from tator.workflows.evaluation.config import checked_config, ignored_keys, overridden, read_config
from tator.workflows.evaluation.evaluating import HTML, Means, evaluate_run
from tator.workflows.evaluation.infer import Again
from tator.workflows.evaluation.kept_points import of_evaluation
from tator.workflows.evaluation.overlays import drawings
from tator.workflows.evaluation.pipeline import Outcome
from tator.workflows.evaluation.places import Places, resolve
from tator.workflows.evaluation.recipe import EvaluationRecipe
from tator.workflows.evaluation.shelf import evaluations_of, metrics_of, opened, places_of

Kind = Literal["", "missed", "false", "wrong_class", "loose_box", "duplicate"]
Sort = Literal["worst", "confidence", "overlap", "area", "image"]
PAGE = 200  # mistakes of one answer, at most
HEADLINE = (
    "bbox_AP",
    "bbox_AP50",
    "bbox_AP75",
    "segm_AP",
    "best_f1",
    "best_f1_score_thr",
    "best_f1_interval",
    "coverage",
)


@operation(title="Evaluate", recipe=EvaluationRecipe)
def evaluate(
    wb: Workbench,
    recipe: EvaluationRecipe,
    dataset: str = "",
    name: str = "",
    predictor: Literal["candidates", "file", "head", "concept", "detector"] = "candidates",
    source: str = "",
    snapshot: str = "",
    split: str = "",
    phrases: list[str] = [],
    config: str = "",
    overrides: list[str] = [],
    root_image_dir: str = "",
    resume: bool = False,
    overwrite: bool = False,
) -> Work:
    """Predict over images, compare with the labels, and keep the numbers.

    The labels are those of a snapshot; without one, the dataset is frozen first. A config file says all of this in one
    place and may name ground truth outside a dataset; its predictions can go on after a crash.

    Args:
        dataset: dataset name, from datasets_list.
        name: of the evaluation; empty makes one from dataset, predictor and time.
        predictor: candidates stored by a run, a file of predictions, a head on the labelled boxes, a concept or a detector.
        source: source of the candidates, path of the file, name of the head, or id of the model; empty for all or the default.
        snapshot: of the dataset, from snapshots_list; empty freezes it as it is now.
        split: train, val, test, none for images without a split; empty for all.
        phrases: what a concept segmenter is asked for; empty asks for the class names.
        config: YAML file of a whole run, instead of the arguments above.
        overrides: entries like eval.score_thr=0.5 that change the config.
        root_image_dir: folder of the images of a gt_jsonl file; wins over the config's.
        resume: go on with predictions that were cut off.
        overwrite: throw away predictions that are there.
        recipe: settings of the evaluation.

    Raises:
        NotFound: no such dataset, snapshot, model or file.
        BadInput: a setting, the config or the predictions are refused; the message names what.
        Conflict: there are predictions of that name, or predictions of something else.
        Unavailable: the model lacks weights or packages.
    """
    given = {"dataset": dataset, "predictor": predictor, "source": source, "snapshot": snapshot, "split": split}
    again = Again.RESUME if resume else Again.OVERWRITE if overwrite else Again.REFUSE
    raw = overridden(_raw_config(wb, config, given, phrases, recipe), overrides)
    checked = checked_config(raw)
    shelf, label = evaluations_of(wb.workspace), name.strip() or checked["run"]["name"] or _fresh_name(checked)
    places, is_kept = _places(wb, checked, label, root_image_dir)
    if is_kept and again is Again.REFUSE and places.gt_vs_pred.exists():  # a start that failed leaves the name free
        shelf.check_free(label)
    data = wb.dataset(checked["infer"]["dataset"]) if checked["infer"]["dataset"] else None
    means = Means(wb.models, data, lambda path: _source(wb, path), wb.user)
    outcome = yield from evaluate_run(
        checked,
        places,
        means,
        label,
        shelf=shelf if is_kept else None,
        arguments=given | {"phrases": phrases, **asdict(recipe)},
        near_bits=recipe.near_bits if recipe.check_leaks else -1,
        config_path=config,
        again=again,
    )
    return _answer(outcome, label, places, ignored_keys(raw))


def _raw_config(
    wb: Workbench, config: str, given: dict[str, str], phrases: list[str], recipe: EvaluationRecipe
) -> dict[str, Any]:
    """Return the config of a file, or one made of the arguments."""
    if config:
        return _placed(read_config(_source(wb, config)), _source(wb, config).parent)
    if not given["dataset"]:
        raise BadInput("give a dataset, or a config file that names the ground truth")
    infer = {**given, "phrases": phrases, "conf": recipe.conf, "limit": recipe.limit, "seed": recipe.seed}
    infer["batch_size"] = recipe.batch_size
    stages = {"infer": True, "eval": True, "vis": False}
    return {"stages": stages, "infer": infer, "eval": recipe.eval_section()}


def _source(wb: Workbench, path: str) -> Path:
    """Return a file that a caller named.

    Who owns the machine may name one from where they are.
    """
    is_near = wb.workspace.source_roots is None and not path.startswith(UPLOAD)
    return wb.workspace.source(wb.own_source(str(Path(path).expanduser().absolute()) if is_near and path else path))


def _placed(raw: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return a config with files that are not found from here taken from beside it."""
    given = raw.get("infer")
    infer: dict[str, Any] = dict(given) if isinstance(given, dict) else {}
    for key in ("gt_jsonl", "source"):
        text = infer.get(key)
        if isinstance(text, str) and text and not Path(text).exists() and (folder / text).exists():
            infer[key] = str(folder / text)
    return {**raw, "infer": infer} if infer else raw


def _fresh_name(checked: dict[str, dict[str, Any]]) -> str:
    of = checked["infer"]["dataset"] or Path(checked["infer"]["gt_jsonl"]).stem or "run"
    plain = "".join(letter if letter.isalnum() or letter in " ._-" else "-" for letter in of)[:40].strip(" .") or "run"
    return f"{plain} {checked['infer']['predictor']} {time.strftime('%Y-%m-%d %H.%M.%S', time.gmtime())}"


def _places(wb: Workbench, checked: dict[str, dict[str, Any]], label: str, root: str) -> tuple[Places, bool]:
    """Return where the run lies, and whether that is on the shelf.

    Raises:
        Forbidden: the config names a folder that this caller may not write.
    """
    run, files = checked["run"], checked["artifacts"]
    is_kept = not (files["run_dir"] or files["gt_vs_pred_jsonl"] or run["output_dir"])
    if is_kept:
        files["run_dir"] = str(
            evaluations_of(wb.workspace).place(evaluations_of(wb.workspace).family.check_name(label, "evaluation"))
        )
    elif run["output_dir"] and not run["name"]:
        run["name"] = label
    places = resolve(checked, root)
    roots = wb.workspace.source_roots
    written = (places.run_dir, places.gt_vs_pred, places.summary, places.eval_dir, places.vis_dir)
    if roots is not None and not is_kept:
        for path in written:
            if not any(path.resolve().is_relative_to(each) for each in roots):
                raise Forbidden(f"{path} lies outside the folders that this server may use")
    return places, is_kept


def _answer(outcome: Outcome, name: str, places: Places, ignored: list[str]) -> dict[str, Any]:
    """Return what the job answers."""
    found, summary = outcome.evaluation, outcome.summary
    answer: dict[str, Any] = {"evaluation": name, "folder": str(places.run_dir), "summary": summary}
    if ignored:
        answer["ignored_keys"] = ignored
    if found is None:
        return answer
    answer |= {"metrics": {key: found.metrics[key] for key in HEADLINE if key in found.metrics}}
    answer |= {"ap_is_rankless": found.facts["ap_is_rankless"], "counters": found.facts["counters"]}
    answer |= {"split_honesty": {key: value for key, value in outcome.honesty.items() if key != "rows"}}
    predictions = read_object(places.eval_dir / "metrics.json").get("predictions", {})
    happened = {
        SCORES_RANK_NOTHING: answer["ap_is_rankless"],
        SPLITS_LEAK: bool(outcome.honesty.get("images")),
        IMAGES_OUTSIDE_EVALUATION: bool(predictions.get("unmet_images")),
        REPEATS_WERE_NOT_STORED: predictions.get("predictor") == "candidates",
    }
    return warned(answer, happened)


@operation(title="Evaluate predictions", recipe=EvaluationRecipe)
def evaluate_predictions(
    wb: Workbench, predictions: str, recipe: EvaluationRecipe, out: str = "", name: str = ""
) -> Work:
    """Compare the predictions of a gt_vs_pred.jsonl file with the ground truth in it.

    Args:
        predictions: path of the file on the server.
        out: folder for the report; empty keeps it with the evaluations.
        name: of the evaluation; empty makes one from the file and the time.
        recipe: settings of the evaluation.

    Raises:
        NotFound: no such file.
        BadInput: the file or a setting is refused; the message names path and line.
        Conflict: an evaluation has that name.
    """
    file = _source(wb, predictions)
    stages = {"infer": False, "eval": True, "vis": False}
    infer = {"seed": recipe.seed, "predictor": "file", "source": str(file)}
    raw: dict[str, Any] = {"stages": stages, "infer": infer, "eval": recipe.eval_section()}
    checked = checked_config(raw)
    label = name.strip() or _fresh_name(checked)
    shelf = evaluations_of(wb.workspace)
    if not out:
        shelf.check_free(label)
    checked["artifacts"]["run_dir"] = out
    places, is_kept = _places(wb, checked, label, "")
    places.make()
    if places.gt_vs_pred != file:
        shutil.copyfile(file, places.gt_vs_pred)
    means = Means(wb.models, None, lambda path: _source(wb, path), wb.user)
    arguments = {"predictions": predictions, **asdict(recipe)}
    outcome = yield from evaluate_run(
        checked, places, means, label, shelf=shelf if is_kept else None, arguments=arguments
    )
    return _answer(outcome, label, places, [])


@operation(writes=False)
def evaluate_get(wb: Workbench, name: str) -> dict[str, Any]:
    """Return everything that an evaluation measured.

    Args:
        name: of the evaluation, from runs_list evaluation.

    Raises:
        NotFound: no such evaluation.
    """
    runs = evaluations_of(wb.workspace)
    point = runs.path(name).with_name(OPERATING_POINT)
    facts = runs.report(name) | metrics_of(runs, name)
    infers = of_evaluation(wb.workspace, facts)
    told = {"operating_point": read_object(point) if point.is_file() else {}, "infers": infers.words if infers else ""}
    return facts | told | {"overlays": drawings(places_of(runs.path(name).parent).eval_dir)}


@operation(writes=False)
def evaluate_curves(wb: Workbench, name: str) -> dict[str, Any]:
    """Return counts of every class at every score, for a slider that asks nobody.

    At thresholds[i], tp[i] and pred[i] say how many were right and how many there are; fp is pred - tp, fn is gt - tp.

    Args:
        name: of the evaluation, from runs_list evaluation.

    Raises:
        NotFound: no such evaluation.
    """
    return read_object(places_of(evaluations_of(wb.workspace).path(name).parent).eval_dir / "curves.json")


@operation(writes=False)
def evaluate_mistakes(
    wb: Workbench,
    name: str,
    kind: Kind = "",
    class_name: str = "",
    sort: Sort = "worst",
    score_thr: float = -1.0,
    min_score: float = 0.0,
    max_score: float = 1.0,
    offset: int = 0,
    limit: int = 50,
) -> dict[str, Any]:
    """Return a page of mistakes, each with its image, boxes, classes and score.

    Args:
        name: of the evaluation, from runs_list evaluation.
        kind: missed, false, wrong_class, loose_box or duplicate; empty for all.
        class_name: true or predicted class; empty for all.
        sort: the worst image first, or by confidence, overlap, area or image.
        score_thr: predictions below do not count; -1 for that of the evaluation.
        min_score: lowest score of a predicted box that is listed.
        max_score: highest score of a predicted box that is listed.
        offset: mistakes to pass over.
        limit: most mistakes to return, 1 to 200.

    Raises:
        NotFound: no such evaluation.
        BadInput: a value is out of range.
    """
    from tator.workflows.evaluation.mistakes import KINDS, chosen, mistakes, ordered

    if offset < 0 or not 1 <= limit <= PAGE:
        raise BadInput(f"offset must be 0 or more and limit 1 to {PAGE}; they are {offset} and {limit}")
    found = opened(evaluations_of(wb.workspace), name)
    thr = found.least if score_thr < 0 else score_thr
    every = mistakes(found, thr)
    rows = ordered(chosen(every, kind, class_name, min_score, max_score), sort, found, thr)
    counts = {each: sum(row["kind"] == each for row in every) for each in KINDS}
    told = found.settings.score_thr if score_thr < 0 else score_thr
    return {"total": len(rows), "counts": counts, "score_thr": told, "mistakes": rows[offset : offset + limit]}


@operation(writes=False)
def evaluate_report(wb: Workbench, name: str, format: Literal["html", "json"] = "html") -> dict[str, str]:
    """Return the report of an evaluation as one page or as JSON.

    Args:
        name: of the evaluation, from runs_list evaluation.
        format: html or json.

    Raises:
        NotFound: no such evaluation.
    """
    folder = places_of(evaluations_of(wb.workspace).path(name).parent).eval_dir
    file = folder / (HTML if format == "html" else "metrics.json")
    return {"name": f"{name}.{format}", "content": file.read_text(encoding="utf-8")}
