"""Cut every annotated object out of its image into a zip, a folder a class."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
import zipfile
from collections.abc import Sequence

import PIL.Image

from tator.exporting.losses import Losses
from tator.exporting.plan import Choice, Content, Plan, plan_export
from tator.exporting.writing import notes_of, write_zip
from tator.formats.cells import harmless
from tator.formats.writing import in_split
from tator.storage.images import read_image
from tator.storage.zips import entry
from tator.types import BadInput, NotFound, Progress, Work

BATCH = 50  # images whose annotations are held at once
MOST_MARGIN = 5.0


def export_crops(
    content: Content,
    margin: float = 0.0,
    smallest_px: int = 4,
    splits: Sequence[str] = (),
    states: Sequence[str] = (),
    classes: Sequence[str] = (),
    statuses: Sequence[str] = ("accepted",),
) -> Work:
    """Write one PNG per box into a zip of the workspace's exports.

    The files are <class>/<image path>_<number>.png, listed in crops.csv.

    Args:
        content: dataset or snapshot.
        margin: what is added to each side, as a share of the box's width and height, 0 to 5.
        smallest_px: boxes with a shorter side are left out, in pixels.
        splits: see exporting.Choice.
        states: see exporting.Choice.
        classes: see exporting.Choice.
        statuses: see exporting.Choice.

    Returns:
        What export_dataset returns, with "crops" and "skipped".

    Raises:
        BadInput: a setting is refused, or there is nothing to cut.
    """
    if not 0 <= margin <= MOST_MARGIN:
        raise BadInput(f"margin must be from 0 to {MOST_MARGIN:g}, is {margin:g}")
    plan = plan_export(content, in_split, Choice(splits, states, classes, statuses))
    folders = class_folders(plan.names)

    def fill(archive: zipfile.ZipFile) -> Work:
        rows, crops, skipped, losses = [row for pairs in plan.rows.values() for row, _ in pairs], 0, 0, Losses()
        index = ["crop,image,class,x1,y1,x2,y2\n"]
        for start in range(0, len(rows), BATCH):
            batch = rows[start : start + BATCH]
            yield Progress(start, len(rows), batch[0].path)
            found = [content.annotation_rows([row.id for row in batch], status) for status in statuses]
            for row in batch:
                boxes = [each for part in found for each in part[row.id] if losses.takes(each, plan, False)]
                cut, lines = _cut(archive, plan, row, boxes, (folders, margin, smallest_px))
                crops, skipped = crops + cut, skipped + len(boxes) - cut
                index += lines
        archive.writestr(entry("crops.csv"), "".join(index), zipfile.ZIP_DEFLATED)
        yield Progress(len(rows), len(rows), "Done")
        return {
            "crops": crops,
            "skipped": skipped,
            "annotations": crops,
            "notes": notes_of(plan, losses.refusals("a crop")),
        }

    return (yield from write_zip(content.workspace, f"{content.name}-crops", plan, fill))


def _cut(archive: zipfile.ZipFile, plan: Plan, row, boxes: Sequence, how: tuple) -> tuple[int, list[str]]:  # noqa: ANN001
    """Write the crops of one image; return their number and their index lines."""
    folders, margin, smallest_px = how
    try:
        if not boxes:
            return 0, []
        pixels = read_image(plan.content.path(row))
    except (BadInput, NotFound) as error:
        plan.left_out.append({"file": row.path, "reason": str(error)})
        return 0, []
    lines = []
    for number, box in enumerate(boxes, 1):
        x1, y1, x2, y2 = box["x1"], box["y1"], box["x2"], box["y2"]
        if min(x2 - x1, y2 - y1) < smallest_px:
            continue
        across, down = margin * (x2 - x1), margin * (y2 - y1)
        left, top = max(int(x1 - across), 0), max(int(y1 - down), 0)
        right, bottom = min(int(x2 + across + 0.999), pixels.shape[1]), min(int(y2 + down + 0.999), pixels.shape[0])
        if right <= left or bottom <= top:
            continue
        name = f"{folders[plan.class_rows[box['class_id']]]}/{row.path}_{number}.png"
        packed = io.BytesIO()
        PIL.Image.fromarray(pixels[top:bottom, left:right]).save(packed, "PNG", compress_level=1)
        archive.writestr(entry(name), packed.getvalue(), zipfile.ZIP_STORED)
        cells = (name, row.path, plan.names[plan.class_rows[box["class_id"]]], *(f"{v:.2f}" for v in (x1, y1, x2, y2)))
        lines.append(_line(cells))
    return len(lines), lines


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow([harmless(cell) for cell in cells])
    return text.getvalue()


def class_folders(names: Sequence[str]) -> list[str]:
    """Return a folder name for each class.

    Letters, digits and dashes are kept; equal names are told apart by a number.
    """
    taken: set[str] = set()
    folders = []
    for row, name in enumerate(names):
        plain = "".join(c if unicodedata.category(c)[0] in "LMN" or c in " ._-" else "_" for c in name)
        plain = re.sub(r"\s+", " ", plain).strip(" .")[:60] or f"class_{row}"
        folder = plain
        while folder.casefold() in taken:
            folder = f"{plain}-{row}"
            row += 1
        taken.add(folder.casefold())
        folders.append(folder)
    return folders
