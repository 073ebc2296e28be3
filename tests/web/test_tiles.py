"""Tiles by their address: only of large and deep images, kept by browsers, whole where the cache is emptied."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from starlette.requests import Request
from starlette.responses import Response

from tator.datasets.dataset import Dataset
from tator.ops import call
from tator.storage import stored_values
from tator.storage.pyramids import PYRAMIDS
from tator.types import BadInput, NotFound
from tator.web.media import tile
from tests.folders import make, yolo_folder

RAMP = (np.add.outer(np.arange(600), np.arange(700)) * 3).astype(np.uint16)


@pytest.fixture
def shown(wb, tmp_path: Path) -> dict[str, int]:
    """Return image ids by name of a deep and a plain image."""
    folder = yolo_folder(tmp_path / "scans", {"street.png": None})
    PIL.Image.fromarray(RAMP).save(folder / "deep.png")
    PIL.Image.new("RGB", (60, 40), "red").save(folder / "plain.png")
    make(wb, folder, "scans")
    listed = call(wb, "images_list", dataset="scans")["images"]
    return {row["name"]: row["id"] for row in listed}


def asked(image_id: int, level: int, x: int, y: int, query: str = "") -> Request:
    place = {"image_id": image_id, "level": level, "x": x, "y": y}
    return Request({"type": "http", "headers": [], "query_string": query.encode(), "path_params": place})


def grey(answer: Response) -> np.ndarray:
    return np.asarray(PIL.Image.open(io.BytesIO(answer.body)))


def test_a_deep_image_tells_what_it_holds_and_is_shown_by_any_window(wb, shown):
    facts = call(wb, "image_pyramid", image_id=shown["deep.png"])
    assert (facts["tile"], facts["levels"], facts["kind"]) == (512, 2, "uint16")
    assert (facts["depth"]["lowest"], facts["depth"]["highest"]) == (0, int(RAMP.max()))
    answer = tile(wb, asked(shown["deep.png"], 0, 1, 0, f"v={facts['version']}&low=300&high=3000"))
    assert "immutable" in answer.headers["cache-control"] and answer.headers["x-content-type-options"] == "nosniff"
    wanted = np.clip((RAMP[:512, 512:].astype(np.float32) - 300) * (255 / 2700) + 0.5, 0, 255)
    assert np.abs(grey(answer) - np.floor(wanted)).max() <= 1
    assert "immutable" not in tile(wb, asked(shown["deep.png"], 0, 1, 0, "v=old")).headers["cache-control"]


def test_a_small_image_of_eight_bits_needs_no_tiles(wb, shown, monkeypatch):
    assert call(wb, "image_pyramid", image_id=shown["plain.png"]) == {"tile": 0}
    assert PYRAMIDS.measure(wb.workspace) == (0, 0)
    monkeypatch.setattr(stored_values, "LARGE", 60 * 40 - 1)
    facts = call(wb, "image_pyramid", image_id=shown["plain.png"])
    assert (facts["levels"], facts["kind"], facts["depth"]) == (1, "uint8", None)


def test_tiles_are_made_again_after_the_cache_was_emptied(wb, shown):
    before = grey(tile(wb, asked(shown["deep.png"], 1, 0, 0)))
    assert PYRAMIDS.purge(wb.workspace)[0] == 1
    assert np.array_equal(grey(tile(wb, asked(shown["deep.png"], 1, 0, 0))), before)


def test_what_is_not_there_is_refused(wb, shown):
    with pytest.raises(NotFound):
        tile(wb, asked(shown["deep.png"], 7, 0, 0))
    with pytest.raises(BadInput, match="two numbers"):
        tile(wb, asked(shown["deep.png"], 0, 0, 0, "low=9&high=1"))
    dataset, row = Dataset.of_image(wb.store, wb.workspace, shown["deep.png"])
    dataset.path(row).unlink()
    with pytest.raises(NotFound):
        call(wb, "image_pyramid", image_id=shown["deep.png"])
