"""T01-T08: dangerous zips. Each bad entry is refused by name, the good ones beside it come out."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from tator.storage.archives import ExtractReport, Limits, extracting
from tator.types import BadInput
from tests.folders import finish

DEFAULT = Limits()
GOOD = {"images/a.jpg": b"good", "labels/ä b.txt": b"0 .5 .5 .1 .1"}


def extract(archive: Path, into: Path, limits: Limits | None = None) -> ExtractReport:
    return finish(extracting(archive, into, limits or Limits()))


def build(path: Path, entries: list[tuple[str | zipfile.ZipInfo, bytes]], compression=zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in [*GOOD.items(), *entries]:
            archive.writestr(name, content)
    return path


def link(name: str, target: str) -> tuple[zipfile.ZipInfo, bytes]:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return info, target.encode()


def raw_name(name: bytes) -> tuple[str, bytes, bytes]:
    """Return a stand-in name, and what to put in its place in the finished file."""
    return "Q" * len(name), b"Q" * len(name), name


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def check(
    archive: Path, folder: Path, refused: str, extra: dict[str, bytes] | None = None, limits: Limits = DEFAULT
) -> None:
    """Extract; the refused name is reported, the good files are there, and nothing else exists anywhere around."""
    before = {p for p in folder.parent.rglob("*")}
    report = extract(archive, folder, limits)
    assert refused in [entry["file"] for entry in report.refused], report.refused
    assert files(folder) == GOOD | (extra or {})
    assert report.files == len(GOOD | (extra or {}))
    outside = {p for p in folder.parent.rglob("*")} - before - {folder, *folder.rglob("*")}
    assert not outside


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "a/../../x",
        "images/../../../x",
        "..",
        "a/b/../../../../etc/x",  # T01 traversal
        "/x",
        "//x",
        "/etc/cron.d/x",
        "///x",
        "/./x",  # T02 absolute
        "C:\\x",
        "c:/x",
        "D:x",
        "\\\\host\\share\\x",
        "file:///etc/x",  # T03 drives, UNC, addresses
        "..\\x",
        "a\\..\\..\\x",
        "images\\..\\..\\x",
        "\\x",
        "a/..\\../x",  # T04 backslashes
    ],
)
def test_t01_t02_t03_t04_names_that_lead_out(tmp_path: Path, name: str):
    info = zipfile.ZipInfo("placeholder")
    info.filename = name
    check(build(tmp_path / "bad.zip", [(info, b"bad")]), tmp_path / "out" / "here", name)


@pytest.mark.parametrize("target", ["/etc", "../../..", "/etc/passwd", "images", "."])
def test_t05_links_and_files_through_them(tmp_path: Path, target: str):
    archive = build(tmp_path / "bad.zip", [link("door", target), ("door/x", b"bad"), ("door/images/y", b"bad")])
    check(archive, tmp_path / "out" / "here", "door")
    report = extract(archive, tmp_path / "again" / "here")
    assert {entry["file"] for entry in report.refused} == {"door", "door/x", "door/images/y"}


@pytest.mark.parametrize("kind", [stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK, stat.S_IFLNK])
def test_t05_special_files(tmp_path: Path, kind: int):
    info = zipfile.ZipInfo("special")
    info.create_system, info.external_attr = 3, (kind | 0o777) << 16
    check(build(tmp_path / "bad.zip", [(info, b"")]), tmp_path / "out" / "here", "special")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (b"nul\0.jpg", "nul\\0.jpg"),
        (b"a.jpg\0.txt", "a.jpg\\0.txt"),
        (b"bell\x07.jpg", "bell\x07.jpg"),
        (b"line\n.jpg", "line\n.jpg"),
        (b"del\x7f.jpg", "del\x7f.jpg"),
    ],
)
def test_t06_control_characters(tmp_path: Path, name: bytes, told: str):
    stand_in, find, put = raw_name(name)
    path = build(tmp_path / "bad.zip", [(stand_in, b"bad")])
    path.write_bytes(path.read_bytes().replace(find, put))
    check(path, tmp_path / "out" / "here", told)


@pytest.mark.parametrize("name", ["x" * 300, "d/" * 600 + "x", "é" * 150, "a/" + "y" * 256, "z" * 5000])
def test_t06_long_names(tmp_path: Path, name: str):
    check(build(tmp_path / "bad.zip", [(name, b"bad")]), tmp_path / "out" / "here", name[:300])


@pytest.mark.parametrize(
    "name",
    ["images/a.jpg", "images/A.jpg", "IMAGES/a.JPG", "images/a.jpg.", "images/./a.jpg", "images", "images/a.jpg/b"],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_t07_duplicates_case_clashes_and_files_as_folders(tmp_path: Path, name: str):
    check(build(tmp_path / "bad.zip", [(name, b"second")]), tmp_path / "out" / "here", name)


def test_t07_unicode_forms_of_one_name_clash(tmp_path: Path):
    check(
        build(tmp_path / "bad.zip", [("labels/a\u0308 b.txt", b"second")]),
        tmp_path / "out" / "here",
        "labels/a\u0308 b.txt",
    )


@pytest.mark.parametrize("size_mb", [17, 30, 64, 100, 200])
def test_t08_bombs_by_ratio(tmp_path: Path, size_mb: int):
    check(build(tmp_path / "bad.zip", [("bomb", bytes(size_mb << 20))]), tmp_path / "out" / "here", "bomb")


def test_t08_bombs_of_many_files_by_total(tmp_path: Path):
    entries = [(f"part{n}", bytes(1 << 20)) for n in range(40)]
    report = extract(build(tmp_path / "bad.zip", entries), tmp_path / "out")
    assert report.bytes <= 17 << 20
    assert GOOD.items() <= files(tmp_path / "out").items()
    assert "looks like a zip bomb" in report.refused[0]["reason"]


def test_entry_and_count_limits(tmp_path: Path):
    archive = build(tmp_path / "bad.zip", [("big", bytes(range(256)) * 40)])
    check(archive, tmp_path / "one" / "here", "big", limits=Limits(entry_bytes=5000))
    check(archive, tmp_path / "two" / "here", "big", limits=Limits(files=2))


def test_t08_nested_archives_stay_files(tmp_path: Path):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("../evil", b"bad")
    extract(build(tmp_path / "outer.zip", [("inner.zip", inner.getvalue())]), tmp_path / "out")
    assert files(tmp_path / "out") == GOOD | {"inner.zip": inner.getvalue()}


@pytest.mark.parametrize("at", [14, 18, 26, 40, 47])
def test_damaged_entries_are_refused_and_leave_nothing(tmp_path: Path, at: int):
    """Flip a byte of the last local entry: its checksum, sizes, name length or content."""
    path = build(tmp_path / "bad.zip", [("zzz.jpg", b"content content content")], zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[content.rfind(b"PK\x03\x04") + at] ^= 0x55
    path.write_bytes(content)
    report = extract(path, tmp_path / "out")
    assert GOOD.items() <= files(tmp_path / "out").items()
    if report.refused:
        assert files(tmp_path / "out") == GOOD and report.refused[0]["file"] == "zzz.jpg"
    else:  # readers trust the directory at the end, so some damage to the copy in front is harmless
        assert files(tmp_path / "out")["zzz.jpg"] == b"content content content"


def test_an_entry_that_hides_its_size(tmp_path: Path):
    path = build(tmp_path / "bad.zip", [("liar", b"x" * 5000)])
    content = path.read_bytes()
    place = content.rfind(b"PK\x01\x02")
    path.write_bytes(content[: place + 24] + struct.pack("<I", 10) + content[place + 28 :])
    report = extract(path, tmp_path / "out")
    assert report.refused[0]["file"] == "liar" and files(tmp_path / "out") == GOOD


def test_encrypted_entries(tmp_path: Path):
    path = build(tmp_path / "bad.zip", [("locked", b"secret")], zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.rfind(mark) + offset] |= 1
    path.write_bytes(content)
    check(path, tmp_path / "out" / "here", "locked")


@pytest.mark.parametrize(
    "content", [b"", b"not a zip", b"PK\x03\x04" + bytes(50), b"PK\x05\x06" + b"\xff" * 18, b"\x89PNG\r\n\x1a\n"]
)
def test_what_is_no_zip_is_refused_by_name(tmp_path: Path, content: bytes):
    path = tmp_path / "thing.zip"
    path.write_bytes(content)
    with pytest.raises(BadInput, match="thing.zip"):
        extract(path, tmp_path / "out")


def test_utf8_names_without_their_flag(tmp_path: Path):
    path = build(tmp_path / "a.zip", [("QQQQ.jpg", b"x")])
    path.write_bytes(path.read_bytes().replace(b"QQQQ", "日Q".encode()))
    extract(path, tmp_path / "out")
    assert "日Q.jpg" in files(tmp_path / "out")


def test_backslash_separators_of_old_windows_tools_are_folders(tmp_path: Path):
    info = zipfile.ZipInfo("x")
    info.filename = "images\\sub\\b.jpg"
    extract(build(tmp_path / "a.zip", [(info, b"x")]), tmp_path / "out")
    assert files(tmp_path / "out")["images/sub/b.jpg"] == b"x"
