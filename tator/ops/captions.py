"""Captions of images, and datasets of conversations for Qwen."""

from __future__ import annotations

import zipfile
from typing import Literal

from tator.editing.captions import caption_count, caption_of, set_caption
from tator.exporting import qwen_datasets
from tator.exporting.captions import export_captions
from tator.exporting.zips import write_files
from tator.importing.captions import import_captions
from tator.ops import operation
from tator.types import Progress, Work
from tator.workbench import Workbench


@operation(mirrors=("datasets_text_label_get",), writes=False)
def datasets_text_label_get(wb: Workbench, dataset: str, image: str) -> dict:
    """Return the caption of an image, empty where it has none.

    Args:
        dataset: dataset name, from datasets_list.
        image: path of the image in the dataset, with /, from images_list.

    Raises:
        NotFound: no such dataset or image.
    """
    return caption_of(wb.dataset(dataset), image)


@operation(mirrors=("datasets_text_label_set",))
def datasets_text_label_set(wb: Workbench, dataset: str, image: str, caption: str) -> dict:
    """Write the caption of an image; empty text deletes it.

    Args:
        dataset: dataset name, from datasets_list.
        image: path of the image in the dataset, with /, from images_list.
        caption: at most 10,000 characters.

    Raises:
        NotFound: no such dataset or image.
        BadInput: the caption is too long.
    """
    return set_caption(wb.dataset(dataset), image, caption, wb.user)


@operation(title="Read captions")
def captions_import(wb: Workbench, dataset: str, source: str, replace: bool = True) -> Work:
    """Take captions from text_labels/<image>.txt, captions.jsonl or metadata.jsonl.

    Without any of these, each .txt file with the name of an image is its caption. What fits no image is listed in
    the report.

    Args:
        dataset: dataset name, from datasets_list.
        source: absolute path of a folder or .zip on the server, or upload:<id> of an upload, which is used up.
        replace: whether captions that are there are replaced.

    Raises:
        NotFound: no such dataset or source.
        BadInput: the source has no captions.
        Forbidden: the source lies outside the folders imports may read.
    """
    return (yield from import_captions(wb.dataset(dataset), wb.own_source(source), replace, wb.user))


@operation(title="Export captions")
def captions_export(wb: Workbench, dataset: str, kind: Literal["txt", "jsonl"] = "txt") -> Work:
    """Write a dataset's captions into a zip.

    Args:
        dataset: dataset name, from datasets_list.
        kind: txt (text_labels/<image>.txt) or jsonl (captions.jsonl with image and caption a line).

    Raises:
        NotFound: no such dataset.
        BadInput: no image has a caption.
    """
    data = wb.dataset(dataset)
    total = caption_count(data)

    def fill(archive: zipfile.ZipFile) -> Work:
        for done in export_captions(data, kind, archive):
            if done % 100 == 0 or done == total:
                yield Progress(done, total, "Writing captions")
        return {"captions": total}

    return (yield from write_files(wb.workspace, f"{data.name}-captions", fill))


@operation(mirrors=("datasets_build_qwen",), title="Build conversations")
def datasets_build_qwen(
    wb: Workbench,
    dataset: str,
    name: str = "",
    val_share: float = 0.2,
    seed: int = 42,
    context: str = "",
    force: bool = False,
) -> Work:
    """Build a folder of conversations that Qwen-VL is trained on.

    Train and val both get images, and no image stands in two splits.

    Args:
        dataset: dataset name, from datasets_list.
        name: of the folder; empty takes the dataset's name.
        val_share: share of the train images that val gets where the dataset has no val split, above 0 and below 1.
        seed: of that choice.
        context: text before each question, such as what the images show.
        force: whether a folder of that name is replaced.

    Raises:
        NotFound: no such dataset.
        BadInput: a setting is refused, or there are fewer than two images.
        Conflict: a folder of that name exists.
    """
    return (yield from qwen_datasets.build_qwen(wb.dataset(dataset), name, val_share, seed, context, force))


@operation(mirrors=("qwen_datasets_list",), writes=False)
def qwen_datasets_list(wb: Workbench) -> list[dict]:
    """List the folders of conversations that were built."""
    return qwen_datasets.listing(wb.workspace)


@operation(mirrors=("qwen_datasets_delete",))
def qwen_datasets_delete(wb: Workbench, name: str) -> dict:
    """Delete a folder of conversations; its dataset stays.

    Args:
        name: its name, from qwen_datasets_list.

    Raises:
        NotFound: there is none of that name.
    """
    return qwen_datasets.delete_qwen(wb.workspace, name, wb.user)
