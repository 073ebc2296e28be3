"""Folders of the workspace, contained paths, and what an import may read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tator.storage.workspace import FOLDERS, Workspace, inside
from tator.types import BadInput, Forbidden, NotFound

ESCAPES = (
    "../x.jpg",
    "a/../../x.jpg",
    "..",
    "a/..",
    "..\\x.jpg",
    "a\\..\\..\\x.jpg",
    "/etc/passwd",
    "\\x.jpg",
    "//host/share/x.jpg",
    "\\\\host\\share\\x.jpg",
    "C:\\x.jpg",
    "C:x.jpg",
    "c:/x.jpg",
    "file:///etc/passwd",
    "http://host/x.jpg",
    "",
    " ",
    ".",
    "a\0b.jpg",
    "a\nb.jpg",
    " ../x.jpg",
    "a/.. /x.jpg",
    "x" * 256 + ".jpg",
    "d/" * 500 + "x.jpg",
    "\ud800.jpg",
)


def test_every_folder_is_made_on_demand(tmp_path: Path):
    workspace = Workspace(tmp_path / "home")
    assert [workspace.folder(name).is_dir() for name in FOLDERS] == [True] * len(FOLDERS)
    with pytest.raises(BadInput, match="no folder 'etc'"):
        workspace.folder("etc")


@pytest.mark.parametrize("escape", ESCAPES, ids=lambda text: repr(text)[:30])
def test_paths_that_escape_are_refused_by_name(tmp_path: Path, escape: str):
    with pytest.raises(BadInput, match="is refused"):
        inside(tmp_path, escape)


@pytest.mark.parametrize(
    "good", ["a.jpg", "a/b c.jpg", "..a/b...jpg", "ä/日本.jpg", "a/./b.jpg", "trailing./x.jpg", "10:30.jpg", "~x/y"]
)
def test_odd_but_honest_paths_are_kept(tmp_path: Path, good: str):
    assert inside(tmp_path, good) == tmp_path / good


def test_links_out_of_the_folder_are_refused_and_links_within_are_not(tmp_path: Path):
    root = tmp_path / "root"
    (root / "real").mkdir(parents=True)
    (root / "out").symlink_to(tmp_path)
    (root / "within").symlink_to(root / "real")
    with pytest.raises(BadInput, match="leads out"):
        inside(root, "out/x.jpg")
    assert inside(root, "within/x.jpg")


def test_a_sibling_with_the_same_beginning_is_outside(tmp_path: Path):
    (tmp_path / "rootab").mkdir()
    (tmp_path / "roota").mkdir()
    (tmp_path / "roota" / "link").symlink_to(tmp_path / "rootab")
    with pytest.raises(BadInput):
        inside(tmp_path / "roota", "link/x")


@given(st.text(max_size=60))
def test_whatever_is_let_through_lies_inside(relative: str):
    root = Path("/nowhere/root")
    try:
        path = inside(root, relative)
    except BadInput:
        return
    assert path.resolve().is_relative_to(root)


def test_sources(tmp_path: Path):
    allowed, other = tmp_path / "allowed", tmp_path / "allowed-not"
    allowed.mkdir(), other.mkdir()
    (allowed / "link").symlink_to(other)
    workspace = Workspace(tmp_path / "home", [allowed])
    assert workspace.source(str(allowed)) == allowed
    for path in (other, allowed / ".." / "allowed-not", allowed / "link", Path("/etc"), tmp_path):
        with pytest.raises(Forbidden, match="outside the folders"):
            workspace.source(str(path))
    with pytest.raises(NotFound):
        workspace.source(str(allowed / "gone"))
    for bad in ("", " ", "relative/path", "a\0b"):
        with pytest.raises(BadInput):
            workspace.source(bad)


def test_uploads(tmp_path: Path):
    workspace = Workspace(tmp_path, [])
    upload_id, folder = workspace.new_upload()
    assert workspace.source(f"upload:{upload_id}") == folder
    for bad in ("../..", "", "a/b", "x" * 65, "..", "a b"):
        with pytest.raises(BadInput, match="malformed"):
            workspace.source(f"upload:{bad}")
    with pytest.raises(NotFound):
        workspace.source("upload:0123")
