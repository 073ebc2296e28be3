"""Find the images behind a number: what the charts count is what the search finds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tator.ops import call
from tator.types import BadInput


@pytest.fixture
def dataset(wb, tmp_path: Path) -> str:
    """Six images 100x50 in two splits; image i holds i boxes of side 10 and one class each."""
    from PIL import Image

    for i in range(6):
        place = tmp_path / "source" / ("train" if i < 4 else "val")
        place.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (100, 50), (30 * i, 80, 80)).save(place / f"{i}.png")
        lines = [f"{k % 2} {0.05 + 0.15 * k} 0.5 0.1 {0.2 if k % 2 else 0.4}" for k in range(i)]
        (place / f"{i}.txt").write_text("\n".join(lines))
    (tmp_path / "source" / "classes.txt").write_text("wide\ntall")
    job = wb.jobs.wait(call(wb, "datasets_create", name="grid", source=str(tmp_path / "source")), 60)
    assert job["state"] == "succeeded", job
    return "grid"


def names(wb, dataset: str, **wanted) -> list[str]:
    found = call(wb, "images_find", dataset=dataset, **wanted)
    assert found["total"] == len(found["images"])
    return [Path(row["name"]).stem for row in found["images"]]


def test_every_bar_of_the_charts_finds_what_it_counts(wb, dataset):
    stats = call(wb, "datasets_stats", dataset=dataset)
    for row in stats["classes"]:
        assert len(names(wb, dataset, class_ids=[row["class_id"]])) == row["images"] > 0
    for row in stats["splits"]:
        assert len(names(wb, dataset, splits=[row["split"]])) == row["images"]
    for key, name in (("boxes_per_image", "boxes"), ("box_sides", "sides"), ("aspects", "aspects")):
        edges, counts = stats[key]["edges"], stats[key]["counts"]
        for i, count in enumerate(counts):
            found = names(wb, dataset, **{name: edges[i : i + 2]})
            assert len(found) == count if name == "boxes" else bool(found) == bool(count)


def test_box_conditions_hold_for_one_box(wb, dataset):
    assert names(wb, dataset, area=[0.6, 0, 1, 1]) == ["5"]
    assert names(wb, dataset, area=[0.6, 0, 1, 1], class_ids=[1]) == []
    assert names(wb, dataset, search="train/3") == ["3"]
    assert names(wb, dataset, captions="with") == [] and len(names(wb, dataset, captions="without")) == 6
    assert len(names(wb, dataset, size=[100, 50])) == 6 and names(wb, dataset, size=[50, 100]) == []


@pytest.mark.parametrize(
    "wanted", [{"area": [0.1]}, {"sides": [1, 2, 3]}, {"states": ["odd"]}, {"limit": 0}, {"offset": -1}]
)
def test_what_makes_no_sense_is_refused_by_name(wb, dataset, wanted):
    with pytest.raises(BadInput, match=next(iter(wanted)).rstrip("s")):
        call(wb, "images_find", dataset=dataset, **wanted)
