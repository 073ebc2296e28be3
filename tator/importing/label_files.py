"""Open label files that come without images, for the images of a dataset."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tator.datasets.dataset import Dataset, ImageRow
from tator.formats import Label, Report, Source
from tator.formats.label_tree import BY_NAME, EXACT, LabelTree, parsed_renames
from tator.formats.table import FORMATS, open_source, recognised
from tator.formats.tree import content_root
from tator.formats.unread import note_unread
from tator.importing.class_mapping import suggest
from tator.importing.creating import checked_request, lone_zip, unpack
from tator.storage.workspace import UPLOAD
from tator.types import BadInput, Progress, Work
from tator.warning_codes import warned

EVERY = 100  # images between two steps
LISTED = 50  # names of each kind that an answer lists; all are counted


@dataclass
class LabelFiles:
    """Label files that were opened.

    Attributes:
        tree: the files, and the dataset's images as they see them.
        found: reader of the labels.
        rows: of the dataset's readable images.
        report: what was noted when they were opened.
    """

    tree: LabelTree
    found: Source
    rows: Sequence[ImageRow]
    report: Report

    def each(self) -> Iterator[tuple[int, ImageRow, list[Label] | None]]:
        """Yield (images done, image, its labels or None) of the dataset."""
        places = {image: path for path, image in self.tree.image_of.items()}
        for done, row in enumerate(self.rows):
            yield done, row, self.found.labels(places[row.path], row.width, row.height)

    def matching(self, images: Sequence[str]) -> dict:
        """Return how the images with labels were found, and what fits none."""
        how = Counter(self.tree.how.get(path, EXACT) for path in images)
        ambiguous, missing = self.tree.ambiguous, list(self.tree.missing)
        listed = [{"file": file, "images": found[:5]} for file, found in list(ambiguous.items())[:LISTED]]
        counts = {"exact": how[EXACT], "by_name": how[BY_NAME], "ambiguous": len(ambiguous), "not_found": len(missing)}
        return {"images": len(images), **counts, "ambiguous_files": listed, "not_found_files": missing[:LISTED]}


@contextmanager
def _folder(dataset: Dataset) -> Iterator[Path]:
    folder = dataset.workspace.folder("tmp") / f"labels-{os.urandom(8).hex()}"
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def opening(
    dataset: Dataset, source: str, format: str, folder: Path, is_machine: bool = False, renames: Sequence[str] = ()
) -> Generator[Progress, None, LabelFiles]:
    """Open the label files of a folder, zip or upload.

    Args:
        dataset: whose images are labelled.
        source: folder or .zip on the server, or upload:<id>.
        format: of the labels; "" takes the first that is recognised.
        folder: where a zip is unpacked.
        is_machine: whether predictions are meant where a file has labels and predictions.
        renames: see label_tree.parsed_renames.

    Raises:
        BadInput: the source or a rule is refused, or it holds no labels.
    """
    rules = parsed_renames(renames)
    checked_request(source, True, format, ())
    yield Progress(0, 0, "Looking at the label files")
    origin = dataset.workspace.source(source)
    archive = lone_zip(origin) if source.startswith(UPLOAD) else origin
    report = Report()
    if not archive.is_dir():
        if archive.suffix.lower() != ".zip":
            raise BadInput(f"source {source!r} is neither a folder nor a .zip of label files")
        report = yield from unpack(archive, folder)
        archive = folder
    tree, rows = LabelTree.of(content_root(archive)), dataset.images()
    tree.renames = rules
    tree.take([row.path for row in rows])
    if not format and not [name for name in recognised(tree) if name != "images"]:
        note_unread(tree, report)
        looked = ", ".join(sorted({*tree.texts, *tree.tables, *tree.others})[:3]) or "no file"
        raise BadInput(
            f"{source!r} has no labels for these images; it holds {looked}; expected a format of formats_list"
        )
    found = open_source(tree, _meant(tree, format, is_machine))
    note_unread(tree, found.report, bool(format))
    return LabelFiles(tree, found, rows, report.merge(tree.report).merge(found.report))


def _meant(tree: LabelTree, format: str, is_machine: bool) -> str:
    """Return the format to read: the predictions where those are wanted."""
    partners = {"gt_jsonl": "gt_vs_pred", "label_studio": "label_studio_predictions"}
    partner = partners.get(format or next(iter(recognised(tree)), ""), "")
    return partner if is_machine and partner in FORMATS else format


def preview_labels(
    dataset: Dataset,
    source: str,
    format: str = "",
    is_machine: bool = False,
    aliases: Mapping[str, str] | None = None,
    renames: Sequence[str] = (),
) -> Work:
    """Look at label files as an import onto a dataset's images would; write nothing.

    Args:
        dataset: whose images are labelled.
        source: folder or .zip on the server, or upload:<id>.
        format: of the labels; "" takes the first that is recognised.
        is_machine: whether they are to be candidates.
        aliases: {another word: class name} of the dataset.
        renames: see label_tree.parsed_renames.

    Returns:
        {"format", "matched": {"images", "exact", "by_name", "ambiguous", "not_found", "ambiguous_files",
        "not_found_files"}, "annotations", "occupied": images with labels already, "classes", "report"}.

    Raises:
        BadInput: the source is refused or holds no labels.
    """
    with _folder(dataset) as folder:
        files = yield from opening(dataset, source, format, folder, is_machine, renames)
        files.found.report = Report()
        labels: Counter = Counter()
        matched: list[ImageRow] = []
        for done, row, found in files.each():
            if done % EVERY == 0:
                yield Progress(done, len(files.rows), row.path)
            matched += [] if found is None else [row]
            labels.update(label.class_index for label in found or ())
        names = {index: files.found.classes.get(index, f"class {index}") for index in {*files.found.classes, *labels}}
        counts: Counter = Counter()
        for index, name in sorted(names.items()):
            counts[name] += labels[index]
        whole = files.report.merge(files.found.report)
        occupied = dataset.annotation_rows([row.id for row in matched])
        answer = {
            "source": source,
            "format": files.found.format,
            "formats": [{"name": name, "label": FORMATS[name].label} for name in recognised(files.tree)],
            "matched": files.matching([row.path for row in matched]),
            "annotations": labels.total(),
            "occupied": sum(bool(rows) for rows in occupied.values()),
            "classes": suggest(counts, [row.name for row in dataset.classes()], aliases, counts),
            "report": whole.as_json(),
        }
        yield Progress(len(files.rows), len(files.rows), "Done")
        return warned(answer, whole.happened())
