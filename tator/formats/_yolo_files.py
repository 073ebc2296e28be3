"""Which label file belongs to which image of a YOLO folder."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from pathlib import PurePosixPath

from tator.formats import Report
from tator.formats._lists import is_split_list, name_files
from tator.formats._references import contradicts, folded
from tator.formats._yolo_rows import is_row
from tator.formats.tree import Tree

SAMPLED = 50  # label files that are looked at to tell what rows are
WORDS = re.compile(r"readme|licen[cs]e|notes?|requirements|changelog|todo|credits", re.I)  # text files of every project


def label_places(path: str) -> list[str]:
    """Return where an image's label file may lie, in the order they are tried.

    The last folder called images becomes labels (Ultralytics), beside the image (Darknet),
    then a labels folder at the root, beside the image or beside its folder.
    """
    folder, _, file = path.rpartition("/")
    name = (file.rpartition(".")[0] or file) + ".txt"
    return [f"{place}{name}" for place in _places(folder)]


@lru_cache(maxsize=1_000)  # a folder has many images
def _places(folder: str) -> tuple[str, ...]:
    folders = folder.split("/") if folder else []
    places = []
    swaps = [at for at, part in enumerate(folders) if part.lower() == "images"]
    if swaps:
        at = swaps[-1]
        places.append([*folders[:at], "labels", *folders[at + 1 :]])
    places.append(folders)
    if swaps:
        places.append(["labels", *folders[: swaps[-1]], *folders[swaps[-1] + 1 :]])
    places += [["labels", *folders], [*folders, "labels"], [*folders[:-1], "labels"]]
    return tuple(dict.fromkeys("/".join([*place, ""]) for place in places))


def label_file(tree: Tree, path: str) -> str | None:
    """Return the label file of an image, or None.

    Names are compared as written first, then as disks that ignore case and Unicode form do, where only one is equal.
    """
    return _ranked_file(tree, path)[0]


def _ranked_file(tree: Tree, path: str) -> tuple[str | None, int]:
    """Return an image's label file and how far down the list of places it was."""
    texts = tree.texts
    places = [(place, at) for name in (path, *tree.aliases(path)) for at, place in enumerate(label_places(name))]
    for place, at in places:
        if place in texts and not is_split_list(place):
            return place, at
    for place, at in places:
        same = tree.texts_folded.get(folded(tree.real(place)), ())
        if len(same) == 1 and not is_split_list(same[0]):
            return same[0], at
    return None, 0


def sampled_files(tree: Tree) -> list[str]:
    """Return some label files, spread over the folder."""
    spread = tree.images[:: max(1, len(tree.images) // SAMPLED)]
    found = [file for path in spread if (file := label_file(tree, path))]
    if not found:
        found = list(islice((file for path in tree.images if (file := label_file(tree, path))), SAMPLED))
    return found or list(islice(_files_by_name(tree, {}).values(), SAMPLED))


def label_files(tree: Tree, report: Report) -> dict[str, str]:
    """Return {image: label file}, noting label files that two images could have.

    A file nearer to one image's first place is that image's; one between namesakes in two folders is nobody's.
    """
    by_file: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for path in tree.told(tree.images):
        file, rank = _ranked_file(tree, path)
        if file is not None:
            by_file[file].append((rank, path))
    found = {path: file for file, ranked in by_file.items() for path in _owners(file, ranked, report)}
    return found | _files_by_name(tree, found)


def _owners(file: str, ranked: list[tuple[int, str]], report: Report) -> Iterator[str]:
    """Yield the images that a label file is of."""
    best = min(rank for rank, _ in ranked)
    paths = sorted(path for rank, path in ranked if rank == best)
    others = sorted(path for rank, path in ranked if rank > best)
    if len({path.rpartition("/")[0] for path in paths}) > 1:
        told = f"it may be of {' or '.join(paths[:3])}; expected one in a folder like the image's"
        report.drop(file, "label file is ambiguous", told)
        return
    if len(paths) > 1:
        report.notice(file, "label file of two images", f"{paths[0]} and {paths[1]}")
    for path in others:
        report.notice(file, "label file of a namesake", f"it is of {paths[0]}, not of {path}")
    yield from paths


def _files_by_name(tree: Tree, found: dict[str, str]) -> dict[str, str]:
    """Return {image: text file} of names that occur once each, in any layout.

    Only where no folder says that they are namesakes.
    """
    used = {*found.values(), *name_files(tree)}
    texts: dict[str, list[str]] = defaultdict(list)
    for path in sorted(tree.texts - used):
        if not is_split_list(path):
            texts[PurePosixPath(path).stem].append(path)
    pairs: dict[str, str] = {}
    for stem, paths in texts.items():
        images = tree.namesakes(stem)
        if len(images) != 1 or len(paths) != 1 or images[0] in found:
            continue
        asked = paths[0].split("/")[:-1]
        if contradicts(images[0], asked, "", tree.image_folders) or "text_labels" in asked:
            continue
        if is_label_file(tree, paths[0]) and (not found or _rows(tree, paths[0])):
            pairs[images[0]] = paths[0]
    return pairs


def is_label_file(tree: Tree, path: str) -> bool:
    """Return whether a text file's first row could be a label; an empty file could."""
    try:
        row = next((line.split() for line in tree.read_text(path).split("\n", 50) if line.strip()), [])
    except OSError:
        return False
    return not row or is_row(row)


def note_orphans(tree: Tree, found: dict[str, str], report: Report) -> None:
    """List the label files that no image has, each with its rows.

    In folders that hold label files every text file counts; elsewhere one whose rows are labels.
    """
    paired = set(found.values())
    tree.claim(*paired)
    folders = {label.rpartition("/")[0] for label in paired}
    noted = {entry["file"] for entry in report.entries["dropped"]}
    for text in sorted(tree.texts - paired - set(name_files(tree)) - noted):
        folder, _, name = text.rpartition("/")
        if is_split_list(text) or WORDS.match(name):
            continue
        is_labels = "labels" in folder.lower().split("/") or bool(folder) and folder in folders
        rows = _rows(tree, text)
        if is_labels or rows and is_label_file(tree, text):
            tree.claim(text)
            report.drop(text, "label file without an image", f"{rows:,} rows")


def _rows(tree: Tree, path: str) -> int:
    try:
        return sum(bool(line.strip()) for line in tree.read_text(path).splitlines())
    except OSError:
        return 0
