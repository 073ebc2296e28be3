"""Captions taken in from text files or JSON Lines, as edits that undo takes back."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tator.datasets.dataset import Dataset
from tator.editing.captions import save_caption
from tator.editing.checks import TEXT_LIMIT
from tator.formats import Report
from tator.formats.captions import read_captions
from tator.formats.tree import Tree, content_root
from tator.importing.creating import lone_zip, unpack
from tator.storage.workspace import UPLOAD
from tator.types import BadInput, Conflict, Progress, Work
from tator.warning_codes import warned


def import_captions(dataset: Dataset, source: str, replace: bool = True, user: str = "") -> Work:
    """Take captions from text files or JSON Lines.

    From text_labels/<image>.txt, captions.jsonl or metadata.jsonl, or a folder of nothing but .txt.

    An upload is used up, unless the import is refused.

    Args:
        dataset: whose images; they are found by path, by name where it is the only one of that name.
        source: folder or .zip on the server, or upload:<id>.
        replace: write over captions that are there.
        user: who is acting.

    Returns:
        {"read", "written", "kept", "report"}.

    Raises:
        BadInput: the source is neither a folder nor a .zip, or has no captions.
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
            save_caption(dataset, row.id, row.revision, caption[:TEXT_LIMIT], user)
            written += 1
            if len(caption) > TEXT_LIMIT:
                report.repair(path, "caption shortened", f"to {TEXT_LIMIT} characters")
        except (BadInput, Conflict) as error:
            report.drop(path, "caption refused", str(error)[:200])
    yield Progress(len(found), len(found), "Done")
    answer = {"read": len(found), "written": written, "kept": kept, "report": report.as_json()}
    return warned(answer, report.happened())
