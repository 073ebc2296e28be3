"""An export says, with counts, all that its format has no room for; each format of the table is asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import update

from tator.attributes import RESERVED, Skeleton
from tator.datasets.dataset import Dataset
from tator.editing.remarks import set_remarks
from tator.exporting.writing import export_dataset
from tator.formats import Label
from tator.formats.table import FORMATS, writable
from tator.formats.writing import Folder, Written
from tator.storage.schema import label_class
from tests.folders import finish, make, picture
from tests.formats.test_held import FREE, VALUES, labels_of

SIZE = (640, 480)
NAMES = ["dog", "cat", "gone"]


@pytest.fixture
def full(wb, tmp_path: Path) -> Dataset:
    """Return a dataset with one of everything, and boxes in a class that was deleted without them."""
    root = tmp_path / "set"
    labels = labels_of(VALUES | FREE)
    labels += [Label(1, (300, 300, 340, 340), confidence=0.5), *[Label(2, (400, y, 440, y + 9)) for y in (300, 320)]]
    place = FORMATS["datumaro"].image_path("train", "a.png")
    picture(root / place, SIZE)
    out = Folder(root)
    out.skeletons = {0: Skeleton(("head", "hand", "tail"), ())}
    image = Written(place, "a.png", "train", *SIZE, labels, "A dog.")
    list(FORMATS["datumaro"].write(out, NAMES, {"train": [image]}))
    dataset = make(wb, root)
    set_remarks(dataset, place, ["night"], "Look again.")
    gone = next(row.class_id for row in dataset.classes() if row.name == "gone")
    mine = (label_class.c.dataset_id == dataset.id) & (label_class.c.class_id == gone)
    with wb.store.write() as conn:
        conn.execute(update(label_class).where(mine).values(retired=True))
    return dataset


def test_each_format_says_what_it_has_no_room_for(full: Dataset):
    for format in sorted(writable()):
        known = FORMATS[format]
        notes = finish(export_dataset(full, format))["notes"]
        expected = {
            "annotations of deleted classes": "2 annotations of deleted classes are left out",
            **({} if known.holds_captions else {"caption": "1 captions are left out"}),
            **({} if known.holds_tags else {"tags": "1 images have tags that are left out"}),
            **({} if known.holds_notes else {"notes": "1 images have notes that are left out"}),
            **({} if known.holds_confidence else {"confidence": "1 confidences are left out"}),
            **({} if known.holds_skeletons else {"skeleton": "1 classes lose the names and joints"}),
            **({} if known.holds("crowd") else {"crowd": "1 crowd regions are left out"}),
        }
        lost = [name for name in RESERVED if name != "crowd" and not known.holds(name)]
        expected |= {name: f"attributes '{name}' are left out" for name in lost}
        missing = {what: told for what, told in expected.items() if not any(told in note for note in notes)}
        if len(lost) + len(FREE) > 20:  # the rest is counted together
            missing = {what: told for what, told in missing.items() if what not in lost}
        assert not missing, f"{format}: {missing} is not among {notes}"


def test_what_was_not_chosen_is_counted(full: Dataset):
    notes = finish(export_dataset(full, "datumaro", classes=["cat"]))["notes"]
    dogs = len(labels_of(VALUES | FREE))
    assert f"{dogs} annotations of classes that were not chosen are left out" in notes
    assert any(note.startswith("2 annotations of deleted classes") for note in notes)
