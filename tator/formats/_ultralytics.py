"""Read and write data.yaml, which names a YOLO dataset's classes and splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tator.formats import SPLITS, Report
from tator.formats.tree import Tree

MOST_CLASSES = 10_000
LONGEST_FILE = 4 << 20  # characters; the largest known (21,841 classes) has half a million


@dataclass
class DataYaml:
    """What a data.yaml says.

    Attributes:
        path: of the file in the tree.
        classes: {index: name}.
        splits: {split: what it points at, paths as written}.
        keypoint_numbers: numbers that stand after each box for its keypoints.
    """

    path: str
    classes: dict[int, str] = field(default_factory=dict)
    splits: dict[str, list[str]] = field(default_factory=dict)
    keypoint_numbers: int = 0


def read_data_yaml(tree: Tree, path: str, report: Report) -> DataYaml | None:
    """Return the content of a data.yaml, or None for another or a refused file.

    Only plain YAML is read: a file with Python tags is refused by name. `download:` is never followed.
    """
    content = _parse(tree, path, report)
    if not isinstance(content, dict) or not {"names", "nc", "train", "val"} & set(content):
        return None
    found = DataYaml(path, _classes(content.get("names"), path, report))
    for key, split in SPLITS.items():
        listed = content.get(key)
        entries = listed if isinstance(listed, list) else [listed]
        if kept := [entry for entry in entries if isinstance(entry, str) and entry.strip()]:
            found.splits.setdefault(split, []).extend(kept)
    if found.classes or found.splits:
        tree.claim(path)
    shape = content.get("kpt_shape")
    if isinstance(shape, list) and len(shape) == 2 and all(isinstance(each, int) and 0 < each < 1000 for each in shape):
        found.keypoint_numbers = shape[0] * shape[1]
    if content.get("download"):
        report.repair(path, "download ignored", "data.yaml asks to fetch or run something; that was not done")
    count = content.get("nc")
    if isinstance(count, int) and found.classes and count != len(found.classes):
        report.notice(path, "class counts differ", f"nc says {count}, names lists {len(found.classes)}")
    return found


def _parse(tree: Tree, path: str, report: Report) -> Any:
    import yaml

    try:
        text = tree.read_text(path)
        if len(text) > LONGEST_FILE:
            raise OSError(f"longer than {LONGEST_FILE >> 20} MB")
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError, OSError) as error:
        told = " ".join(str(error).split())[:200] or type(error).__name__
        tree.claim(path)
        report.drop(path, "refused as YAML", f"{told}; expected plain data without tags")
        return None


def _classes(names: Any, path: str, report: Report) -> dict[int, str]:
    """Return {index: name} of a list or a dict of names."""
    if names is None:
        return {}
    if isinstance(names, list):
        pairs = list(enumerate(names))
    elif isinstance(names, dict):
        pairs = list(names.items())
    else:
        report.drop(path, "class names refused", "expected a list or an index: name table")
        return {}
    kept = {}
    for index, name in pairs[:MOST_CLASSES]:
        number = int(index) if isinstance(index, int) or isinstance(index, str) and index.strip().isdecimal() else -1
        if number < 0 or not isinstance(name, (str, int, float)):  # not a list: an alias bomb would unfold in str()
            report.drop(path, "class name refused", f"entry {str(index)[:40]}; expected index: name")
        else:
            kept[number] = str(name)
    if len(pairs) > MOST_CLASSES:
        report.drop(path, "too many classes", f"{len(pairs)}; the first {MOST_CLASSES} are kept")
    return dict(sorted(kept.items()))


def data_yaml(classes: Sequence[str], splits: Mapping[str, str]) -> str:
    """Return a data.yaml that Ultralytics trains on wherever the folder lies.

    Args:
        classes: names in label-map order.
        splits: {split: folder relative to the file}. Ultralytics needs train and val.

    Source: https://docs.ultralytics.com/datasets/detect/; without `path:` entries count from the file's folder.
    """
    import yaml

    content = {**splits, "nc": len(classes), "names": dict(enumerate(classes))}
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=1000)
