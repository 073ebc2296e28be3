"""Change the classes of a dataset.

Class ids are stable, so no change alters what an old row means.
"""

from __future__ import annotations

from tator.datasets.label_map import change_class
from tator.editing.classes import delete_class
from tator.ops import operation
from tator.types import BadInput
from tator.workbench import Workbench


@operation
def class_add(wb: Workbench, dataset: str, name: str, color: str = "") -> dict:
    """Append a class to a dataset and return it.

    Args:
        dataset: dataset name, from datasets_list.
        name: any visible characters, at most 100.
        color: #rrggbb; empty picks one that no class has.

    Raises:
        NotFound: no such dataset.
        BadInput: the name or colour is refused.
        Conflict: the name is taken.
    """
    return wb.dataset(dataset).add_class(name, color).as_json()


@operation
def class_rename(wb: Workbench, dataset: str, class_id: int, name: str) -> dict:
    """Rename a class and return it; its annotations keep the class.

    Args:
        dataset: dataset name, from datasets_list.
        class_id: id of the class, from datasets_get.
        name: any visible characters, at most 100.

    Raises:
        NotFound: no such dataset or class.
        BadInput: the name is refused.
        Conflict: the name is taken.
    """
    return wb.dataset(dataset).rename_class(class_id, name).as_json()


@operation
def class_recolor(wb: Workbench, dataset: str, class_id: int, color: str) -> dict:
    """Give a class another colour and return it.

    Args:
        dataset: dataset name, from datasets_list.
        class_id: id of the class, from datasets_get.
        color: #rrggbb.

    Raises:
        NotFound: no such dataset or class.
        BadInput: not a colour.
    """
    return wb.dataset(dataset).recolor(class_id, color).as_json()


@operation
def class_reorder(wb: Workbench, dataset: str, class_ids: list[int]) -> list[dict]:
    """Put the classes in this order, which exports number them by, and return them.

    Args:
        dataset: dataset name, from datasets_list.
        class_ids: every class id of the dataset once, in the new order.

    Raises:
        NotFound: no such dataset.
        BadInput: an id is missing, foreign or twice.
    """
    return [row.as_json() for row in wb.dataset(dataset).reorder(class_ids)]


@operation
def class_delete(wb: Workbench, dataset: str, class_id: int, move_to: int = -1) -> dict:
    """Delete a class; its annotations move to another one as edits that can be undone.

    Args:
        dataset: dataset name, from datasets_list.
        class_id: id of the class, from datasets_get.
        move_to: class id that takes its annotations; -1 refuses when it has any.

    Raises:
        NotFound: no such dataset or class.
        BadInput: move_to is the class itself.
        Conflict: the class has annotations and move_to is -1.
    """
    return delete_class(wb.dataset(dataset), class_id, move_to, wb.user)


@operation
def class_skeleton(wb: Workbench, dataset: str, class_id: int, names: list[str], edges: list[int] = []) -> dict:  # noqa: B006
    """Name the key points of a class and which are joined, and return the class.

    Args:
        dataset: dataset name, from datasets_list.
        class_id: id of the class, from datasets_get.
        names: of the key points in the order of annotations' keypoints; none takes the skeleton away.
        edges: pairs of key points by index from 0, flat: from, to, from, to.

    Raises:
        NotFound: no such dataset or class.
        BadInput: a name is empty, or an edge names no key point.
    """
    if len(edges) % 2:
        raise BadInput(f"edges must be pairs, has {len(edges)} numbers")
    pairs = [list(pair) for pair in zip(edges[::2], edges[1::2], strict=True)]
    skeleton = {"names": names, "edges": pairs} if names else None
    with wb.store.write() as conn:
        return change_class(conn, wb.dataset(dataset).id, class_id, skeleton=skeleton).as_json()
