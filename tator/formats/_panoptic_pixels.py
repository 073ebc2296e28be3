"""Pictures whose colours are the ids of segments, found and decoded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from tator.formats.mask_evidence import mask_files
from tator.formats.tree import Tree
from tator.storage.images import PIXEL_LIMIT, open_picture
from tator.types import BadInput, Mask
from tator.vision import masks

LARGEST_ID = 1 << 24  # of what red, green and blue can say


class Pictures:
    """The PNG files of a folder, to find those that a panoptic file names."""

    def __init__(self, tree: Tree) -> None:
        self._folders: dict[str, list[str]] = defaultdict(list)
        for path in dict.fromkeys([*mask_files(tree), *tree.images]):
            if path.lower().endswith(".png"):
                self._folders[PurePosixPath(path).name].append(path)

    def find(self, file: str, name: Any, images: Collection[str]) -> str | None:
        """Return the picture that a row of a panoptic file names, or None.

        Args:
            file: the panoptic file.
            name: of the picture, as the row has it.
            images: names of the photographs in the file; one that is called so is no picture of segments by its name alone.
        """
        if not isinstance(name, str):
            return None
        inner = PurePosixPath(name.replace("\\", "/"))
        parent, stem = PurePosixPath(file).parent, PurePosixPath(file).stem
        there = self._folders.get(inner.name, [])
        for folder in (parent / stem, parent / stem.replace("panoptic_", ""), parent):
            if (exact := (folder / inner).as_posix()) in there and (folder != parent or name not in images):
                return exact
        named = [path for path in there if _is_of_segments(path) or name not in images]
        return named[0] if len(named) == 1 else _of_split(named, stem)


def _is_of_segments(path: str) -> bool:
    folders = PurePosixPath(path).parent.as_posix().lower()
    return any(word in folders for word in ("panoptic", "mask", "segment", "annotation", "label"))


def _of_split(paths: Sequence[str], stem: str) -> str | None:
    """Return the one path with a folder that has the file's name in it."""
    found = [path for path in paths if stem in path.split("/")[:-1] or stem.split("_")[-1] in path.split("/")[:-1]]
    return found[0] if len(found) == 1 else None


def read_ids(path: Path) -> NDArray[np.uint32]:
    """Return (H, W) ids of segments: red + 256 green + 65,536 blue; 0 is none.

    Raises:
        BadInput: it is not a PNG, damaged, or too large.
    """
    try:
        with open_picture(path, formats=("PNG",)) as picture:
            if picture.width * picture.height > PIXEL_LIMIT:
                raise BadInput(f"{picture.width} x {picture.height} is too large")
            is_grey = picture.mode in ("L", "I", "I;16", "1")
            pixels = np.asarray(picture if is_grey else picture.convert("RGB")).astype(np.uint32)
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, PIL.Image.DecompressionBombError) as error:
        raise BadInput(f"not a PNG that can be read ({str(error)[:60] or type(error).__name__})") from error
    return pixels if pixels.ndim == 2 else pixels[..., 0] + 256 * pixels[..., 1] + 65_536 * pixels[..., 2]


def is_alike(ids: NDArray[np.uint32], width: int, height: int) -> bool:
    """Return whether a picture has the proportions of a size, to a pixel."""
    return abs(ids.shape[1] * height - ids.shape[0] * width) <= max(width, height)


def fitted(ids: NDArray[np.uint32], width: int, height: int) -> NDArray[np.uint32]:
    """Return ids at a size: resized where alike, else cut and filled up."""
    if is_alike(ids, width, height):
        rows = np.arange(height) * ids.shape[0] // height
        return ids[rows[:, None], np.arange(width) * ids.shape[1] // width]
    whole = np.zeros((height, width), np.uint32)
    part = ids[:height, :width]
    whole[: part.shape[0], : part.shape[1]] = part
    return whole


def pixels_of(ids: NDArray[np.uint32], wanted: Any, corners: Sequence[float], area: Any) -> Mask | None:
    """Return the pixels of one segment, None where there are none.

    Only its box is looked at where the file's box and area agree with it.

    Args:
        ids: (H, W) of the image.
        wanted: id of the segment, as the file has it.
        corners: x1, y1, x2, y2 of its box, as the file has it; NaN where it has none.
        area: how many pixels it has, as the file has it.
    """
    if isinstance(wanted, bool) or not isinstance(wanted, (int, float)) or not 0 < wanted < LARGEST_ID:
        return None
    if all(map(np.isfinite, corners)):
        x1, y1, x2, y2 = (int(value) for value in np.clip(corners, 0, max(ids.shape)))
        part = ids[y1 : y2 + 2, x1 : x2 + 2] == wanted
        if part.sum() == area:
            return masks.of_dense(part, x1, y1)
    return masks.of_dense(ids == wanted)
