"""Images of several pages or frames are named with their number, in the preview and in the import."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from tator.datasets.dataset import Dataset
from tator.importing.creating import import_dataset
from tator.importing.pages import SEVERAL
from tator.importing.preview import preview_source
from tests.folders import finish, picture


@pytest.mark.parametrize("kind", ["gif", "webp", "png", "tif"])
def test_pages_are_told_before_and_after(wb, tmp_path: Path, kind: str):
    root = tmp_path / "set"
    picture(root / f"still.{kind}")
    first, *others = (Image.new("RGB", (16, 16), (80 * at, 9, 9)) for at in range(3))
    first.save(root / f"film.{kind}", save_all=True, append_images=others)
    finish(import_dataset(wb.workspace, wb.store, "set", str(root)))
    for report in (
        finish(preview_source(wb.workspace, str(root)))["report"],
        Dataset.named(wb.store, wb.workspace, "set").describe()["report"],
    ):
        told = [entry for entry in report["noticed"] if entry["reason"] == SEVERAL]
        assert [entry["file"] for entry in told] == [f"film.{kind}"] and told[0]["detail"].startswith("3 pages")
        assert report["counts"]["noticed"][SEVERAL] == 1
