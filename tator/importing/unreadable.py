"""Note an image that cannot be read, and how many labels go with it."""

from __future__ import annotations

from tator.formats import Report, Source

ANY_SIZE = (10_000, 10_000)  # pixels: the labels are only counted


def note_unreadable(path: str, problem: str, found: Source, report: Report, with_labels: bool = True) -> None:
    """Note an unreadable image with the number of its labels.

    Args:
        path: of the image.
        problem: why it cannot be read.
        found: reader of the labels.
        report: takes the note.
        with_labels: whether labels are read at all.
    """
    kept, found.report = found.report, Report()
    labels = found.labels(path, *ANY_SIZE) if with_labels else None
    found.report = kept
    lost = f"; its {len(labels):,} labels are left out too" if labels else ""
    report.drop(path, "unreadable image", f"{problem}{lost}")
