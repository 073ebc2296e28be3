"""Captions written into a zip, as text files or JSON Lines."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator

from tator.datasets.dataset import Dataset
from tator.storage.zips import entry


def export_captions(dataset: Dataset, kind: str, archive: zipfile.ZipFile) -> Iterator[int]:
    """Write captions into a zip and yield how many are done.

    As text_labels/<image without ending>.txt or as captions.jsonl.

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
