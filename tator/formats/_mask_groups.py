"""Mask pictures in groups of one tool and purpose, and what their pixels mean."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import numpy as np

from tator.formats._mask_lists import ClassList, class_lists
from tator.formats._mask_meaning import NOTHINGS, Meaning, cityscapes_list, judged, meant, voc_list
from tator.formats._mask_parts import Codes, extents, is_grey, read_pixels
from tator.formats.mask_evidence import mask_files, mask_place
from tator.formats.tree import Tree
from tator.types import BadInput

CLASSES, INSTANCES, COLOURS, OTHER = "classes", "instances", "colours", "other"
NO_CODE = -1  # of no pixel
SAMPLED = 16  # pictures of a group that are looked at, spread over it
SAMPLED_PIXELS = 40_000_000  # of them together, from which on no further one is decoded
MOST_GROUPS = 200  # more are a folder for each image, with a mask for each object
THOUSAND = 1000  # Cityscapes' and MOTS' instance masks hold class x 1000 + number, or the class of what has no objects
AGREED = 0.99  # share of pixels that a mask of classes says the same of
BYTE = 256  # KITTI's and Mapillary's hold class x 256 + number, which is 0 for what has no objects
_ROLES = (  # by the end of names, or the folder; the first that fits counts
    (re.compile(r"panoptic|visuali|parts?\b|scribble|edge|boundar|matte|person_?layout", re.I), OTHER),
    (re.compile(r"instance|object|ins_?seg|mots", re.I), INSTANCES),
    (re.compile(r"colou?r|human|vis\b|___(fuse|save)|rgb", re.I), COLOURS),
)
_CITYSCAPES = re.compile(r"(label|instance)(train)?ids", re.I)


@dataclass
class Group:
    """Masks of one folder and one end of names.

    Attributes:
        place: folder, up to the part that says masks.
        kind: end of their names, "" where they are called like their photographs.
        role: what they are for.
        pictures: {mask: its photograph, or None}.
        meaning: of their pixels; None where no list tells.
        divisor: THOUSAND or BYTE where a value holds the class and the number of the object, else 0.
    """

    place: str
    kind: str
    role: str
    pictures: dict[str, str | None] = field(default_factory=dict)
    meaning: Meaning | None = None
    divisor: int = 0

    @property
    def title(self) -> str:
        """Return what a person would call them."""
        return f"{self.place or '.'}{f' *{self.kind}' if self.kind else ''}"


def mask_groups(tree: Tree) -> list[Group]:
    """Return the groups of a folder's masks, each with what its pixels mean."""
    found: dict[tuple[str, str], Group] = {}
    for path, mask in mask_files(tree).items():
        place = mask_place(mask.folder)
        key = place, mask.kind
        group = found.setdefault(key, Group(place, mask.kind, _role(place, mask.kind)))
        group.pictures[path] = mask.photograph
    if not found or len(found) > MOST_GROUPS:
        return []
    lists = class_lists(tree)
    classes = {photograph: path for photograph, ((path, _), *_) in pictures_of(list(found.values()), CLASSES).items()}
    for group in found.values():
        if group.role != OTHER and not _is_one_an_object(group):
            tree.tell(0, 0, f"What do the masks of {group.title} mean?")
            _judge(tree, group, lists, classes)
    _judge_empty(tree, list(found.values()), lists)
    return list(found.values())


def _judge_empty(tree: Tree, groups: Sequence[Group], lists: Sequence[ClassList]) -> None:
    """Set what groups without an object mean, where others like them are known."""
    for group in groups:
        alike = (each for each in groups if each.meaning and (each.role, each.kind) == (group.role, group.kind))
        known = next(alike, None)
        if group.meaning or known is None or known.meaning is None or group.divisor or _is_one_an_object(group):
            continue
        by_colour = known.meaning.by_colour
        codes = _sampled(tree, group)[by_colour]
        fits = (meant(each, codes, by_colour) for each in _nearest(group, lists))
        group.meaning = next(filter(None, fits), None)


def _role(place: str, kind: str) -> str:
    text = kind if kind.strip("_-. ") not in ("", "mask", "masks", "seg", "gt", "l") else place.rpartition("/")[2]
    return next((role for form, role in _ROLES if form.search(text)), CLASSES)


def _is_one_an_object(group: Group) -> bool:
    """Return whether most images have several masks of a group, one an object."""
    counts = Counter(photograph for photograph in group.pictures.values() if photograph)
    return sum(count > 1 for count in counts.values()) > len(counts) / 2


def _judge(tree: Tree, group: Group, lists: Sequence[ClassList], classes: Mapping[str, str]) -> None:
    """Set what the pixels of a group mean.

    Args:
        tree: the folder.
        group: of masks.
        lists: of classes.
        classes: {photograph: its mask of classes}.
    """
    if not lists and not _is_public(group):
        return
    values, colours = _sampled(tree, group)
    if group.role == INSTANCES:
        group.divisor = _divisor(tree, group, max(values, default=0), classes)
        if not group.divisor:
            return
        values = set(classes_of(np.array(sorted(values)), group.divisor).tolist())
    fits = [found for each in _nearest(group, lists) if (found := judged(each, values, colours))]
    whole = (found for found in fits if not (colours if found.by_colour else values) - found.names.keys())
    group.meaning = next(whole, None) or next(iter(fits), None)
    if not any(PurePosixPath(each.path).stem.lower().startswith("label") for each in lists):
        group.meaning = group.meaning or _standard(group, values, colours)


def _divisor(tree: Tree, group: Group, most: int, classes: Mapping[str, str]) -> int:
    """Return what values of instances are divided by for their class, 0 for nothing.

    A mask of classes beside one tells; else the folder's name does.
    """
    for path, photograph in group.pictures.items() if most >= BYTE else ():
        try:
            known = read_pixels(tree.root / classes[photograph or ""]).valued()
            codes = read_pixels(tree.root / path).codes
        except (BadInput, KeyError):
            continue
        if codes.shape == known.shape and codes.any():
            fits = (each for each in (THOUSAND, BYTE) if np.mean(classes_of(codes, each) == known) >= AGREED)
            return next(fits, 0)
    is_byte = group.place.rpartition("/")[2].lower() == "instance" and most >= BYTE
    return BYTE if is_byte else THOUSAND if most >= THOUSAND else 0


def classes_of(codes: Codes, divisor: int) -> Codes:
    """Return the classes of values that hold the number of an object too."""
    return codes // divisor if divisor == BYTE else np.where(codes >= divisor, codes // divisor, codes)


def numbers_of(codes: Codes, divisor: int) -> Codes:
    """Return values that hold the number of an object, 0 for the others."""
    return codes * (codes % BYTE > 0 if divisor == BYTE else codes >= divisor)


def _sampled(tree: Tree, group: Group) -> tuple[set[int], set[int]]:
    """Return the values and the colours that occur in some masks."""
    values: set[int] = set()
    colours: set[int] = set()
    seen = 0
    paths = [path for path, photograph in group.pictures.items() if photograph] or list(group.pictures)
    spread = paths[:: max(1, len(paths) // SAMPLED)][:SAMPLED]
    for at, path in enumerate(dict.fromkeys((*spread, *paths))):
        is_something = bool((values or colours) - NOTHINGS)
        if seen > SAMPLED_PIXELS or at >= len(spread) and is_something:
            break  # most masks of rare defects are empty: one with an object is looked for
        try:
            pixels = read_pixels(tree.root / path)
        except BadInput:
            continue
        seen += pixels.codes.size
        met = set(extents(pixels.codes))
        if pixels.has_values:
            values |= met
            colours |= {code for value in met if (code := pixels.colour_of(value)) is not None}
        else:
            colours |= met
            values |= {code & 255 for code in met} if is_grey(met) else set()
    return values, colours


def _nearest(group: Group, lists: Sequence[ClassList]) -> Iterator[ClassList]:
    """Yield lists in the folder of a group and those above it first."""

    def farness(listed: ClassList) -> tuple[bool, int]:
        folder = listed.path.rpartition("/")[0]
        return not (not folder or f"{group.place}/".startswith(f"{folder}/")), -len(folder)

    yield from sorted(lists, key=farness)


def _is_public(group: Group) -> bool:
    """Return whether masks lie as those of a public dataset, whose classes are known."""
    folder = group.place.rpartition("/")[2].lower()
    return bool(_CITYSCAPES.search(group.kind)) or folder.startswith("segmentationclass") or folder == "instance"


def _standard(group: Group, values: set[int], colours: set[int]) -> Meaning | None:
    """Return what masks in a public dataset's own layout mean without a list."""
    if _CITYSCAPES.search(group.kind) or group.divisor == BYTE:  # KITTI has the same classes
        return judged(cityscapes_list("train" in group.kind), values, set())
    folder = group.place.rpartition("/")[2].lower()
    if folder.startswith("segmentationclass"):  # with VOC's own colours, or as SegmentationClassAug
        found = judged(voc_list(), values, colours)
        codes = colours if found and found.by_colour else values if "aug" in folder else {NO_CODE}
        return found if found and codes <= found.names.keys() else None
    return None


def pictures_of(groups: Sequence[Group], role: str) -> dict[str, list[tuple[str, Group]]]:
    """Return {photograph: masks of a role with their groups}, the largest group first."""
    found: dict[str, list[tuple[str, Group]]] = defaultdict(list)
    for group in sorted(groups, key=lambda each: -len(each.pictures)):
        for path, photograph in group.pictures.items() if group.role == role else ():
            if photograph:
                found[photograph].append((path, group))
    return found
