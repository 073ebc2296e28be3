"""Note images of several pages or frames, of which the first is used."""

from __future__ import annotations

from pathlib import Path

from tator.formats import Report
from tator.storage.images import count_pages
from tator.types import BadInput

SEVERAL = "image of several pages: the first is used"


def note_pages(root: Path, path: str, report: Report) -> None:
    """Note how many pages an image has, where it has more than one.

    Args:
        root: folder that was imported.
        path: of a readable image in it.
        report: takes the note.
    """
    try:
        pages = count_pages(root / path)
    except BadInput as error:
        report.notice(path, "pages cannot be counted", str(error))
        return
    if pages > 1:
        report.notice(path, SEVERAL, f"{pages:,} pages or frames; save them as images of their own to label them")
