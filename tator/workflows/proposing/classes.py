"""The class of the dataset that each class of a model becomes.

It is an existing one, a new one, or none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tator.datasets.dataset import Dataset
from tator.datasets.glossary import aliases, glossary_of
from tator.importing.class_mapping import ClassMapping, suggest

LEAVE_OUT = ""


@dataclass(frozen=True)
class ClassRow:
    """One row of the table.

    Attributes:
        model_class: name in the model's class list.
        target: class name of the dataset, LEAVE_OUT for none.
        how: same, spelling, alias (a word of the glossary), given, or left out.
        is_new: the dataset has no such class yet; it is made when the model finds the first one.
    """

    model_class: str
    target: str
    how: str
    is_new: bool


def class_table(dataset: Dataset, model_classes: Sequence[str], mapping: Sequence[str] = ()) -> list[ClassRow]:
    """Return a row for each class of a model, in its order.

    A class that the mapping does not name goes to the class of that name, as the dataset or its glossary spells it;
    where there is none, it is left out.

    Args:
        dataset: whose classes are proposed.
        model_classes: the model's class list.
        mapping: entries like "car=vehicle", and "car=" to leave one out; an unknown name makes a new class.

    Raises:
        BadInput: an entry is malformed or names no class of the model.
    """
    ours = [row.name for row in dataset.classes()]
    given = ClassMapping.parse(mapping, model_classes).targets
    rows = suggest(model_classes, ours, aliases(glossary_of(dataset)["entries"], ours))
    return [_row(row["source"], row["target"], row["how"], given, ours) for row in rows]


def _row(name: str, target: str, how: str, given: Mapping[str, str], ours: Sequence[str]) -> ClassRow:
    if name in given:
        return ClassRow(name, given[name], "given", bool(given[name]) and given[name] not in ours)
    if how == "new":
        return ClassRow(name, LEAVE_OUT, "left out", False)
    return ClassRow(name, target, how, False)
