"""Precision, recall and F1 of counts; what is undefined is None."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.signedinteger[Any]]


def share(part: float, whole: float) -> float | None:
    """Return part / whole, None where there is no whole."""
    return float(part / whole) if whole else None


def rates(tp: float, fp: float, fn: float) -> dict[str, float | None]:
    """Return precision, recall and f1 of counts."""
    return {"precision": share(tp, tp + fp), "recall": share(tp, tp + fn), "f1": share(2 * tp, 2 * tp + fp + fn)}


def macro(tp: Counts, fp: Counts, fn: Counts) -> dict[str, float | None]:
    """Return the means over images of their rates.

    Images where one is undefined are left out of it.
    """
    found = {}
    for name, part, whole in (
        ("precision", tp, tp + fp),
        ("recall", tp, tp + fn),
        ("f1", 2 * tp, 2 * tp + fp + fn),
    ):
        known = whole > 0
        found[name] = float((part[known] / whole[known]).mean()) if known.any() else None
    return found


def family(
    prefix: str, tp: Counts, fp: Counts, fn: Counts, suffix: str = "", counts: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the keys of one family at one overlap.

    Args:
        prefix: such as "f1@0.50".
        tp: (images,) true positives.
        fp: (images,) false positives.
        fn: (images,) misses.
        suffix: what is counted, such as "_loc".
        counts: further keys.
    """
    sums: dict[str, Any] = {
        f"{prefix}_{name}{suffix}": int(n.sum()) for name, n in (("tp", tp), ("fp", fp), ("fn", fn))
    }
    micro = rates(int(tp.sum()), int(fp.sum()), int(fn.sum()))
    sums |= {f"{prefix}_{name}{suffix}_micro": value for name, value in micro.items()}
    sums |= {f"{prefix}_{name}{suffix}_macro": value for name, value in macro(tp, fp, fn).items()}
    return sums | {f"{prefix}_{name}": value for name, value in (counts or {}).items()}


def level(iou_thr: float) -> str:
    """Return an overlap as keys and file names spell it: two decimals."""
    return f"{iou_thr:.2f}"
