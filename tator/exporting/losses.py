"""What an export leaves out, counted while its images are gone through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tator.datasets.dataset import is_crowd
from tator.exporting.plan import Plan
from tator.formats import Label
from tator.formats.table import Format
from tator.formats.writing import Written

NAMED = 20  # attributes that are named one by one; the rest are counted together


@dataclass
class Losses:
    """What the images of a split hold that their export may have no room for.

    Attributes:
        captions: images with one.
        tags: images with some.
        notes: images with some.
        confidences: annotations with one.
        crowds: regions of many objects that the format has no place for.
        unchosen: annotations of classes that were not chosen.
        retired: annotations of classes that the dataset no longer has.
        attributes: {name: annotations that have it}.
    """

    captions: int = 0
    tags: int = 0
    notes: int = 0
    confidences: int = 0
    crowds: int = 0
    unchosen: int = 0
    retired: int = 0
    attributes: Counter = field(default_factory=Counter)

    def takes(self, row: Any, plan: Plan, has_crowds: bool) -> bool:
        """Return whether an annotation goes in; one that does not is counted.

        Args:
            row: of the annotation table.
            plan: of the export.
            has_crowds: whether the format has regions of many objects.
        """
        if row["class_id"] not in plan.class_rows:
            kind = "unchosen" if row["class_id"] in plan.unchosen else "retired"
        elif is_crowd(row) and not has_crowds:
            kind = "crowds"
        else:
            return True
        setattr(self, kind, getattr(self, kind) + 1)
        return False

    def add(self, image: Written) -> None:
        """Count what an image that goes in has."""
        self.captions += bool(image.caption)
        self.tags += bool(image.tags)
        self.notes += bool(image.notes)
        for label in image.labels:
            self.add_label(label)

    def add_label(self, label: Label) -> None:
        """Count what an annotation that goes in has."""
        self.confidences += label.confidence is not None
        if label.attributes:
            self.attributes.update(label.attributes.keys())

    @classmethod
    def of(cls, found: Iterable[Losses]) -> Losses:
        """Return the counts of several splits together."""
        whole = cls()
        for each in found:
            for name, value in vars(each).items():
                setattr(whole, name, getattr(whole, name) + value)
        return whole

    def told(self, known: Format) -> Counter:
        """Return {what is left out and why: how often} of a format."""
        told: Counter = Counter()
        for name, what, holds in (
            ("captions", "captions", known.holds_captions),
            ("confidences", "confidences", known.holds_confidence),
            ("tags", "images have tags that", known.holds_tags),
            ("notes", "images have notes that", known.holds_notes),
        ):
            if not holds:
                told[f"{what} are left out: {known.label} holds none"] = getattr(self, name)
        told.update(self._attributes_told(known))
        told.update(self.refusals(known.label))
        return +told

    def refusals(self, label: str) -> Counter:
        """Return {why annotations are left out: how many}.

        Args:
            label: of the format, as people call it.
        """
        told = {
            f"crowd regions are left out: {label} has no place for regions of many objects": self.crowds,
            "annotations of classes that were not chosen are left out": self.unchosen,
            "annotations of deleted classes are left out; undo in Label brings a class back": self.retired,
        }
        return +Counter(told)

    def _attributes_told(self, known: Format) -> Counter:
        lost = Counter({name: n for name, n in self.attributes.items() if not known.holds(name)})
        kept = "holds none" if not known.holds_attributes else "has no place for them"
        told = Counter(
            {f"attributes {name!r} are left out: {known.label} {kept}": n for name, n in lost.most_common(NAMED)}
        )
        if more := len(lost) - NAMED:
            rest = sum(n for _, n in lost.most_common()[NAMED:])
            told.update({f"attributes of {more} further names are left out": rest} if more > 0 else {})
        return told
