"""Look through the candidates that machines proposed, and clear those of a run."""

from __future__ import annotations

from typing import Any

from tator.editing.candidate_pages import Asked, candidates_page, count_by_source
from tator.editing.candidates import clear_candidates
from tator.ops import operation
from tator.workbench import Workbench


@operation(writes=False)
def candidates_list(
    wb: Workbench, dataset: str, status: str = "candidate", source: str = "", class_name: str = "",
    conf_min: float = 0.0, conf_max: float = 1.0, image_id: int = 0, offset: int = 0, limit: int = 200,
) -> dict[str, Any]:  # fmt: skip
    """List boxes that machines proposed, the most confident first, a page at a time.

    To accept or reject one, save an edit that sets its status: annotations_save.

    Args:
        dataset: dataset name, from datasets_list.
        status: candidate, accepted or rejected; empty takes all that a machine proposed.
        source: only of this source, from candidates_sources; empty takes all.
        class_name: only of this class; empty takes all.
        conf_min: lowest confidence, in [0, 1].
        conf_max: highest confidence, in [0, 1].
        image_id: only of this image; 0 takes all.
        offset: how many to skip.
        limit: how many to return, 1 to 1000.

    Returns:
        {"total", "candidates": [{"id", "image_id", "image", "class_id", "class_name", "xyxy", "has_outline",
        "confidence", "source", "status"}]}.

    Raises:
        NotFound: no such dataset or class.
        BadInput: a value is out of range.
    """
    asked = Asked(status, source, class_name, conf_min, conf_max, image_id)
    return candidates_page(wb.dataset(dataset), asked, offset, limit)


@operation(writes=False)
def candidates_sources(wb: Workbench, dataset: str) -> list[dict[str, Any]]:
    """Count the boxes of each machine source by what became of them.

    Args:
        dataset: dataset name, from datasets_list.

    Returns:
        {"source", "candidate", "accepted", "rejected"} of each source, by name.

    Raises:
        NotFound: no such dataset.
    """
    return count_by_source(wb.dataset(dataset))


@operation
def candidates_clear(wb: Workbench, dataset: str, source: str) -> dict[str, int]:
    """Delete the candidates of a source; what a person decided about or changed stays.

    Args:
        dataset: dataset name, from datasets_list.
        source: whose candidates, from candidates_sources.

    Returns:
        {"cleared", "kept"}: kept ones are candidates that a person changed.

    Raises:
        NotFound: no such dataset.
    """
    return clear_candidates(wb.dataset(dataset), source)
