"""Mask pictures beside photographs, whose pixels are classes or objects.

A list says what classes the values or colours are.

A mask of classes gives an object for each connected part of a class; where a mask of instances lies beside it, an object for
each of these.

Source: http://host.robots.ox.ac.uk/pascal/VOC/voc2012/devkit_doc.pdf, section 3; Cityscapes' README, "Dataset structure";
https://docs.roboflow.com/, "Semantic Segmentation Masks".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tator.formats import Label, Report, cityscapes
from tator.formats._gathered import Gathered
from tator.formats._mask_drawing import colour_of, drawn, picture
from tator.formats._mask_groups import (
    CLASSES,
    COLOURS,
    INSTANCES,
    Group,
    classes_of,
    mask_groups,
    numbers_of,
    pictures_of,
)
from tator.formats._mask_meaning import Meaning, is_nothing
from tator.formats._mask_parts import Codes, cut, extents, parts, read_pixels, size_of
from tator.formats._shapes import Place, mask_label
from tator.formats.mask_evidence import mask_files, set_masks_aside
from tator.formats.tree import Tree
from tator.formats.writing import Output, Splits, each
from tator.types import BadInput, Mask

NAME = "masks"
LABEL = "Mask pictures"
NOTHING = -1  # stands for pixels of objects that are read already
LISTS = "labelmap.txt, label_colors.txt, classes.txt, _classes.csv, class_dict.csv or id2label.json"
SHOWN = 6  # values that a note lists


def sniff(tree: Tree) -> bool:
    """Return whether masks lie beside photographs, with a list of their classes."""
    return any(group.meaning for group in mask_groups(tree))


def read(tree: Tree) -> MaskSource:
    """Return the source of a folder that `sniff` took.

    Masks no longer count as images of the folder.
    """
    set_masks_aside(tree)
    source = MaskSource(tree, Report())
    groups = mask_groups(tree)
    chosen = _chosen(groups)
    instances = pictures_of([group for group in groups if not group.divisor], INSTANCES)
    used: set[str] = set()
    for photograph, (path, group) in chosen.items():
        beside = next((other for other, _ in instances.get(photograph, ())), None)
        source.add_mask(photograph, path, group, beside)
        used |= {path, beside} if beside else {path}
    source.tell(groups, used)
    source.settle()
    return source


def _chosen(groups: list[Group]) -> dict[str, tuple[str, Group]]:
    """Return {photograph: its mask}: of objects' numbers, of classes, or coloured."""
    found: dict[str, tuple[str, Group]] = {}
    meant = [group for group in groups if group.meaning]
    for role in (INSTANCES, CLASSES, COLOURS):
        for photograph, masks in pictures_of(meant, role).items():
            found.setdefault(photograph, masks[0])
    return found


def note_unread(tree: Tree) -> None:
    """Note the masks of a folder without any labels: no list says what they mean."""
    if found := mask_files(tree):
        told = f"{len(found):,} pictures, such as {next(iter(found))}; expected a list of their classes beside them: {LISTS}"
        tree.report.drop(".", "masks without a list of classes", told)


@dataclass(frozen=True)
class _Picture:
    """The masks of an image.

    Attributes:
        path: of the mask of classes.
        meaning: of its pixels.
        divisor: of values that hold the class and the number of an object, else 0.
        instances: path of the mask of objects, or None.
    """

    path: str
    meaning: Meaning
    divisor: int
    instances: str | None


class MaskSource(Gathered):
    """A folder with mask pictures; see formats.Source."""

    format = NAME

    def add_mask(self, photograph: str, path: str, group: Group, instances: str | None) -> None:
        """Take the mask of an image."""
        if group.meaning is None:
            return
        for name in group.meaning.order:
            self.listed.setdefault(self.name(name))
        self.take(photograph, path, None, _Picture(path, group.meaning, group.divisor, instances))

    def tell(self, groups: list[Group], used: set[str]) -> None:
        """Note how each group is read, and which masks and images have no partner.

        Args:
            groups: of masks.
            used: masks that are read.
        """
        for group in groups:
            count = len(group.pictures.keys() & used)
            place = group.place or "."
            if count:
                self.report.notice(place, "masks are read as labels", _told(group, count))
                self._tell_others(group, used)
            else:
                self.report.notice(place, "masks are not read", _not_read(group, bool(used)))
        for path in self.tree.images:
            if not self.is_known(path):
                self.report.notice(path, "image without a mask")
        polygons = [path for path, sample in self.tree.each_sample(".json") if cityscapes.is_cityscapes(sample)]
        self.tree.claim(*polygons)
        if polygons:
            told = f"{len(polygons):,} files such as {polygons[0]}: the masks of their images are read"
            self.report.notice(".", "polygons beside masks are not read", told)

    def _tell_others(self, group: Group, used: set[str]) -> None:
        """Note the masks of a group that is read which are not, and claim its list."""
        if group.meaning and group.meaning.path in {*self.tree.texts, *self.tree.tables}:
            self.tree.claim(group.meaning.path)
        for path, photograph in group.pictures.items():
            if photograph is None:
                self.report.drop(path, "mask without an image", "no picture in the folder is called like it")
            elif path not in used:
                self.report.notice(path, "another mask of its image is read", photograph)

    def labels(self, path: str, width: int, height: int) -> list[Label] | None:
        """Return an image's labels in pixels, or None if it has no mask.

        A mask of the stored pixels turns with an image that EXIF turns.
        """
        for file, _, _ in self._entries.get(path, ()) if width != height else ():
            if size_of(self.tree.root / file) == (height, width):
                self.told_size(path, file, height, width)
        return super().labels(path, width, height)

    def _read(self, entry: _Picture, place: Place) -> list[Label]:
        codes = self._codes(entry.path, entry.meaning.by_colour, place)
        if codes is None:
            return []
        instances = None
        if entry.divisor:
            codes, instances = classes_of(codes, entry.divisor), numbers_of(codes, entry.divisor)
        elif entry.instances is not None:
            instances = self._codes(entry.instances, None, place)
        found = _objects(codes, instances, entry.meaning, place)
        labels = (mask_label(index, mask, place) for index, mask in self._indexed(found, place))
        return [label for label in labels if label is not None]

    def _indexed(self, found: Iterator[tuple[str, Mask]], place: Place) -> Iterator[tuple[int, Mask]]:
        for name, mask in found:
            index = self._numbered(name, place)
            if index is not None:
                yield index, mask

    def _codes(self, path: str, by_colour: bool | None, place: Place) -> Codes | None:
        """Return the values or colours of a mask, None after noting why not.

        None for `by_colour` takes those that are stored.
        """
        size = size_of(self.tree.root / path)
        if size is not None and size != (place.width, place.height):
            told = f"{size[0]} x {size[1]} pixels; the image has {place.width} x {place.height}"
            place.report.drop(path, "mask of another size", told)
            return None
        try:
            pixels = read_pixels(self.tree.root / path)
        except BadInput as error:
            place.report.drop(path, "mask cannot be read", str(error))
            return None
        if by_colour is None:
            return pixels.codes
        return pixels.coloured() if by_colour else pixels.valued()


def _told(group: Group, count: int) -> str:
    """Return in words how many masks are read, and what their pixels mean."""
    if group.meaning is None:
        return f"{group.title}, {count:,} read: each instance is an object, of the class that lies below it"
    kind = (
        f"value is an object, its class the value / {group.divisor}"
        if group.divisor
        else "connected part of a class is an object"
    )
    codes = {name: _code(code, group.meaning) for code, name in group.meaning.names.items()}
    shown = ", ".join(f"{codes[name]} is {name!r}" for name in group.meaning.order[:SHOWN])
    judged = f"{group.meaning.told}; " if group.meaning.told else ""
    said = f"{group.title}, {count:,} read by {group.meaning.path}: {judged}"
    return f"{said}each {kind}, background and void are none; {shown}"


def _not_read(group: Group, are_others: bool) -> str:
    told = f"{len(group.pictures):,} {group.role} masks of {group.title}"
    if group.meaning or are_others:
        return f"{told}: others of the same images are read"
    return f"{told}: no list says what their values mean"


def _code(code: int, meaning: Meaning) -> str:
    return f"#{code:06x}" if meaning.by_colour else str(code)


def _objects(codes: Codes, instances: Codes | None, meaning: Meaning, place: Place) -> Iterator[tuple[str, Mask]]:
    """Yield (class name, pixels) of every object; values without a class are noted."""
    if instances is not None:
        codes = codes.astype(np.int32)
        yield from _instances(codes, instances, meaning)
    unknown = []
    for code, extent in extents(codes).items():
        if code != NOTHING and meaning.names.get(code) is None:
            unknown.append(f"{_code(code, meaning)} ({extent.area:,} pixels)")
    if unknown:
        told = f"{', '.join(unknown[:SHOWN])}; {len(unknown)} in all, by {meaning.path}"
        place.drop("value without a class", told)
    named = [code for code, name in meaning.names.items() if name]
    islands = parts(np.isin(codes, named), 0, 0)  # what touches nothing else costs its own box
    if islands is None:
        islands = [Mask(0, 0, np.isin(codes, named))]
    for island in islands:
        height, width = island.data.shape
        inside = np.where(island.data, cut(codes, (island.x, island.y, island.x + width, island.y + height)), NOTHING)
        yield from _classes(inside, island.x, island.y, meaning, place)


def _classes(codes: Codes, x: int, y: int, meaning: Meaning, place: Place) -> Iterator[tuple[str, Mask]]:
    """Yield (class name, pixels) of the parts of classes in a part of a mask."""
    for code, extent in extents(codes).items():
        if not (name := meaning.names.get(code)):
            continue
        pixels = cut(codes, extent.box) == code
        left, top = x + extent.box[0], y + extent.box[1]
        found = parts(pixels, left, top)
        if found is None:
            place.repair("too many parts, read as one object", f"{extent.area:,} pixels of {name!r}")
            found = [Mask(left, top, pixels)]
        yield from ((name, part) for part in found)


def _instances(codes: Codes, instances: Codes, meaning: Meaning) -> Iterator[tuple[str, Mask]]:
    """Yield (class name, pixels) of instances; their pixels are no class any more.

    The class of one is what most of its pixels are.
    """
    for number, extent in extents(instances).items():
        if number == 0:
            continue
        pixels = cut(instances, extent.box) == number
        below = cut(codes, extent.box)
        values, counts = np.unique(below[pixels], return_counts=True)
        named = [
            (count, meaning.names[v]) for v, count in zip(values.tolist(), counts, strict=True) if meaning.names.get(v)
        ]
        if named:
            below[pixels] = NOTHING
            yield max(named)[1], Mask(*extent.box[:2], pixels)


def image_path(split: str, name: str) -> str:
    """Return where an image goes: VOC has one folder for all splits."""
    return f"JPEGImages/{name}"


def write(out: Output, names: list[str], splits: Splits) -> Iterator[int]:
    """Write masks of classes and of objects as VOC has them; yield images done.

    Their numbers are those of labelmap.txt too, so what reads masks by values gets the same.
    """
    nothing = "background" if "background" not in names else "_background_"
    lines = [f"{nothing}:0,0,0::", *(f"{name}:{','.join(map(str, colour_of(at)))}::" for at, name in enumerate(names))]
    out.text("labelmap.txt", "# label:color_rgb:parts:actions\n" + "".join(f"{line}\n" for line in lines))
    for name in names:
        if is_nothing(name):
            out.notes[f"class {name!r} is read as no object: masks call the background so"] += 1
        if ":" in name:
            out.notes["classes with a colon in their name, which other readers of labelmap.txt refuse"] += 1
    for split, images in splits.items():
        out.text(f"ImageSets/Segmentation/{split}.txt", "".join(f"{image.trunk}\n" for image in images))
    for done, image in enumerate(each(splits), 1):
        classes, objects = drawn(image, out)
        for folder, rows, count in (("Class", classes, len(names)), ("Object", objects, len(image.labels))):
            with out.open(f"Segmentation{folder}/{image.trunk}.png", compressed=False) as file:
                file.write(picture(rows, count))
        yield done
