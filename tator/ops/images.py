"""List the images of a dataset and find the way through them."""

from __future__ import annotations

from typing import Literal

from tator.datasets import queries as browse
from tator.datasets import views
from tator.datasets.image_search import Wanted, find_images
from tator.editing.remarks import set_remarks
from tator.ops import operation
from tator.workbench import Workbench


@operation(writes=False)
def images_list(
    wb: Workbench, dataset: str, offset: int = 0, limit: int = 200, state: str = "", search: str = ""
) -> dict:
    """List images in the order of their names, a page at a time.

    Args:
        dataset: dataset name, from datasets_list.
        offset: how many to skip.
        limit: how many to return, 1 to 1000.
        state: only new, in_progress or reviewed; empty takes all.
        search: parts of a name, tag:night, note:text, attribute:occluded or attribute:colour=red, ignoring case; empty takes all.

    Raises:
        NotFound: no such dataset.
        BadInput: offset, limit or state is out of range.
    """
    return browse.page(wb.dataset(dataset), offset, limit, state, search)


@operation(writes=False)
def images_next(wb: Workbench, dataset: str, after_image_id: int = 0, state: str = "new") -> dict:
    """Return the next readable image of a state, going round at the end.

    Args:
        dataset: dataset name, from datasets_list.
        after_image_id: id of the image to go on from; 0 starts at the first.
        state: new, in_progress or reviewed.

    Returns:
        The image as images_list has it, with "image_id"; image_id is null when none is left.

    Raises:
        NotFound: no such dataset, or it has no such image.
        BadInput: unknown state.
    """
    return browse.following(wb.dataset(dataset), after_image_id, state)


@operation(writes=False)
def images_position(wb: Workbench, dataset: str, image_id: int) -> dict:
    """Return where an image stands in the unfiltered list, and how many there are.

    Args:
        dataset: dataset name, from datasets_list.
        image_id: id of the image, from images_list.

    Raises:
        NotFound: no such dataset, or it has no such image.
    """
    return browse.position(wb.dataset(dataset), image_id)


@operation(writes=False)
def images_find(
    wb: Workbench,
    dataset: str,
    offset: int = 0,
    limit: int = 60,
    states: list[str] = [],
    splits: list[str] = [],
    class_ids: list[int] = [],
    sides: list[float] = [],
    aspects: list[float] = [],
    area: list[float] = [],
    boxes: list[int] = [],
    size: list[int] = [],
    captions: Literal["any", "with", "without"] = "any",
    only_problems: bool = False,
    search: str = "",
) -> dict:
    """List the images behind a number of datasets_stats, a page at a time.

    Filters on boxes must all hold for one box of the image; an empty list does not filter.

    Args:
        dataset: dataset name, from datasets_list.
        offset: how many to skip.
        limit: how many to return, 1 to 200.
        states: of the image: new, in_progress or reviewed.
        splits: train, val, test and "" (none).
        class_ids: a box of one of these classes.
        sides: lower and, if given, upper bound (excluded) of the square root of a box's area, in pixels.
        aspects: lower and, if given, upper bound (excluded) of a box's width by height.
        area: x1, y1, x2, y2 around a box's centre, as shares of the image.
        boxes: lower and, if given, upper bound (excluded) of the number of accepted annotations.
        size: width and height of the image in pixels.
        captions: any, only images with one, or only those without.
        only_problems: only images that cannot be read.
        search: parts of a name, tag:night, note:text, attribute:occluded or attribute:colour=red, ignoring case.

    Raises:
        NotFound: no such dataset.
        BadInput: a list has another length, or a value is out of range.
    """
    wanted = Wanted(states, splits, class_ids, sides, aspects, area, boxes, size, captions, only_problems, search)
    return find_images(wb.dataset(dataset), wanted, offset, limit)


@operation(writes=False)
def image_pyramid(wb: Workbench, image_id: int) -> dict:
    """Prepare the tiles of a large or deep image, and say which values it holds.

    Tiles are made where an image has more than 50 megapixels or values of more than 8 bits; they are kept in a cache.

    Args:
        image_id: id of the image, from images_list.

    Returns:
        tile: pixels of a tile's side, 0 where the image has no tiles and nothing else is said; levels: how often the image is
        halved, and once; width, height; version: for the tiles' addresses; kind: type of the values, such as uint16; depth: of a
        deep image its lowest and highest value, low and high, the values shown black and white unless others are asked for, and
        counts, how many of the sampled values lie in each of 256 equal parts from lowest to highest.

    Raises:
        NotFound: no such image, or its file is gone.
        BadInput: the file cannot be read as an image.
        Unavailable: the disk has no room for the tiles.
    """
    return views.prepared(wb.store, wb.workspace, image_id)


@operation
def images_remark(wb: Workbench, dataset: str, image: str, tags: list[str] = [], notes: str = "") -> dict:  # noqa: B006
    """Write the tags and notes of an image, as an edit that can be undone.

    Args:
        dataset: dataset name, from datasets_list.
        image: name of the image, its path in the dataset with /, from images_list.
        tags: at most 100, of 200 characters each; none deletes them.
        notes: at most 10,000 characters; empty deletes them.

    Raises:
        NotFound: no such dataset or image.
        BadInput: a tag or the notes are too long.
    """
    return set_remarks(wb.dataset(dataset), image, tags, notes, wb.user)
