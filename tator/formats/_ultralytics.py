"""Read and write data.yaml, which names a YOLO dataset's classes and splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from tator.attributes import Skeleton
from tator.formats import SPLITS, Report
from tator.formats.tree import Tree
from tator.types import BadInput

MOST_CLASSES = 10_000
MOST_KEYPOINTS = 1_000
JOINTS = "kpt_joints"  # our own entry: pairs of key points by class, which Ultralytics has no place for
EMPTY = ("", "~", "null", "None", None)  # what says that nothing is there
OTHERS = frozenset(("backbone", "head", "lr0", "epochs", "tracker_type", "momentum"))  # of models and trainings
LONGEST_FILE = 4 << 20  # characters; the largest known (21,841 classes) has half a million


@dataclass
class DataYaml:
    """What a data.yaml says.

    Attributes:
        path: of the file in the tree.
        classes: {index: name}.
        splits: {split: what it points at, paths as written}.
        keypoints: numbers of key points and of values of each, (0, 0) where none are told.
        skeletons: {class index: key points by name, and how they are joined}.
        base: folder that splits are relative to, as written; "" is the file's.
    """

    path: str
    classes: dict[int, str] = field(default_factory=dict)
    splits: dict[str, list[str]] = field(default_factory=dict)
    keypoints: tuple[int, int] = (0, 0)
    skeletons: dict[int, Skeleton] = field(default_factory=dict)
    base: str = ""


def read_data_yaml(tree: Tree, path: str, report: Report) -> DataYaml | None:
    """Return the content of a data.yaml, or None for another or a refused file.

    Only plain YAML is read: a file with Python tags is refused by name. `download:` is never followed. A file that describes
    a model, a training or a tracker is another.
    """
    content = _parse(tree, path, report)
    if not isinstance(content, dict) or not {"names", "train", "val"} & set(content):
        return None
    if OTHERS & set(content) and "names" not in content:
        return None
    given = content.get("names")
    found = DataYaml(path, _classes(None if given in EMPTY else given, path, report))
    found.base = str(content.get("path", "")) if content.get("path") not in EMPTY else ""
    for key, split in SPLITS.items():
        listed = content.get(key)
        entries = listed if isinstance(listed, list) else [listed]
        if kept := [entry for entry in entries if isinstance(entry, str) and entry not in EMPTY]:
            found.splits.setdefault(split, []).extend(kept)
    if found.classes or found.splits:
        tree.claim(path)
    shape = content.get("kpt_shape")
    if isinstance(shape, list) and len(shape) == 2 and all(isinstance(n, str) and n.isdecimal() for n in shape):
        points, values = (int(n[:4]) for n in shape)
        found.keypoints = (points, values) if 0 < points <= MOST_KEYPOINTS and values in (2, 3) else (0, 0)
        found.skeletons = _skeletons(content, path, report)
    if content.get("download"):
        report.repair(path, "download ignored", "data.yaml asks to fetch or run something; that was not done")
    count = str(content.get("nc", ""))
    if count.isdecimal() and found.classes and count != str(len(found.classes)):
        report.notice(path, "class counts differ", f"nc says {count[:20]}, names lists {len(found.classes)}")
    return found


def _parse(tree: Tree, path: str, report: Report) -> Any:
    import yaml

    try:
        text = tree.read_text(path)
        if len(text) > LONGEST_FILE:
            raise OSError(f"longer than {LONGEST_FILE >> 20} MB")
        return yaml.load(text, plain_loader())
    except (yaml.YAMLError, ValueError, RecursionError, OSError) as error:
        told = " ".join(str(error).split())[:200] or type(error).__name__
        tree.claim(path)
        report.drop(path, "refused as YAML", f"{told}; expected plain data without tags")
        return None


@cache
def plain_loader() -> Any:
    """Return a safe loader that leaves every word as it is written.

    A class may be called on, no, null, 1.0 or 2024-01-01. Tags other than YAML's own are refused as by SafeLoader.
    """
    import yaml

    class PlainLoader(yaml.SafeLoader):
        pass

    PlainLoader.yaml_implicit_resolvers = {}
    return PlainLoader


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
        if (
            number < 0 or not isinstance(name, (str, int, float)) or name == ""
        ):  # not a list: an alias bomb would unfold in str()
            report.drop(path, "class name refused", f"entry {str(index)[:40]}; expected index: name")
        else:
            kept[number] = str(name)
    if len(pairs) > MOST_CLASSES:
        report.drop(path, "too many classes", f"{len(pairs)}; the first {MOST_CLASSES} are kept")
    return dict(sorted(kept.items()))


def _skeletons(content: Mapping[str, Any], path: str, report: Report) -> dict[int, Skeleton]:
    """Return what kpt_names says, with the joints that are written beside it."""
    found: dict[int, Skeleton] = {}
    named, joined = content.get("kpt_names"), content.get(JOINTS)
    for index, names in named.items() if isinstance(named, dict) else ():
        edges = joined.get(index) if isinstance(joined, dict) else None
        try:
            pairs = [[int(end) for end in edge] for edge in edges or ()]
            found[int(index)] = Skeleton.of({"names": names, "edges": pairs})
        except (BadInput, ValueError, TypeError) as error:
            report.drop(path, "names of key points left out", f"class {str(index)[:40]}: {str(error)[:160]}")
    return found


def data_yaml(classes: Sequence[str], splits: Mapping[str, str], more: Mapping[str, Any] | None = None) -> str:
    """Return a data.yaml that Ultralytics trains on wherever the folder lies.

    Args:
        classes: names in label-map order.
        splits: {split: folder relative to the file}. Ultralytics needs train and val.
        more: further entries.

    Source: https://docs.ultralytics.com/datasets/detect/; without `path:` entries count from the file's folder.
    """
    import yaml

    content = {**splits, "nc": len(classes), "names": dict(enumerate(classes)), **(more or {})}
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=1000)
