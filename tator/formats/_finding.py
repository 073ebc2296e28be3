"""Find the image that a reference means, among those of a folder."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from functools import cached_property
from pathlib import PurePosixPath

from tator.formats._references import composed, contradicts, folded, longest_end, parts_of, spellings
from tator.storage.workspace import path_problem

LONGEST_CHAIN = 10  # links to folders that are followed one after the other
INDEXES = (
    "image_set",
    "by_trunk",
    "_by_name",
    "_by_stem",
    "_by_folded",
    "_by_folded_name",
    "_by_folded_stem",
    "image_folders",
)


class ImageIndex:
    """Images by path, by name, and as disks that ignore case compare them.

    Attributes:
        images: image files, sorted.
        texts: text files.
        links: {link to a folder: folder inside the walked one}, both "" or ending with a slash.
    """

    images: list[str]
    texts: set[str]
    links: dict[str, str]

    def set_aside(self, paths: Collection[str]) -> None:
        """Take image files that are not photographs, such as masks, out of the images."""
        self.images = [path for path in self.images if path not in paths]
        for name in INDEXES:
            self.__dict__.pop(name, None)

    @cached_property
    def image_set(self) -> frozenset[str]:
        """Return the image paths for membership tests."""
        return frozenset(self.images)

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        return _index(self.images, lambda path: composed(PurePosixPath(path).name))

    @cached_property
    def _by_stem(self) -> dict[str, list[str]]:
        return _index(self.images, lambda path: composed(PurePosixPath(path).stem))

    @cached_property
    def _by_folded_name(self) -> dict[str, list[str]]:
        return _index(self.images, lambda path: folded(PurePosixPath(path).name))

    @cached_property
    def _by_folded_stem(self) -> dict[str, list[str]]:
        return _index(self.images, lambda path: folded(PurePosixPath(path).stem))

    @cached_property
    def _by_folded(self) -> dict[str, list[str]]:
        """Return {folded path, with its ending or without: images}."""
        whole = _index(self.images, folded)
        trunks = _index(self.images, lambda path: folded(path.rpartition(".")[0]))
        return trunks | whole

    @cached_property
    def image_folders(self) -> frozenset[str]:
        """Return the names of all folders that hold images, folded."""
        return frozenset(part for path in self.images for part in folded(path).split("/")[:-1])

    @cached_property
    def texts_folded(self) -> dict[str, list[str]]:
        """Return {folded path: text files}, to pair names that differ in case."""
        return _index(sorted(self.texts), folded)

    @cached_property
    def by_trunk(self) -> dict[str, list[str]]:
        """Return {path without ending: images}, for label files named like their image."""
        return _index(self.images, lambda path: path.rpartition(".")[0])

    def find(
        self, reference: str, near: tuple[str, ...] = ("",), hint: str = "", inside: str = ""
    ) -> tuple[str | None, bool]:
        """Return the image a reference means, and if it was found only by its end.

        Looks only among the files of the walk, so no reference can reach another file. A file of the right name is not meant
        where its folders contradict the reference.

        Args:
            reference: path, name, stem or address as the file has it; anything may stand here.
            near: folders ("" or "a/b/") that it may be relative to.
            hint: folder name that decides between equal ends, such as a split.
            inside: folder that the file says it lies in, "" for none.
        """
        texts = list(spellings(reference))
        for text in texts:
            if (found := self._exact(text, near, inside)) is not None:
                return found, False
        for text in texts:
            parts = [*parts_of(inside), *parts_of(text)]
            likely = [
                path for path in self._named(parts) if not contradicts(path, parts[:-1], hint, self.image_folders)
            ]
            if best := longest_end(likely, parts, inside or hint):
                return best, len(parts) > 1
        return None, False

    def _exact(self, text: str, near: tuple[str, ...], inside: str) -> str | None:
        """Return the image at a path, first as written, then as disks compare names."""
        if path_problem(text):
            return None
        clean = str(PurePosixPath(text.replace("\\", "/")))
        places = [folder + clean for folder in near]
        if inside and not path_problem(inside):
            places = [f"{folder}{inside}/{clean}" for folder in near] + places
        for at in (place for place in places if place in self.image_set):
            return at
        alike = [folded(self.real(place)) for place in places]
        found = [self.by_trunk.get(place, []) for place in places] + [self._by_folded.get(place, []) for place in alike]
        return next((same[0] for same in found if len(same) == 1), None)

    def real(self, path: str) -> str:
        """Return a path without links to folders that are inside the walked one."""
        for _ in range(LONGEST_CHAIN):
            link = next((link for link in self.links if path.startswith(link)), None)
            if link is None:
                break
            path = self.links[link] + path.removeprefix(link)
        return path

    def aliases(self, path: str) -> list[str]:
        """Return the other paths that links to folders give a file."""
        return [link + path.removeprefix(to) for link, to in self.links.items() if path.startswith(to)]

    def namesakes(self, reference: str) -> list[str]:
        """Return the images with the name, or else the stem, a reference ends in."""
        return next((found for text in spellings(reference) if (found := self._named(parts_of(text)))), [])

    def _named(self, parts: list[str]) -> list[str]:
        """Return the images with the name, or else the stem, that comes last."""
        if not parts:
            return []
        name = composed(parts[-1])
        exact = self._by_name.get(name) or self._by_stem.get(name)
        return exact or self._by_folded_name.get(name.casefold()) or self._by_folded_stem.get(name.casefold()) or []


def _index(paths: Iterable[str], key: Callable[[str], str]) -> dict[str, list[str]]:
    found = defaultdict(list)
    for path in paths:
        found[key(path)].append(path)
    return found
