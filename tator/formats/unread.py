"""List the files that no reader answered for, and what each looks like."""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath

from tator.formats import Report
from tator.formats._lists import is_split_list, name_files
from tator.formats._prose import like_labels
from tator.formats.tree import Tree

LABELS = "looks like labels, not read"
ARCHIVE = "archive in the folder, not unpacked"
OTHER = "no labels in it"
ARCHIVES = frozenset(".zip .7z .rar .tar .gz .tgz .bz2 .xz .zst".split())
PICKLES = frozenset(".pkl .pickle .joblib".split())
ARRAYS = {  # what holds numbers or tables and is not text
    ".npy": "a NumPy array",
    ".npz": "NumPy arrays",
    ".mat": "a MATLAB file",
    ".parquet": "a table in Parquet",
    ".arrow": "a table in Arrow",
    ".feather": "a table in Feather",
    ".h5": "an HDF5 file",
    ".hdf5": "an HDF5 file",
    ".xls": "an Excel sheet",
    ".xlsx": "an Excel sheet",
    ".ods": "a spreadsheet",
    ".sqlite": "a database",
    ".sqlite3": "a database",
    ".lmdb": "a database",
    ".mdb": "a database",
}
NOT_LABELS = frozenset(
    (
        ".md .rst .py .ipynb .sh .bat .ps1 .js .ts .c .cpp .h .m .r .lua .cfg .toml .ini .conf .log .lock .tex .bib .css "
        ".pdf .doc .docx .ppt .pptx .rtf .odt .pt .pth .onnx .safetensors .weights .engine .tflite .pb .ckpt .bin .exe .dll "
        ".so .mp4 .avi .mov .mkv .webm .mpg .mpeg .wmv .m4v .wav .mp3 .ttf .otf .sha256 .md5 .cache .db .db-wal .db-shm"
    ).split()
)  # text is judged by what is in it; of these kinds no tool writes labels
SYSTEM = frozenset(("thumbs.db", "desktop.ini"))
PAPERS = re.compile(
    r"(readme|licen[cs]e|copying|notice|changelog|changes|authors|contributing|citation|requirements|install|version"
    r"|makefile|dockerfile|package(-lock)?\.json|tsconfig|composer\.json|environment\.ya?ml|docker-compose)",
    re.I,
)  # how files are called that explain or install something


def note_unread(tree: Tree, report: Report, is_chosen: bool = False) -> None:
    """Note every file that no reader answered for.

    What looks like labels, and archives, count as dropped; other files are listed apart.

    Args:
        tree: the folder, after its source was opened.
        report: takes the notes.
        is_chosen: whether a person chose the format, so that labels of others are left out as they asked.
    """
    names = set(name_files(tree))
    waiting = sorted({*tree.texts, *tree.tables, *tree.others} - tree.claimed)
    for path in tree.told(waiting):
        reason, told = _judged(tree, path, names)
        if reason == OTHER:
            report.set_apart(path, reason, told)
        elif reason == LABELS and is_chosen:
            report.notice(path, reason, f"{told}; another format was chosen")
        elif reason:
            report.drop(path, reason, told)


def archives(tree: Tree) -> list[str]:
    """Return the archives of a folder, sorted."""
    return [path for path in sorted(tree.others) if PurePosixPath(path).suffix.lower() in ARCHIVES]


def _judged(tree: Tree, path: str, names: set[str]) -> tuple[str, str]:
    """Return the reason to note a file for, "" for none, and what it looks like."""
    name, suffix = PurePosixPath(path).name, PurePosixPath(path).suffix.lower()
    if name.lower() in SYSTEM:
        return "", ""
    if suffix in ARCHIVES:
        return ARCHIVE, _inside(tree, path)
    if suffix in PICKLES:
        return LABELS, "a pickle: it could run code, so it is never opened; expected a format of formats_list"
    if suffix in ARRAYS:
        return LABELS, f"{ARRAYS[suffix]}; expected a format of formats_list"
    if suffix in NOT_LABELS:
        return OTHER, f"a {suffix} file"
    if path in names or is_split_list(path):
        return OTHER, "a list that the labels' format does not need"
    is_labels, told = like_labels(tree.head(path), suffix, lambda token: bool(tree.namesakes(token)))
    if PAPERS.match(name) and told.startswith("text"):
        return OTHER, "text for people"
    return (LABELS if is_labels else OTHER), told


def _inside(tree: Tree, path: str) -> str:
    """Return what an archive holds, in words."""
    told = "unpack it and import again"
    if not path.lower().endswith(".zip"):
        return told
    try:
        with zipfile.ZipFile(tree.root / path) as archive:
            kinds = Counter(_kinds(archive.namelist()))
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, ValueError):
        return "it cannot be read as a zip file"
    listed = ", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common(4))
    return f"it holds {listed or 'nothing'}; {told}"


def _kinds(names: list[str]) -> Iterator[str]:
    for name in names:
        if not name.endswith("/"):
            yield PurePosixPath(name).suffix.lower()[:12] or "without an ending"
