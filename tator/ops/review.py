"""Review what machines proposed: one queue, and many answers at once."""

from __future__ import annotations

from typing import Any, Literal

from tator.editing import review, review_batches, review_orders
from tator.editing.candidate_pages import Asked
from tator.ops import operation
from tator.workbench import Workbench

Answer = Literal["accepted", "rejected"]


@operation(writes=False)
def review_orders_list(wb: Workbench) -> list[dict[str, str]]:
    """List the orders in which candidates can be reviewed.

    Returns:
        {"name", "label"} of each.
    """
    return [{"name": each.name, "label": each.label} for each in review_orders.orders()]


@operation(writes=False)
def review_queue(
    wb: Workbench, dataset: str, order: str = "image", status: str = "candidate", source: str = "", class_name: str = "",
    conf_min: float = 0.0, conf_max: float = 1.0, split: str = "", attribute: str = "", image_id: int = 0,
    after: str = "", limit: int = 200,
) -> dict[str, Any]:  # fmt: skip
    """Return a page of the boxes that wait for a person's answer, in an order.

    A page goes on behind the last box of the one before, whatever was answered meanwhile. To answer one, save an edit
    that sets its status: annotations_save; for many at once, review_decide.

    Args:
        dataset: dataset name, from datasets_list.
        order: from review_orders_list.
        status: candidate, accepted or rejected; empty takes all that a machine proposed.
        source: only of this source, from candidates_sources; empty takes all.
        class_name: only of this class; empty takes all.
        conf_min: lowest confidence, in [0, 1].
        conf_max: highest confidence, in [0, 1].
        split: only in images of train, val, test or none; empty takes all.
        attribute: only with this attribute, as name or name=value; empty takes all.
        image_id: only of this image; 0 takes all.
        after: what the page before answered; empty for the first page.
        limit: how many to return, 1 to 1000.

    Returns:
        {"items": [{"id", "image_id", "image", "class_id", "xyxy", "confidence", "source"}], "after"}, which is empty on
        the last page.

    Raises:
        NotFound: no such dataset, order or class.
        BadInput: a value is out of range, or `after` is of another order.
    """
    asked = Asked(status, source, class_name, conf_min, conf_max, image_id, split, attribute)
    return review.review_page(wb.dataset(dataset), asked, review_orders.order_called(order), after, limit)


@operation(writes=False)
def review_progress(
    wb: Workbench, dataset: str, source: str = "", class_name: str = "", conf_min: float = 0.0, conf_max: float = 1.0,
    split: str = "", attribute: str = "", image_id: int = 0,
) -> dict[str, int]:  # fmt: skip
    """Count the candidates that wait for an answer, and those that have one.

    Args:
        dataset: dataset name, from datasets_list.
        source: only of this source; empty takes all.
        class_name: only of this class; empty takes all.
        conf_min: lowest confidence, in [0, 1].
        conf_max: highest confidence, in [0, 1].
        split: only in images of train, val, test or none; empty takes all.
        attribute: only with this attribute, as name or name=value; empty takes all.
        image_id: only of this image; 0 takes all.

    Returns:
        {"left", "done"}.

    Raises:
        NotFound: no such dataset or class.
        BadInput: a value is out of range.
    """
    asked = Asked("", source, class_name, conf_min, conf_max, image_id, split, attribute)
    return review.review_progress(wb.dataset(dataset), asked)


@operation
def review_decide(wb: Workbench, dataset: str, ids: list[str], answer: Answer = "accepted") -> dict[str, Any]:
    """Accept or reject candidates of any images; review_undo takes them back.

    Args:
        dataset: dataset name, from datasets_list.
        ids: of the candidates, from review_queue, 10,000 at a time.
        answer: accepted or rejected.

    Returns:
        {"batch", "boxes", "images", "left_out"}: what was changed, and how many of `ids` are candidates no more.

    Raises:
        NotFound: no such dataset.
        BadInput: too many ids, or the answer is another.
    """
    return review_batches.decide(wb.dataset(dataset), ids, answer, wb.user)


@operation
def review_decide_all(
    wb: Workbench, dataset: str, answer: Answer = "accepted", conf_min: float = 0.0, conf_max: float = 1.0,
    source: str = "", class_name: str = "", split: str = "", attribute: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Accept or reject all candidates of a choice.

    Such as those from a confidence upwards. review_undo takes it back in all images.

    Args:
        dataset: dataset name, from datasets_list.
        answer: accepted or rejected.
        conf_min: lowest confidence, in [0, 1].
        conf_max: highest confidence, in [0, 1].
        source: only of this source; empty takes all.
        class_name: only of this class; empty takes all.
        split: only in images of train, val, test or none; empty takes all.
        attribute: only with this attribute, as name or name=value; empty takes all.

    Returns:
        {"batch", "boxes", "images"}: what was changed.

    Raises:
        NotFound: no such dataset or class.
        BadInput: a value is out of range.
    """
    asked = Asked("", source, class_name, conf_min, conf_max, 0, split, attribute)
    return review_batches.decide_all(wb.dataset(dataset), asked, answer, wb.user)


@operation
def review_undo(wb: Workbench, dataset: str, batch: str) -> dict[str, Any]:
    """Take back what review_decide or review_decide_all did, in all images at once.

    Args:
        dataset: dataset name, from datasets_list.
        batch: what it answered.

    Returns:
        {"boxes", "images"}: what are candidates again; boxes that were changed otherwise since are left alone.

    Raises:
        NotFound: no such dataset or batch.
        BadInput: it is taken back already.
    """
    return review_batches.undo_batch(wb.dataset(dataset), batch, wb.user)
