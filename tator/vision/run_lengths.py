"""Run lengths of masks, coded from and to an object's crop, not the whole image.

They count off and on pixels column by column, the first off, as numbers or as packed text.

Source: https://github.com/cocodataset/cocoapi/blob/master/common/maskApi.c, rleToString and rleFrString.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tator.types import BadInput, Mask

Runs = NDArray[np.int64]

BITS = 5  # of a value that a letter holds, lowest first
MORE, NEGATIVE = 1 << BITS, 1 << (BITS - 1)  # another letter follows; the value's sign in its last letter
FIRST = ord("0")
LETTERS = 11  # of the longest value: more than any image needs, and within 64 bits
LIMITS = NEGATIVE << BITS * np.arange(LETTERS)  # what one, two, ... letters cannot hold


def pack_counts(runs: Sequence[int] | Runs) -> str:
    """Return run lengths as COCO's packed text."""
    values = np.array(runs, np.int64)
    values[3:] -= values[1:-2].copy()  # from the fourth on, the difference from the last but one
    letters = 1 + np.searchsorted(LIMITS, np.where(values < 0, ~values, values), side="right")
    at = np.arange(letters.max(initial=1))
    codes = (values[:, None] >> BITS * at) & (MORE - 1)
    codes |= MORE * (at < letters[:, None] - 1)
    return (codes[at < letters[:, None]] + FIRST).astype(np.uint8).tobytes().decode("ascii")


def unpack_counts(text: str) -> Runs:
    """Return the run lengths that COCO packed into text.

    Raises:
        BadInput: the text is cut off or has foreign characters.
    """
    codes = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8).astype(np.int64) - FIRST
    if codes.size and not 0 <= codes.min() <= codes.max() < 2 * MORE:
        raise BadInput("run lengths have characters that COCO does not use")
    if codes.size and codes[-1] & MORE:
        raise BadInput("run lengths are cut off")
    ends = np.flatnonzero(codes < MORE)
    letters = np.diff(ends, prepend=-1)
    if letters.max(initial=0) > LETTERS:
        raise BadInput(f"run lengths have a number of {letters.max()} letters; expected at most {LETTERS}")
    place = np.arange(codes.size) - np.repeat(ends - letters + 1, letters)
    parts = (codes & (MORE - 1)) << BITS * place
    runs = np.add.reduceat(parts, ends - letters + 1) if ends.size else np.zeros(0, np.int64)
    runs -= np.where(codes[ends] & NEGATIVE, 1 << BITS * letters, 0)
    runs[1::2], runs[2::2] = np.cumsum(runs[1::2]), np.cumsum(runs[2::2])
    return runs


def of_crop(mask: Mask, width: int, height: int) -> Runs:
    """Return the run lengths of a mask in an image; what lies outside is cut off.

    Args:
        mask: cropped to its object.
        width: of the image in pixels.
        height: of the image in pixels.
    """
    left, top = max(mask.x, 0), max(mask.y, 0)
    crop = mask.data[top - mask.y : max(height - mask.y, 0), left - mask.x : max(width - mask.x, 0)]
    columns = np.pad(crop.T, ((0, 0), (0, 1))).view(np.int8)  # every column ends off
    column, row = np.divmod(np.flatnonzero(np.diff(columns.ravel(), prepend=0)), columns.shape[1])
    turns = (left + column) * height + top + row
    # A run that reaches the image's lower edge goes on at the upper one of the next column.
    goes_on = np.flatnonzero(turns[1:-1:2] == turns[2::2])
    turns = np.delete(turns, np.concatenate([2 * goes_on + 1, 2 * goes_on + 2]))
    after = [] if len(turns) and turns[-1] == width * height else [width * height]
    return np.diff(turns, prepend=0, append=after)


def to_crop(runs: Runs, height: int) -> Mask | None:
    """Return the mask of run lengths; None where no pixel is on.

    Args:
        runs: at least 0 each.
        height: of the image in pixels.
    """
    starts, ends = _on(runs)
    box = box_of_runs(runs, height)
    if box is None:
        return None
    x1, y1, x2, y2 = box
    if y2 - y1 == height:  # columns follow each other as in the image
        starts, ends = starts - x1 * height, ends - x1 * height
    else:  # no run goes on in the next column
        skipped = starts // height * (height - (y2 - y1)) + x1 * (y2 - y1) + y1
        starts, ends = starts - skipped, ends - skipped
    turns = np.zeros((x2 - x1) * (y2 - y1) + 1, np.int8)
    turns[starts] += 1
    turns[ends] -= 1
    pixels = np.cumsum(turns[:-1], dtype=np.int8).view(np.bool_)
    return Mask(x1, y1, np.ascontiguousarray(pixels.reshape(x2 - x1, y2 - y1).T))


def box_of_runs(runs: Runs, height: int) -> tuple[int, int, int, int] | None:
    """Return the xyxy box around run lengths in pixels; None where no pixel is on.

    Args:
        runs: at least 0 each.
        height: of the image in pixels.
    """
    starts, ends = _on(runs)
    if not len(starts):
        return None
    first, last = starts // height, (ends - 1) // height
    x1, x2 = int(first[0]), int(last[-1]) + 1
    if (first != last).any():
        return x1, 0, x2, height
    return x1, int((starts - first * height).min()), x2, int((ends - first * height).max())


def _on(runs: Runs) -> tuple[Runs, Runs]:
    """Return where the runs of pixels that are on start and end."""
    turns = np.cumsum(runs)
    ends = turns[1::2]
    starts = turns[0::2][: len(ends)]
    is_some = ends > starts
    return starts[is_some], ends[is_some]
