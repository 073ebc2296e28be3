"""The one YAML file of a run: read, checked, overridden, redacted."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tator.types import BadInput
from tator.workflows.evaluation.label_policy import MISSES, POLICIES

STAGES = ("infer", "eval", "vis")
SECRETS = {"token", "access_token", "hf_token", "password", "secret"}
SECRET_ENDS = ("_token", "_password", "_secret")
HIDDEN = "<REDACTED>"
DEPRECATED = {"eval": ("unknown_policy", "semantic_fallback")}
UNREAD = {  # keys of the config that nothing here reads yet; who gives one is told
    "infer": ("backend", "generation"),
    "eval": ("num_workers", "semantic_device", "semantic_batch_size"),
}

NUMBERS = (int, float)
KEYS: dict[str, dict[str, tuple[tuple[type, ...], Any]]] = {  # section: {key: (types, default)}; None is "not given"
    "run": {"name": ((str,), ""), "output_dir": ((str,), ""), "root_image_dir": ((str,), "")},
    "stages": {name: ((bool,), None) for name in STAGES},
    "infer": {
        "gt_jsonl": ((str,), ""),
        "dataset": ((str,), ""),
        "snapshot": ((str,), ""),
        "split": ((str,), ""),
        "predictor": ((str,), "file"),
        "source": ((str,), ""),
        "phrases": ((list,), []),
        "conf": (NUMBERS, 0.001),
        "image_ids": ((str,), "auto"),
        "model_checkpoint": ((str,), ""),
        "mode": ((str,), "auto"),
        "pred_coord_mode": ((str,), "auto"),
        "backend": ((dict,), {}),
        "generation": ((dict,), {}),
        "batch_size": ((int,), 8),
        "device": ((str,), ""),
        "limit": ((int,), 0),
        "detect_samples": ((int,), 128),
        "seed": ((int,), 0),
    },
    "artifacts": {"run_dir": ((str,), ""), "gt_vs_pred_jsonl": ((str,), ""), "summary_json": ((str,), "")},
    "eval": {
        "output_dir": ((str,), ""),
        "metrics": ((str,), "both"),
        "strict_parse": ((bool,), False),
        "use_segm": ((bool,), True),
        "iou_thrs": ((list,), []),
        "f1_iou_thrs": ((list,), [0.5]),
        "f1ish_iou_thrs": ((list,), [0.3, 0.5]),
        "f1ish_pred_scope": ((str,), "annotated"),
        "score_thr": (NUMBERS, 0.25),
        "operating_point": ((bool,), True),
        "max_dets": ((list,), [1, 10, 100]),
        "label_policy": ((str,), "exact"),
        "label_miss": ((str,), "bucket"),
        "overlay": ((bool,), False),
        "overlay_k": ((int,), 12),
        "num_workers": ((int,), 0),
        "semantic_model": ((str,), ""),
        "semantic_threshold": (NUMBERS, 0.6),
        "semantic_device": ((str,), "auto"),
        "semantic_batch_size": ((int,), 64),
    },
    "vis": {"output_dir": ((str,), ""), "limit": ((int,), 20)},
}
CHOICES = {
    "infer.mode": ("coord", "text", "auto"),
    "infer.pred_coord_mode": ("auto", "norm1000", "pixel"),
    "infer.predictor": ("file", "candidates", "head", "concept", "detector"),
    "infer.image_ids": ("auto", "record_index", "image_id", "file_name"),
    "eval.label_policy": POLICIES,
    "eval.label_miss": MISSES,
    "eval.metrics": ("coco", "f1ish", "both"),
    "eval.f1ish_pred_scope": ("annotated", "all"),
}


def read_config(path: Path) -> dict[str, Any]:
    """Return what a YAML file holds; nothing of it is executed.

    Raises:
        BadInput: it is missing, not YAML, or not a mapping.
    """
    import yaml

    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"config {path} cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise BadInput(f"config {path} is not YAML: {' '.join(str(error).split())[:300]}") from error
    if not isinstance(value, dict):
        raise BadInput(f"config {path} must be a mapping of sections, is {type(value).__name__}")
    return value


def overridden(config: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Return a copy with entries like "eval.score_thr=0.5" put in; values are YAML.

    Raises:
        BadInput: an entry is malformed, or lies below what is no mapping.
    """
    import yaml

    result = copy.deepcopy(dict(config))
    for entry in overrides:
        key, equals, text = entry.partition("=")
        if not equals or not all(key.split(".")):
            raise BadInput(f"override {entry[:80]!r} must be like eval.score_thr=0.5")
        at = result
        *above, last = key.split(".")
        for part in above:
            at = at.setdefault(part, {})
            if not isinstance(at, dict):
                raise BadInput(f"override {key}: {part} is {type(at).__name__}, not a mapping")
        try:
            at[last] = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise BadInput(f"override {key}: {text[:80]!r} is not YAML") from error
    return result


def checked_config(config: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return every section with every key, of the right type.

    Raises:
        BadInput: a section or key is unknown, a value has another type, or stages lack one of their keys; the message
            names the key.
    """
    if unknown := sorted(map(str, set(config) - set(KEYS))):
        raise BadInput(f"config has no section {', '.join(unknown)}; it has {', '.join(KEYS)}")
    result = {section: _section(section, config.get(section), keys) for section, keys in KEYS.items()}
    given = config.get("stages")
    if given and (lacking := [name for name in STAGES if name not in given]):
        raise BadInput(f"stages lacks {', '.join(lacking)}; where it is given, it needs {', '.join(STAGES)}")
    if not given:
        result["stages"] = {name: name == "infer" for name in STAGES}
    return result


def _section(section: str, given: Any, keys: Mapping[str, tuple[tuple[type, ...], Any]]) -> dict[str, Any]:
    if given is None:
        given = {}
    if not isinstance(given, dict):
        raise BadInput(f"{section} must be a mapping, is {type(given).__name__}")
    given = dict(given)
    for key in DEPRECATED.get(section, ()):
        if key in given:
            warnings.warn(f"{section}.{key} is not used any more and is ignored", DeprecationWarning, stacklevel=2)
            del given[key]
    if unknown := sorted(map(str, set(given) - set(keys))):
        raise BadInput(f"{section} has no {', '.join(unknown)}; it has {', '.join(keys)}")
    return {key: _value(f"{section}.{key}", given.get(key), *of) for key, of in keys.items()}


def _value(place: str, value: Any, kinds: tuple[type, ...], default: Any) -> Any:
    if value is None:
        return copy.deepcopy(default)
    is_right = isinstance(value, kinds) and not (isinstance(value, bool) and bool not in kinds)
    if not is_right:
        raise BadInput(f"{place} must be {_words(kinds)}, is {str(value)[:60]!r}")
    if place in CHOICES and value not in CHOICES[place]:
        raise BadInput(f"{place} must be one of {', '.join(CHOICES[place])}, is {value!r}")
    if isinstance(value, list):
        return _listed(place, value)
    if isinstance(value, int) and not isinstance(value, bool) and value < 0:
        raise BadInput(f"{place} must be 0 or more, is {value}")
    return value


def _listed(place: str, value: list[Any]) -> list[Any]:
    kinds: tuple[type, ...] = (str,) if place == "infer.phrases" else NUMBERS
    for each in value:
        if not isinstance(each, kinds) or isinstance(each, bool):
            raise BadInput(f"{place} must list {_words(kinds)}, holds {str(each)[:60]!r}")
    return value


def _words(kinds: tuple[type, ...]) -> str:
    words = {str: "text", bool: "true or false", int: "a whole number", list: "a list", dict: "a mapping"}
    return "a number" if kinds == NUMBERS else words[kinds[0]]


def ignored_keys(config: Mapping[str, Any]) -> list[str]:
    """Return the keys of a config that are ignored, for the answer."""
    given = [(section, config.get(section)) for section in UNREAD]
    return [
        f"{section}.{key}"
        for section, keys in given
        if isinstance(keys, dict)
        for key in (*DEPRECATED.get(section, ()), *UNREAD[section])
        if key in keys
    ]


def redacted(value: Any) -> Any:
    """Return a config without the values of keys that name secrets, at any depth."""
    if isinstance(value, Mapping):
        return {key: HIDDEN if is_secret(key) else redacted(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(each) for each in value]
    return value


def is_secret(key: Any) -> bool:
    """Return whether a key names a secret."""
    name = str(key).lower()
    return name in SECRETS or name.endswith(SECRET_ENDS)
