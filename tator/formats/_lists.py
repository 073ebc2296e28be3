"""Read the text files beside a dataset that list class names or a split's images."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from tator.formats import SPLITS, Report, folder_split
from tator.formats._places import beside
from tator.formats._ultralytics import MOST_CLASSES, DataYaml
from tator.formats.tree import NAME_FILES, Tree

LIST_FOLDERS = ("imagesets", "main", "segmentation", "splits", "lists", "det", "clsloc")
_COUNTED = re.compile(r"(.*\S) +-?\d+")  # ImageNet's lines: a name and a number
_PAIRED = re.compile(r"(\S+)[\s,]+\S+\.(png|bmp|tiff?|gif|xml|txt)", re.I)  # an image and its mask or label file
PREFERRED = (
    "labelmap.txt",
    "classes.txt",
    "class_names.txt",
    "obj.names",
    "_darknet.labels",
    "names.txt",
    "predefined_classes.txt",
)


def name_files(tree: Tree) -> list[str]:
    """Return the files that list class names, the most trusted first.

    By kind, then nearest to the root.
    """
    found = [path for path in tree.texts if _is_name_file(path)]
    return sorted(found, key=lambda path: (_rank(path), path.count("/"), path))


def _is_name_file(path: str) -> bool:
    name = path.rpartition("/")[2].lower()
    return name in NAME_FILES or name.endswith((".names", ".labels"))


def _rank(path: str) -> int:
    name = path.rpartition("/")[2].lower()
    return PREFERRED.index(name) if name in PREFERRED else len(PREFERRED)


def read_names(tree: Tree, path: str, report: Report) -> dict[int, str]:
    """Return {line number from 0: class name}; blank lines at the end do not count."""
    text = tree.try_text(path, report)
    names = [line.strip("\r\t ") for line in text.split("\n")] if text else []
    while names and not names[-1]:
        names.pop()
    if len(names) > MOST_CLASSES:
        report.drop(path, "too many classes", f"{len(names)}; the first {MOST_CLASSES} are kept")
    for number, name in enumerate(names, 1):
        if not name:
            report.repair(path, "class without a name", "named after its number", number)
    return {index: name or f"class {index}" for index, name in enumerate(names[:MOST_CLASSES])}


def is_split_list(path: str) -> bool:
    """Whether a .txt file by its name and place lists the images of a split."""
    folder, _, name = path.lower().rpartition("/")
    is_near_root = not folder or folder.rpartition("/")[2] in LIST_FOLDERS
    return is_near_root and name.endswith(".txt") and name.removesuffix(".txt") in SPLITS


def read_splits(tree: Tree, yamls: Sequence[DataYaml], report: Report) -> dict[str, str]:
    """Return {image path: split} from list files, else data.yaml, else folder names."""
    lists = [path for path in sorted(tree.texts) if is_split_list(path)]
    splits: dict[str, str] = {}
    for path in lists:
        _read_list(tree, path, SPLITS[PurePosixPath(path).stem.lower()], splits, report)
    for found in yamls if not splits else ():
        _read_yaml_splits(tree, found, splits, report)
    for path in tree.images if not splits else ():
        if split := folder_split(path):
            splits[path] = split
    return splits


def _read_list(tree: Tree, path: str, split: str, splits: dict[str, str], report: Report) -> None:
    """Add the images that a list file names; lines may be paths, names or stems."""
    text = tree.try_text(path, report)
    near = tuple(f"{base}{end}" for base in beside(path) for end in ("", f"{split}/", f"DET/{split}/"))
    for number, line in enumerate((text or "").split("\n"), 1):
        reference = line.rstrip("\r")
        if not reference.strip():
            continue
        image, is_guess = tree.find(reference, near, split)
        if image is None and (counted := _COUNTED.fullmatch(reference)):
            image, is_guess = tree.find(counted[1], near, split)
        if image is None and (paired := _PAIRED.fullmatch(reference)):
            image, is_guess = tree.find(paired[1].lstrip("/"), near, split)
        if image is None:
            report.drop(path, "listed image is not in the folder", reference, number)
            continue
        if is_guess:
            report.repair(path, "path found by its end", f"{reference} is {image}", number)
        if splits.setdefault(image, split) != split:
            report.notice(path, "image is in two splits", f"{image} stays in {splits[image]}", number)


def _read_yaml_splits(tree: Tree, found: DataYaml, splits: dict[str, str], report: Report) -> None:
    """Add the images under the folders, or in the lists, that a data.yaml points at."""
    folders = {str(parent) for path in tree.images for parent in PurePosixPath(path).parents}
    # Trainers need a val, so a file without one points at another split's folder: a folder called after its split wins.
    named = sorted(
        found.splits, key=lambda split: not all(folder_split(f"{r}/x") == split for r in found.splits[split])
    )
    for split in named:
        for reference in found.splits[split]:
            if reference.lower().endswith(".txt") and (listed := _list_of(tree, reference, found)):
                _read_list(tree, listed, split, splits, report)
                continue
            folder, is_guess = _folder(reference, found, folders, tree)
            if folder is None:
                report.drop(found.path, "split folder is not in the dataset", f"{split}: {reference}")
                continue
            if is_guess:
                report.repair(found.path, "path found by its end", f"{split}: {reference} is {folder}")
            for path in tree.images:
                if folder == "." or path.startswith(f"{folder}/"):
                    splits.setdefault(path, split)


def _list_of(tree: Tree, reference: str, found: DataYaml) -> str | None:
    """Return the list file that a data.yaml entry means, or None."""
    places = [place for place in _places(reference, found) if tree.real(place) in tree.texts]
    if places:
        return tree.real(places[0])
    name = reference.replace("\\", "/").rpartition("/")[2]
    named = [path for path in tree.texts if path.rpartition("/")[2] == name and not _is_name_file(path)]
    return named[0] if len(named) == 1 else None


def _places(reference: str, found: DataYaml) -> list[str]:
    """Return what a data.yaml entry may mean, as paths inside the folder.

    Source: ultralytics.data.utils.check_det_dataset, which joins `path` and the entry, and tries ../x as x; a relative
    `path` is taken from the file's own folder here.
    """
    home = found.path.rpartition("/")[0]
    entry = reference.replace("\\", "/")
    short = [entry.removeprefix("../")] if entry.startswith("../") else []
    bases = [posixpath.join(home, found.base.replace("\\", "/"))] if found.base else []
    joined = [posixpath.normpath(posixpath.join(base, each)) for base in [*bases, home] for each in [entry, *short]]
    return [path for path in dict.fromkeys(joined) if not path.startswith(("/", ".."))]


def scope_of(tree: Tree, found: DataYaml) -> str:
    """Return the folder a data.yaml describes: `path` if it is there, else its own."""
    home = found.path.rpartition("/")[0]
    base = posixpath.normpath(posixpath.join(home, found.base.replace("\\", "/")))
    return base if any(path.startswith(f"{base}/") for path in tree.images) else home


def _folder(reference: str, found: DataYaml, folders: set[str], tree: Tree) -> tuple[str | None, bool]:
    """Return the folder a data.yaml entry means, and if only its end matched."""
    for place in _places(reference, found):
        if (real := tree.real(f"{place}/").rstrip("/") or ".") in folders:
            return real, False
    text = f"{found.base}/{reference}" if found.base else reference
    plain = [part for part in text.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    for start in range(len(plain)):
        end = "/".join(plain[start:])
        if start and end.lower() in ("images", "data"):
            break  # so general a name says nothing: ../valid/images is not train/images
        matches = [folder for folder in folders if folder == end or folder.endswith("/" + end)]
        if len(matches) == 1:
            return matches[0], True
    return None, False


def merge_names(files: Sequence[tuple[str, Mapping[int, str]]], report: Report) -> dict[int, str]:
    """Return the names of the first file that has any; say which others disagree."""
    named = [(path, dict(names)) for path, names in files if names]
    if not named:
        return {}
    first, names = named[0]
    for path, others in named[1:]:
        if list(others.values()) != list(names.values()):
            report.notice(path, "class lists differ", f"{first} is used")
    return names
