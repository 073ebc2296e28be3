"""The caches of a workspace: listed, emptied while they are used, and nothing else touched."""

from __future__ import annotations

import os
import time
from pathlib import Path

import PIL.Image
import pytest

from tator.ops import call
from tator.storage.caches import DRAFT_S, Cache, caches, register_cache
from tator.storage.images import THUMBS, thumbnail
from tator.types import NotFound
from tests.sources import PRODUCT, name_of


def fill(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"12345")


def kept(wb) -> dict[str, tuple[int, int]]:
    return {row["kind"]: (row["files"], row["bytes"]) for row in call(wb, "caches_list")}


def test_every_cache_of_the_product_is_listed(wb):
    assert kept(wb) == dict.fromkeys(("crops", "embeddings", "features", "media", "pyramids", "thumbs"), (0, 0))
    assert all(row["what"].endswith(".") and row["kind"] in row["folder"] for row in call(wb, "caches_list"))


def test_nothing_is_kept_in_the_cache_folder_but_by_a_cache():
    spelled = [name_of(path) for path in PRODUCT if 'folder("cache")' in path.read_text(encoding="utf-8")]
    assert spelled == ["tator/storage/caches.py"]


def test_purging_deletes_the_files_of_one_cache_and_nothing_else(wb, tmp_path: Path):
    folder = wb.workspace.folder("cache")
    fill(folder, "features/a/1", "features/b/2", "media/ab/3", "unknown/4")
    fill(tmp_path / "elsewhere", "mine")
    (folder / "features" / "link").symlink_to(tmp_path / "elsewhere")
    (folder / "features" / "other").symlink_to(tmp_path / "elsewhere" / "mine")
    found = call(wb, "caches_purge", kind="features")
    assert found["deleted_files"] == 3 and found["freed_bytes"] >= 10, "two files and the link to a file"
    assert kept(wb)["features"] == (0, 0) and kept(wb)["media"] == (1, 5)
    assert (folder / "unknown" / "4").exists() and (tmp_path / "elsewhere" / "mine").exists()


def test_what_is_being_written_stays_and_what_a_crash_left_goes(wb):
    folder = wb.workspace.folder("cache") / "thumbs"
    fill(folder, "ab/now.part", "ab/old.part")
    past = time.time() - 2 * DRAFT_S
    os.utime(folder / "ab" / "old.part", (past, past))
    assert call(wb, "caches_purge", kind="thumbs") == {"kind": "thumbs", "deleted_files": 1, "freed_bytes": 5}
    assert (folder / "ab" / "now.part").exists()


def test_a_purged_thumbnail_is_made_again(wb, tmp_path: Path):
    PIL.Image.new("RGB", (640, 480)).save(tmp_path / "a.png")
    made = thumbnail(tmp_path / "a.png", THUMBS.folder(wb.workspace))
    assert call(wb, "caches_purge", kind="thumbs")["deleted_files"] == 1 and not made.exists()
    assert thumbnail(tmp_path / "a.png", THUMBS.folder(wb.workspace)) == made and made.exists()


def test_an_unknown_cache_is_refused_and_a_name_taken_once(wb):
    with pytest.raises(NotFound, match="there are: crops, embeddings, features"):
        call(wb, "caches_purge", kind="../runs")
    with pytest.raises(ValueError, match="two caches"):
        register_cache(Cache(caches()[0].kind, "Again."))
