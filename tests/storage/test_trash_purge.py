"""Deleting for good: only what was meant goes, in small steps, and a cut one can only be finished."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select

from tator.datasets.dataset import Dataset
from tator.datasets.snapshot_removal import delete_snapshot
from tator.datasets.snapshots import freeze
from tator.editing.edits import save_edits
from tator.importing.creating import import_dataset
from tator.ops import call
from tator.storage import schema
from tator.storage.trash import Trash
from tator.types import BadInput, Conflict, NotFound
from tests.deleting import ROWS, TABLES, counts, delete, entries, files, full_dataset, purge, work_of
from tests.folders import finish, make, picture, text, yolo_folder

ROOT = Path(__file__).parents[2]


@pytest.fixture
def pets(wb, tmp_path: Path) -> Dataset:
    return full_dataset(wb, tmp_path)


def test_purging_a_linked_dataset_deletes_its_rows_and_no_file(wb, pets: Dataset, tmp_path: Path):
    make(wb, yolo_folder(tmp_path / "stays", {"z.png": "0 .5 .5 .5 .5"}, ["fox"]), "stays")
    delete_snapshot(pets, "v1")
    finish(freeze(pets, "v2"))
    disk, entry = files(pets.root), delete(wb, "pets")
    with pytest.raises(BadInput, match="must be its name, 'pets'"):
        finish(work_of(wb, "trash_purge", entry=entry, confirm="yes"))
    told = finish(work_of(wb, "trash_purge", entry=entry, confirm="pets"))
    assert told["images"] == 3 and told["files"] == 0 and told["freed_bytes"] > 100, "the snapshots"
    assert files(pets.root) == disk and entries(wb) == [] and not list(wb.workspace.folder("snapshots").iterdir())
    left = counts(wb)
    assert left == dict.fromkeys(TABLES, 0) | {"dataset": 1, "label_class": 1, "image": 1, "annotation": 1}
    with pytest.raises(NotFound):
        call(wb, "trash_restore", entry=entry)


def test_purging_a_managed_dataset_deletes_its_folder_and_nothing_it_links_to(wb, tmp_path: Path):
    source = yolo_folder(tmp_path / "src", ROWS, ["cat", "dog"])
    mine = make(wb, source, "mine", "managed")
    finish(work_of(wb, "datasets_clone", dataset="mine", new_name="twin"))
    text(tmp_path / "precious" / "letter.txt", "keep me")
    (mine.root / "way out").symlink_to(tmp_path / "precious")
    (mine.root / "letter").symlink_to(tmp_path / "precious" / "letter.txt")
    mark = wb.workspace.folder("runs") / "box_refiner" / str(mine.id) / "weights.safetensors"
    text(mark, "learned from it")
    twin = files(wb.dataset("twin").root)
    entry = delete(wb, "mine")
    assert mine.root.is_dir(), "the files wait with the rows"
    told = purge(wb, entry)
    assert (
        not mine.root.exists() and not mark.exists() and told["files"] == len(files(source)) - 3 + 2
    )  # labels are not copied
    assert (tmp_path / "precious" / "letter.txt").read_text() == "keep me"
    assert files(wb.dataset("twin").root) == twin and len(twin) == 3, "hard links of a clone are its own"
    assert files(source)


def test_a_dataset_inside_another_ones_folder_is_not_pulled_from_under_it(wb, tmp_path: Path):
    mine = make(wb, yolo_folder(tmp_path / "src", ROWS, ["cat", "dog"]), "mine", "managed")
    guest = make(wb, mine.root / "images", "guest")
    entry = delete(wb, "mine")
    with pytest.raises(Conflict, match="'guest' has its images in the folder of 'mine'"):
        purge(wb, entry)
    assert guest.load(guest.images()[0]).shape and call(wb, "trash_list")[0]["problem"] == ""
    told = finish(work_of(wb, "trash_empty", confirm=1))
    assert told["deleted"] == 0 and told["kept"][0]["name"] == "mine" and "guest" in told["kept"][0]["reason"]
    delete(wb, "guest")
    with pytest.raises(BadInput, match="number of things in it, 2"):
        finish(work_of(wb, "trash_empty", confirm=1))
    assert finish(work_of(wb, "trash_empty", confirm=2))["deleted"] == 2
    assert not mine.root.exists() and entries(wb) == [] and counts(wb)["image"] == 0


def test_an_image_with_more_rows_than_one_transaction_takes_is_purged(wb, pets: Dataset):
    from tator.datasets.removal import ROWS as MOST

    row = {"class_id": 0, "x1": 1, "y1": 1, "x2": 2, "y2": 2, "created_at": 0, "updated_at": 0}
    with wb.store.write() as conn:
        key = pets.images()[0].id
        conn.execute(insert(schema.annotation), [{**row, "id": f"n{n}", "image_id": key} for n in range(3 * MOST)])
    entry = delete(wb, "pets")
    steps = [step.done for step in Trash(wb.store, wb.workspace).purge(entry)]
    assert steps == [0, 0, 0, 3] and counts(wb)["annotation"] == 0


PURGE = """
import sys
from pathlib import Path
from tator.storage.trash import Trash
from tator.workbench import Workbench
wb = Workbench.at(Path(sys.argv[1]))
for step in Trash(wb.store, wb.workspace).purge(sys.argv[2]):
    print(step.done, step.message, flush=True)
"""


@pytest.mark.parametrize(("steps", "message"), [(3, "files"), (4, "rows")])
def test_a_purge_that_is_killed_can_only_be_finished(wb, tmp_path: Path, steps: int, message: str):
    root = tmp_path / "src"
    for n in range(40):
        picture(root / f"{n:02}.png")
    many = make(wb, root, "many", "managed")
    with wb.store.write() as conn:  # 2,000 more rows without files, for some transactions
        conn.execute(insert(schema.image), [{"dataset_id": many.id, "path": f"gone/{n}.png"} for n in range(2_000)])
    entry = delete(wb, "many")
    child = subprocess.Popen(
        [sys.executable, "-c", PURGE, str(wb.workspace.home), entry], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    seen = 0
    for line in child.stdout or ():
        seen += message in line
        if seen >= steps:
            child.send_signal(signal.SIGKILL)
            break
    assert child.wait() == -signal.SIGKILL
    left = counts(wb)["image"]
    assert (left == 2_040) if message == "files" else (0 < left < 2_040)
    assert "begun" in call(wb, "trash_list")[0]["problem"]
    with pytest.raises(Conflict, match="begun"):
        call(wb, "trash_restore", entry=entry)
    assert call(wb, "datasets_list") == []
    assert purge(wb, entry)["images"] == left
    assert entries(wb) == [] and counts(wb)["image"] == 0 and not many.root.exists()


def test_a_cut_purge_is_cancelled_at_a_step(wb, pets: Dataset):
    entry = delete(wb, "pets")
    work = Trash(wb.store, wb.workspace).purge(entry)
    next(work)
    work.close()
    assert call(wb, "trash_list")[0]["entry"] == entry
    job = wb.jobs.wait(call(wb, "trash_purge", entry=entry, confirm="pets"), 60)
    assert job["state"] == "succeeded" and entries(wb) == []


def test_saves_go_on_while_a_dataset_is_purged(wb, tmp_path: Path):
    stays = make(wb, yolo_folder(tmp_path / "stays", {"z.png": "0 .5 .5 .5 .5"}, ["fox"]), "stays")
    big = make(wb, yolo_folder(tmp_path / "big", {"z.png": None}, ["fox"]), "big")
    with wb.store.write() as conn:
        conn.execute(insert(schema.image), [{"dataset_id": big.id, "path": f"{n}.png"} for n in range(4_000)])
    entry, key, saved = delete(wb, "big"), stays.images()[0].id, []
    job_id = call(wb, "trash_purge", entry=entry, confirm="big")
    op = {"op": "image", "changes": {"caption": "x"}}
    while wb.jobs.get(job_id)["state"] in ("queued", "running"):
        edit = {"seq": len(saved) + 1, "kind": "edit", "label": "x", "ops": [op]}
        saved.append(save_edits(wb.store, key, len(saved), "me", [edit])["revision"])
    assert wb.jobs.get(job_id)["state"] == "succeeded" and len(saved) > 10
    with wb.store.read() as conn:
        assert conn.execute(select(func.count()).select_from(schema.edit)).scalar_one() == len(saved)


def test_an_import_into_a_dataset_deleted_for_good_ends_in_words(wb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tator.importing.filling.BATCH", 4)
    root = yolo_folder(tmp_path / "src", {f"{n:02}.png": "0 .5 .5 .5 .5" for n in range(12)}, ["cat"])
    work = import_dataset(wb.workspace, wb.store, "going", str(root))
    while next(work).done < 4:
        pass
    entry = delete(wb, "going")
    next(work)  # an import goes on in the trash
    purge(wb, entry)
    with pytest.raises(Conflict, match="deleted for good meanwhile"):
        finish(work)
    assert counts(wb) == dict.fromkeys(TABLES, 0)


def test_what_a_cut_import_of_a_zip_unpacked_goes_with_it(wb, tmp_path: Path):
    import zipfile

    root = yolo_folder(tmp_path / "src", {f"{n}.png": None for n in range(5)})
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for path in root.rglob("*.png"):
            archive.write(path, path.relative_to(root))
    work = import_dataset(wb.workspace, wb.store, "zipped", str(tmp_path / "set.zip"))
    while not any(wb.workspace.folder("datasets").rglob("*.png")):
        next(work)
    work.close()
    purge(wb, delete(wb, "zipped"))
    assert not list(wb.workspace.folder("datasets").iterdir()) and (tmp_path / "set.zip").exists()


def test_what_an_earlier_version_left_is_listed_and_can_be_deleted(wb):
    place = wb.workspace.folder("trash")
    text(place / "birds-20250101-101112-abc" / "images" / "a.png", "old picture")
    text(place / "7-0123.jsonl.gz", "old snapshot")
    text(place / "head-damaged" / "entry.json", "{nonsense")
    listed = call(wb, "trash_list")
    assert {row["kind"] for row in listed} == {"file"} and len(listed) == 3
    for row in listed:
        with pytest.raises(Conflict, match="cannot be restored: an earlier version"):
            call(wb, "trash_restore", entry=row["entry"])
    for outside in ("../tator.db", "/etc/passwd", ""):
        with pytest.raises(NotFound):
            purge(wb, outside)
    job = wb.jobs.wait(call(wb, "trash_empty", confirm=3), 60)
    assert job["result"] == {"deleted": 3, "kept": [], "freed_bytes": 32} and not list(place.iterdir())


def test_two_purges_at_once_both_end(wb, tmp_path: Path):
    root = tmp_path / "src"
    for n in range(60):
        picture(root / f"{n:02}.png")
    many = make(wb, root, "many", "managed")
    entry, ended = delete(wb, "many"), []

    def work() -> None:
        try:
            ended.append(purge(wb, entry))
        except NotFound as late:
            ended.append(late)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
        time.sleep(0.005)
    for thread in threads:
        thread.join(60)
    assert len(ended) == 2 and isinstance(ended[0], dict) or isinstance(ended[1], dict)
    assert entries(wb) == [] and not many.root.exists() and counts(wb)["image"] == 0
