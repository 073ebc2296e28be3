"""Tell masks that lie beside photographs from photographs.

A mask is a picture whose pixels are classes or objects. It is known by two things together: its place or name, which
points at a photograph, and its pixels, which have few values in flat areas.

Source: the folders of PASCAL VOC, Cityscapes, ADE20K, COCO panoptic, KITTI MOTS, LabelMe, SuperAnnotate, Supervisely,
CamVid and Roboflow.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from tator.formats._mask_pixels import is_broken, is_mask_like
from tator.formats._references import composed
from tator.formats.tree import Tree

SUFFIXES = (".png", ".bmp", ".gif", ".tif", ".tiff", ".jpg", ".jpeg")
SAMPLED = 8  # pictures of a folder and kind that are decoded: one tool wrote all of them
_FOLDER = re.compile(
    r"(segmentation|semantic|instance|panoptic|object|part|pixel|stuff|thing|human|machine|binary|colou?r)?"
    r"[ _-]*(segmentation|masks?|labels?|annotations?|annots?|gt|ground[ _-]?truths?|trimaps?|maps?|class|object|instances?|"
    r"scribbles|panoptic|bitmasks?|colormaps?|semantic|seg|anno)([ _-]*(raw|aug|vis|color|machine|human|instances|png|\d+))*"
    r"|gt(fine|coarse)|panoptic_.+|semantic_.+|stuffthingmaps|sem_?seg|ins_?seg|pan_?seg|(train|val|valid|test)[ _-]?"
    r"(annot|masks?|labels?|gt)s?|masks?[ _-].+|.+[ _-]masks?|.+[ _-]seg(mentation)?",
    re.I,
)
_CLEAR = re.compile(
    r"segmentation(class|object|part).*|.*masks?([ _-].*)?|gt(fine|coarse)|panoptic.*|trimaps?|stuffthingmaps|sem_?seg",
    re.I,
)
_PHOTOGRAPHS = frozenset(("images", "image", "imgs", "img", "jpegimages", "photos"))
_WHOLE = frozenset(("jpegimages", "leftimg8bit"))  # hold nothing else, whatever folders in them are called
_SURE = re.compile(r"segmentation(class|object).*|gt(fine|coarse)", re.I)  # the same of masks
_ENDS = re.compile(
    r"(?P<end>_gt(fine|coarse)_(color|labelids|instanceids|labeltrainids|instancetrainids|polygons|panoptic)"
    r"|_(labelids|labeltrainids|instanceids|instancetrainids)|___(fuse|save|pixel)"
    r"|[ _.-](masks?|seg|segmentation|semantic|panoptic|instances?|labels?|gt|l|anno|annotation|matte|trimap)"
    r"|[ _-](mask|scribble|parts|instance|seg|part)[ _-]\d+([ _-].*)?)$",
    re.I,
)
_START = re.compile(r"(?P<start>(mask|seg|gt|label)s?[_-])", re.I)
_CAMERA = ("_leftimg8bit", "_rightimg8bit", "_sat", "_image", "_img", "_rgb")  # Cityscapes' photographs, DeepGlobe's
_FULL_NAME = re.compile(r"\.(jpe?g|png|bmp|tiff?|webp)$", re.I)


@dataclass(frozen=True)
class MaskFile:
    """A picture that is a mask.

    Attributes:
        photograph: that it belongs to; None where that is not in the folder.
        kind: what told it: the end or the start of its name, lower-case, "" where it is called like its photograph.
        folder: that holds it.
    """

    photograph: str | None
    kind: str
    folder: str


def mask_files(tree: Tree) -> dict[str, MaskFile]:
    """Return {path: what it is} of the masks among a folder's images.

    It is worked out once; what `set_masks_aside` took is still in it.
    """
    if tree.masks is None:
        tree.masks = _mask_files(tree)
    return tree.masks


def set_masks_aside(tree: Tree) -> None:
    """Take masks out of a folder's images, and tell how many of each folder."""
    there = [(path, found) for path, found in mask_files(tree).items() if path in tree.image_set]
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path, found in there:
        groups[_group(found)].append(path)
    for (_, kind), paths in groups.items():
        folder = os.path.commonpath([os.path.dirname(path) for path in paths])
        alone = sum(mask_files(tree)[path].photograph is None for path in paths)
        told = f"{len(paths):,} mask pictures{f' *{kind}' if kind else ''}, such as {paths[0]}"
        told += f"; {alone:,} of them without a photograph" if alone else ""
        tree.report.notice(folder or ".", "masks are not images of the dataset", told)
    tree.set_aside({path for path, _ in there})


def _mask_files(tree: Tree) -> dict[str, MaskFile]:
    groups: dict[tuple[str, str], dict[str, MaskFile]] = defaultdict(dict)
    for path, found in _named(tree):
        groups[_group(found)][path] = found
    masks: dict[str, MaskFile] = {}
    for (folder, _), named in groups.items():
        if not any(each.photograph for each in named.values()) and not _is_named_mask(folder):
            continue
        tree.tell(0, 0, f"Are the pictures in {folder or 'the folder'} masks?")
        masks.update(_looked_at(tree, named))
    masks.update(_orphans(tree, masks))
    return masks if len(masks) < len(tree.images) else {}


def _orphans(tree: Tree, masks: dict[str, MaskFile]) -> Iterator[tuple[str, MaskFile]]:
    """Yield masks without a photograph, which end as others of their folder."""
    ends = {(found.folder, found.kind) for found in masks.values() if found.kind}
    beside = {path.rpartition(".")[0] for path in (*tree.texts, *tree.tables)} if ends else set()
    for path in tree.images if ends else ():
        folder = path.rpartition("/")[0]
        kind = next((kind for kind, _ in _bases(_stem(path)) if (folder, kind) in ends), None)
        if kind and path not in masks and path.rpartition(".")[0] not in beside and is_mask_like(tree.root / path):
            yield path, MaskFile(None, kind, folder)


def mask_place(folder: str) -> str:
    """Return a folder up to its last part that says masks; all of it where none does."""
    parts = folder.split("/")
    sure = next((at for at, part in enumerate(parts) if _SURE.fullmatch(part)), None)
    last = next((at for at in reversed(range(len(parts))) if _FOLDER.fullmatch(parts[at])), len(parts) - 1)
    at = last if sure is None else sure
    return "/".join(parts[: at + 1])


def _group(found: MaskFile) -> tuple[str, str]:
    """Return what masks of one tool share: names of the folder and of their end."""
    parts = [part for part in found.folder.split("/") if _FOLDER.fullmatch(part)]
    return (parts[-1].lower() if parts else found.folder), found.kind


def _looked_at(tree: Tree, found: dict[str, MaskFile]) -> dict[str, MaskFile]:
    """Return those of a folder's likely masks whose pixels agree.

    Some stand for all where they are of one mind.
    """
    paths = list(found)
    if all("visuali" in path.rpartition("/")[0].lower() for path in paths):
        return found  # overlays, which labelme2voc puts beside its masks
    sampled = {path: is_mask_like(tree.root / path) for path in paths[:: max(1, len(paths) // SAMPLED)]}
    if not any(sampled.values()):
        return {}
    if all(sampled.values()):
        return found
    masks = {path for path in paths if sampled.get(path) or is_mask_like(tree.root / path)}
    masks |= {path for path in set(paths) - masks if is_broken(tree.root / path)}  # among masks it is one
    return {path: each for path, each in found.items() if path in masks}


def _named(tree: Tree) -> Iterator[tuple[str, MaskFile]]:
    """Yield pictures that are masks by place or name, with what they belong to."""
    by_stem: dict[str, list[str]] = defaultdict(list)
    for path in tree.images:
        by_stem[_stem(path)].append(path)
    beside = {path.rpartition(".")[0] for path in (*tree.texts, *tree.tables)}
    strangers: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for path in tree.images:
        folder, _, name = path.rpartition("/")
        if not name.lower().endswith(SUFFIXES) or path.rpartition(".")[0] in beside:
            continue  # a label file beside it says that it is an image
        photograph, kind = _photograph(path, by_stem)
        if kind is not None and (photograph or _is_mask_folder(folder)):
            yield path, MaskFile(photograph, kind, folder)
        elif photograph:
            strangers[folder, os.path.splitext(name)[1]][path] = photograph
    for (folder, suffix), pairs in strangers.items():
        here = [path for path in tree.images if path.endswith(suffix) and path.rpartition("/")[0] == folder]
        if len(set(pairs.values())) == len(pairs) == len(here):
            yield from _flat_folder(tree, folder, pairs)


def _photograph(path: str, by_stem: dict[str, list[str]]) -> tuple[str | None, str | None]:
    """Return the photograph that a picture may be the mask of, and how it is named.

    The name is None where neither name nor folder says that it is a mask.
    """
    is_place = _is_mask_folder(path.rpartition("/")[0])
    namesake: str | None = None
    bases = list(_bases(_stem(path)))
    for kind, base in bases:
        near = _photographs(path, [base, *(base + camera for camera in _CAMERA)], by_stem)
        if near and (kind or is_place):
            return _nearest(path, near), kind
        namesake = namesake or (_nearest(path, near) if near else None)
    if namesake or not is_place:
        return namesake, None
    return _owner(path, by_stem), next((kind for kind, _ in bases if kind), "")


def _photographs(path: str, names: list[str], by_stem: dict[str, list[str]]) -> list[str]:
    """Return the pictures of these names that are not in folders of masks."""
    others = [each for name in names for each in by_stem.get(name, ()) if each != path]
    return [each for each in others if not _is_mask_folder(each.rpartition("/")[0])]


def _bases(stem: str) -> Iterator[tuple[str, str]]:
    """Yield (what says mask, the rest) of a name: in full, and without its ends."""
    yield "", stem
    if end := _ENDS.search(stem):
        rest = stem[: end.start()]
        yield _numberless(end["end"]), rest
        yield _numberless(end["end"]), _FULL_NAME.sub("", rest)
    if start := _START.match(stem):
        yield start["start"], stem[start.end() :]
    yield "", _FULL_NAME.sub("", stem)


def _numberless(end: str) -> str:
    return re.sub(r"\d+.*", "", end).lower()


def _owner(path: str, by_stem: dict[str, list[str]]) -> str | None:
    """Return the photograph whose name is a folder above: one mask an object."""
    for folder in reversed(path.split("/")[:-1]):
        if near := _photographs(path, [_stem(f"{folder}.x"), _stem(folder)], by_stem):
            return _nearest(path, list(dict.fromkeys(near)))
    return None


def _nearest(path: str, others: list[str]) -> str | None:
    """Return the picture whose folders are most like a mask's; None where two are."""
    folder = path.rpartition("/")[0]
    below = folder.removeprefix(mask_place(folder))

    def likeness(other: str) -> tuple[bool, int]:
        is_mirrored = bool(below) and other.rpartition("/")[0].endswith(below)
        return is_mirrored, len(set(_words(path)) & set(_words(other))) * 2 - len(_words(other))

    ranked = sorted(sorted(others), key=likeness, reverse=True)
    is_clear = len(ranked) == 1 or len(ranked) > 1 and likeness(ranked[0]) > likeness(ranked[1])
    return ranked[0] if is_clear else None


def _words(path: str) -> list[str]:
    return re.findall(r"[^\W\d_]+|\d+", path.rpartition("/")[0].lower())


def _flat_folder(tree: Tree, folder: str, pairs: dict[str, str]) -> Iterator[tuple[str, MaskFile]]:
    """Yield the pictures of a folder of any name that are flat where others are not.

    All its pictures are flat, and each has a photograph that is not.
    """
    sampled = list(islice(pairs.items(), 0, None, max(1, len(pairs) // SAMPLED)))
    if all(
        is_mask_like(tree.root / path) and not is_mask_like(tree.root / photograph, is_loose=True)
        for path, photograph in sampled
    ):
        for path, photograph in pairs.items():
            yield path, MaskFile(photograph, "", folder)


@lru_cache(maxsize=10_000)
def _is_mask_folder(folder: str) -> bool:
    """Return whether a folder's name says masks, not photographs below that."""
    parts = folder.split("/")
    if any(map(_SURE.fullmatch, parts)) or not _WHOLE.isdisjoint(map(str.lower, parts)):
        return any(map(_SURE.fullmatch, parts))
    last = next((at for at in reversed(range(len(parts))) if _FOLDER.fullmatch(parts[at])), None)
    return last is not None and not {part.lower() for part in parts[last + 1 :]} & _PHOTOGRAPHS


def _is_named_mask(folder: str) -> bool:
    """Return whether a folder's name says masks without a photograph to match."""
    return _is_mask_folder(folder) and any(map(_CLEAR.fullmatch, folder.split("/")))


def _stem(path: str) -> str:
    return composed(os.path.splitext(path.rpartition("/")[2])[0]).lower()
