"""The files of a dataset folder, found in one walk that never leaves it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from tator.encodings import UTF8, marked
from tator.formats import Report
from tator.formats._finding import ImageIndex
from tator.formats._key_search import keys_in
from tator.formats.deciphering import Deciphering
from tator.formats.watching import Tell, silent
from tator.storage.images import ACTIVE, EXTENSIONS, UNREADABLE
from tator.storage.workspace import path_problem

TEXT_LIMIT = 64 << 20  # bytes of one label file or list; a longer one is not a label file
TABLES = (".json", ".yaml", ".yml", ".xml", ".csv", ".jsonl", ".ndjson", ".pbtxt", ".parquet", ".vott")
RECORD = re.compile(r"\.(tfrecords?|record)(-\d+-of-\d+)?$", re.I)  # TensorFlow's files, also one of several
SAMPLE = 16 << 10  # bytes of either end of a file that a sniff looks at
SEARCHED_FILES = 20  # of those that are sampled that are searched for keys between their ends
SAMPLED_FILES = 200  # files of one kind that a sniff looks at, twice as many at most: a folder holds labels of one tool
EVERY = 1_000  # entries of a walk, or rows of a file, between two reports of progress
LAYOUT_FOLDERS = (
    "images",
    "train",
    "val",
    "valid",
    "test",
    "labels",
    "text_labels",
    "captions",
)  # folders of these names have a meaning, so they are never skipped as wrappers
SKIPPED_FOLDERS = frozenset(("__macosx", "__pycache__", "node_modules"))
NAME_FILES = frozenset(
    (
        "labelmap.txt",
        "classes.txt",
        "obj.names",
        "predefined_classes.txt",
        "_darknet.labels",
        "names.txt",
        "class_names.txt",
    )
)


@dataclass
class Tree(ImageIndex):
    """Files of a folder by relative path with /, sorted.

    Attributes:
        root: the folder.
        images: image files.
        texts: .txt files and class lists.
        tables: files of the kinds in TABLES, and record files.
        others: files of all other kinds.
        claimed: files that a reader has understood or refused by name; a look at one is not enough.
        report: files that are refused, each by name.
        tell: takes how far the walk and the readers are.
        formats: names of those recognised, the one to read first; None until somebody looked.
        links: {link to a folder: folder inside the walked one}, both "" or ending with a slash.
        masks: pictures that are masks, from mask_evidence; None until somebody looked.
        keys: {JSON file: the keys it uses}, of those that somebody looked into.
    """

    root: Path
    images: list[str] = field(default_factory=list)
    texts: set[str] = field(default_factory=set)
    tables: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    claimed: set[str] = field(default_factory=set, repr=False, compare=False)
    report: Report = field(default_factory=Report)
    tell: Tell = field(default=silent, repr=False, compare=False)
    formats: list[str] | None = field(default=None, repr=False, compare=False)
    links: dict[str, str] = field(default_factory=dict)
    masks: dict[str, Any] | None = field(default=None, repr=False, compare=False)
    _elsewhere: list[tuple[Path, str, str]] = field(default_factory=list, repr=False, compare=False)
    _walked: list[Path] = field(default_factory=list, repr=False, compare=False)
    keys: dict[str, frozenset[str]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, root: Path, tell: Tell = silent, allowed: Sequence[Path] = ()) -> Self:
        """Walk a folder.

        Hidden files are skipped; links that leave it and unsafe kinds are refused by name.

        Args:
            root: the folder.
            tell: takes how far the walk is.
            allowed: resolved folders that links may lead to as well.
        """
        tree, seen = cls(root, tell=tell), 0
        real = [Path(os.path.realpath(root)), *allowed]
        waiting = [(str(root), "")]
        while waiting or (waiting := list(tree._go_on())):
            folder, prefix = waiting.pop()
            try:
                with os.scandir(folder) as found:
                    entries = list(found)
            except OSError as error:
                tree.report.drop(prefix or ".", "folder cannot be read", error.strerror or "")
                continue
            for entry in entries:
                if seen % EVERY == 0:
                    tell(seen, 0, f"Looking through {_shown(prefix) or 'the folder'}")
                seen += 1
                tree._sort(entry, prefix, real, waiting)
        tree.images.sort()
        tree.tables.sort()
        return tree

    def _sort(self, entry: os.DirEntry, prefix: str, real: Sequence[Path], waiting: list[tuple[str, str]]) -> None:
        """Put one directory entry where it belongs."""
        name, path = entry.name, prefix + entry.name
        if name.startswith(".") or name.lower() in SKIPPED_FOLDERS:
            if os.path.splitext(name)[1].lower() in EXTENSIONS and not name.startswith("._"):  # ._ is what macOS leaves
                self.report.notice(_shown(path), "hidden file left out")
            return
        if entry.is_dir(follow_symlinks=False):
            waiting.append((entry.path, path + "/"))
            return
        if entry.is_symlink() and not os.path.isfile(entry.path):
            self._follow(entry, path, real)
            return
        suffix = os.path.splitext(name)[1].lower()
        is_image = suffix in EXTENSIONS
        is_table = suffix in TABLES or RECORD.search(name) is not None
        if not (is_image or is_table or suffix in (".txt", ".names", ".labels")):
            self._leave_out(path, suffix)
            return
        if entry.is_symlink() and not any(map(Path(os.path.realpath(entry.path)).is_relative_to, real)):
            self.report.drop(_shown(path), "link leads out of the folder")
        elif not Path(entry.path).is_file() if entry.is_symlink() else not entry.is_file():
            self.report.drop(_shown(path), "not a plain file")
        elif (problem := path_problem(path)) or "\\" in path:
            self.report.drop(_shown(path), "name refused", problem or "it has a backslash")
        elif is_image:
            self.images.append(path)
        elif is_table:
            self.tables.append(path)
        else:
            self.texts.add(path)

    def _leave_out(self, path: str, suffix: str) -> None:
        """Note a file of a kind that nobody reads."""
        if suffix in ACTIVE:
            self.report.drop(_shown(path), "file kind refused", f"{suffix} can carry scripts; expected a photograph")
        elif suffix in UNREADABLE:
            self.report.drop(_shown(path), "image format not supported", f"{suffix}; expected JPEG, PNG, TIFF or WebP")
        else:
            self.others.append(path)

    def _follow(self, entry: os.DirEntry, path: str, real: Sequence[Path]) -> None:
        """Remember a link to a folder; what it leads to is walked where it lies.

        A folder that lies elsewhere, where that is allowed, is walked last.
        """
        target = Path(os.path.realpath(entry.path))
        if not any(map(target.is_relative_to, real)):
            self.report.drop(_shown(path), "link leads out of the folder", "expected a folder or file inside it")
        elif not target.is_dir():
            self.report.drop(_shown(path), "link leads nowhere", "")
        elif target.is_relative_to(real[0]):
            self._link(path, target.relative_to(real[0]).as_posix())
        elif real[0].is_relative_to(target):
            self.report.drop(_shown(path), "link not followed", "this folder lies in what it leads to")
        else:
            self._elsewhere.append((target, entry.path, path))

    def _go_on(self) -> Iterator[tuple[str, str]]:
        """Yield the next linked folder that lies elsewhere, the widest first.

        Each is walked once.
        """
        self._elsewhere.sort(key=lambda each: (len(each[0].parts), each[2]), reverse=True)
        while self._elsewhere:
            target, place, path = self._elsewhere.pop()
            if any(_meet(target, known) for known in self._walked):
                self.report.notice(_shown(path), "link not followed", "what it leads to is read in another place")
                continue
            self._walked.append(target)
            self.report.notice(_shown(path), "link to a folder", f"its files are read from {_shown(str(target))}")
            yield place, f"{path}/"
            return

    def _link(self, path: str, inner: str) -> None:
        self.links[f"{path}/"] = "" if inner == "." else f"{inner}/"
        self.report.notice(_shown(path), "link to a folder", f"it is {inner}, whose files are read once, there")

    def claim(self, *paths: str) -> None:
        """Note that a reader answers for files: their labels are read, or refused by name."""
        self.claimed.update(paths)

    @cached_property
    def _samples(self) -> dict[str, bytes]:
        return {}

    def each(self, *suffixes: str) -> Iterator[str]:
        """Yield every table file with one of these suffixes, reporting progress."""
        return self.told([path for path in self.tables if path.lower().endswith(suffixes)])

    def each_sample(self, *suffixes: str) -> Iterator[tuple[str, bytes]]:
        """Yield (path, sample) of every table file with one of these suffixes."""
        for path in self.each(*suffixes):
            yield path, self._sample(path)

    def told(self, paths: Sequence[str]) -> Iterator[str]:
        """Yield paths, and tell how far it is."""
        for done, path in enumerate(paths):
            self.tell(done, len(paths), f"Looking at {path}")
            yield path

    def samples(self, *suffixes: str) -> Iterator[tuple[str, bytes]]:
        """Yield (path, sample) of table files with these suffixes, for a sniff.

        A sample is both ends of a file, and the keys of a JSON file between them. Only some of the files are looked at where
        there are many, and only some of these between their ends.
        """
        listed = [path for path in self.tables if path.lower().endswith(suffixes)]
        some = listed[:: max(1, len(listed) // SAMPLED_FILES)]
        every = max(1, len(some) // SEARCHED_FILES)
        for at, path in enumerate(some):
            if path not in self._samples:
                self._samples[path] = self._sample(path, at % every == 0)
            yield path, self._samples[path]

    @cached_property
    def deciphering(self) -> Deciphering:
        """Return what decodes the texts of the folder, which record files are not."""
        return Deciphering(
            self.root, lambda: [*self.texts, *(p for p in self.tables if p.lower().endswith(TABLES))], self.report
        )

    def head(self, path: str) -> bytes:
        """Return the first bytes of a file, none where it cannot be read."""
        try:
            with open(self.root / path, "rb") as file:
                return file.read(SAMPLE)
        except OSError:
            return b""

    def _sample(self, path: str, is_searched: bool = True) -> bytes:
        try:
            with open(self.root / path, "rb") as file:
                head = file.read(SAMPLE)
                file.seek(max(file.tell(), (file.seek(0, os.SEEK_END) - SAMPLE) & ~3))
                is_cut = is_searched and file.tell() > SAMPLE and path.lower().endswith(".json")
                sample = head + file.read()
                file.seek(0)
                keys = [b' "%s":' % key for key in sorted(keys_in(file))] if is_cut else []
        except OSError:
            return b""
        encoding = marked(sample)
        return (sample if encoding in ("", UTF8) else sample.decode(encoding, "ignore").encode()) + b"".join(keys)

    def read_text(self, path: str) -> str:
        """Return a file's text, in whatever encoding it is.

        Raises:
            OSError: it cannot be read, or is longer than TEXT_LIMIT.
        """
        with open(f"{self.root}/{path}", "rb", buffering=0) as file:
            if os.fstat(file.fileno()).st_size > TEXT_LIMIT:
                raise OSError(f"longer than {TEXT_LIMIT >> 20} MB")
            content = file.readall()
        return self.deciphering.text(path, content)

    def try_text(self, path: str, report: Report) -> str | None:
        """Return what `read_text` does, or None after noting why there is nothing."""
        self.claim(path)
        try:
            return self.read_text(path)
        except OSError as error:
            report.drop(path, "cannot be read", str(error))
            return None


def _meet(one: Path, other: Path) -> bool:
    """Return whether one folder lies in the other."""
    return one.is_relative_to(other) or other.is_relative_to(one)


def _shown(path: str) -> str:
    return path.encode("utf-8", "replace").decode()


def content_root(folder: Path) -> Path:
    """Return the folder that holds the dataset.

    One level down where a folder holds nothing but one folder.
    """
    entries = [e for e in folder.iterdir() if not e.name.startswith(".") and e.name.lower() not in SKIPPED_FOLDERS]
    alone = len(entries) == 1 and entries[0].is_dir() and not entries[0].is_symlink()
    is_layout = alone and entries[0].name.lower() in LAYOUT_FOLDERS
    return entries[0] if alone and not is_layout else folder
