"""Captions of images: read, written as journalled edits, imported from and exported to text files and JSON Lines."""

from __future__ import annotations

import json
import os
import shutil
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import func, select

from tator.dataset import Dataset
from tator.edit_checks import TEXT_LIMIT
from tator.edits import save_edits
from tator.export_files import entry
from tator.formats import Report
from tator.formats._captions import read_captions
from tator.importing import lone_zip, unpack
from tator.schema import image
from tator.tree import Tree, content_root
from tator.types import BadInput, Conflict, NotFound, Progress, Work
from tator.workspace import UPLOAD


def caption_of(dataset: Dataset, path: str) -> dict:
    """Return {"image", "image_id", "caption"} of one image; caption is "" where there is none.

    Raises:
        NotFound: the dataset has no such image.
    """
    row = _row(dataset, path)
    return {"image": path, "image_id": row.id, "caption": row.caption or ""}


def set_caption(dataset: Dataset, path: str, caption: str, user: str = "") -> dict:
    """Write an image's caption as an edit that undo takes back; "" deletes it.

    Raises:
        NotFound: the dataset has no such image.
        BadInput: the caption is too long.
    """
    row = _row(dataset, path)
    if (row.caption or "") != caption.strip():
        _save(dataset, row.id, row.revision, caption, user)
    return caption_of(dataset, path)


def _row(dataset: Dataset, path: str):  # noqa: ANN202
    query = select(image.c.id, image.c.revision, image.c.caption).where(
        image.c.dataset_id == dataset.id, image.c.path == path
    )
    with dataset.store.read() as conn:
        row = conn.execute(query).first()
    if row is None:
        raise NotFound(f"dataset {dataset.name!r} has no image {path[:200]!r}")
    return row


def _save(dataset: Dataset, image_id: int, revision: int, caption: str, user: str) -> None:
    ops = [{"op": "image", "changes": {"caption": caption.strip() or None}}]
    edit = {"seq": 1, "kind": "edit", "label": "Caption", "ops": ops}
    save_edits(dataset.store, image_id, revision, f"caption-{uuid.uuid4().hex}", [edit], user)


def import_captions(dataset: Dataset, source: str, replace: bool = True, user: str = "") -> Work:
    """Take captions from text_labels/<image>.txt, captions.jsonl or metadata.jsonl, or of a folder of nothing but .txt.

    An upload is used up, unless the import is refused.

    Args:
        dataset: whose images; they are found by path, by name where it is the only one of that name.
        source: folder or .zip on the server, or upload:<id>.
        replace: write over captions that are there.
        user: who is acting.

    Returns:
        {"read", "written", "kept", "report"}.

    Raises:
        BadInput: the source is no folder and no .zip, or has no captions.
        NotFound: the source does not exist.
        Forbidden: the source lies outside the folders imports may read.
    """
    origin = dataset.workspace.source(source)
    is_upload = source.startswith(UPLOAD)
    archive = lone_zip(origin) if is_upload else origin
    if archive.is_dir():
        result = yield from _take(dataset, archive, source, replace, user, Report())
    elif archive.suffix.lower() == ".zip":
        folder = dataset.workspace.folder("tmp") / f"captions-{os.urandom(8).hex()}"
        try:
            report = yield from unpack(archive, folder)
            result = yield from _take(dataset, folder, source, replace, user, report)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    else:
        raise BadInput(f"source {source!r} is neither a folder nor a .zip with text_labels/ or captions.jsonl")
    if is_upload:
        shutil.rmtree(origin, ignore_errors=True)
    return result


def _take(dataset: Dataset, folder: Path, source: str, replace: bool, user: str, report: Report) -> Work:
    """Read the captions of a folder and store them."""
    tree = Tree.of(content_root(folder))
    rows = dataset.images(readable=False)
    tree.images = [row.path for row in rows]  # the captions are of the dataset's images, which need not lie beside them
    found = read_captions(tree, report, is_all=True)
    if not found and not report.counts["dropped"]:
        told = (
            "text_labels/<image>.txt, captions.jsonl, metadata.jsonl, or a folder of .txt files called like the images"
        )
        raise BadInput(f"{source!r} has no captions; expected {told}")
    have = dataset.captions([row.id for row in rows])
    written = kept = 0
    by_path = {row.path: row for row in rows}
    for done, (path, caption) in enumerate(found.items()):
        if done % 100 == 0:
            yield Progress(done, len(found), path)
        row = by_path[path]
        if have.get(row.id) == caption or (row.id in have and not replace):
            kept += 1
            continue
        try:
            _save(dataset, row.id, row.revision, caption[:TEXT_LIMIT], user)
            written += 1
        except (BadInput, Conflict) as error:
            report.drop(path, "caption refused", str(error)[:200])
    yield Progress(len(found), len(found), "Done")
    return {"read": len(found), "written": written, "kept": kept, "report": report.plain()}


def caption_count(dataset: Dataset) -> int:
    """Return how many images have a caption.

    Raises:
        BadInput: none has.
    """
    mine = (image.c.dataset_id == dataset.id) & image.c.caption.is_not(None) & (image.c.caption != "")
    with dataset.store.read() as conn:
        count = conn.execute(select(func.count()).select_from(image).where(mine)).scalar_one()
    if not count:
        raise BadInput(f"no image of dataset {dataset.name!r} has a caption")
    return count


def export_captions(dataset: Dataset, kind: str, archive: zipfile.ZipFile) -> Iterator[int]:
    """Write captions into a zip as text_labels/<image without ending>.txt or as captions.jsonl; yield how many are done.

    Two images that differ in their ending only would share a text file, so the second keeps its ending: a.png.txt.
    """
    rows = dataset.images(readable=False)
    captions = dataset.captions([row.id for row in rows])
    said = [row for row in rows if captions.get(row.id)]
    if kind == "jsonl":
        lines = (json.dumps({"image": row.path, "caption": captions[row.id]}, ensure_ascii=False) for row in said)
        archive.writestr(entry("captions.jsonl"), "".join(f"{line}\n" for line in lines), zipfile.ZIP_DEFLATED)
        yield len(said)
        return
    taken: set[str] = set()
    for done, row in enumerate(said, 1):
        trunk = row.path.rpartition(".")[0]
        name = row.path if trunk.casefold() in taken else trunk
        taken.add(trunk.casefold())
        archive.writestr(entry(f"text_labels/{name}.txt"), captions[row.id] + "\n", zipfile.ZIP_DEFLATED)
        yield done
