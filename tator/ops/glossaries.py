"""Glossaries of datasets and the library of them."""

from __future__ import annotations

from tator.datasets import glossary
from tator.ops import operation
from tator.storage.trash_files import TrashFolder
from tator.workbench import Workbench


@operation(mirrors=("datasets_glossary_get",), writes=False)
def datasets_glossary_get(wb: Workbench, dataset: str) -> dict:
    """Return a dataset's glossary, or one made from its class names.

    Args:
        dataset: dataset name, from datasets_list.

    Raises:
        NotFound: no such dataset.
    """
    return glossary.glossary_of(wb.dataset(dataset))


@operation(mirrors=("datasets_glossary_set",))
def datasets_glossary_set(wb: Workbench, dataset: str, text: str) -> dict:
    """Store a dataset's glossary and return it; empty text restores the default.

    Args:
        dataset: dataset name, from datasets_list.
        text: JSON {class: [terms]}, JSON [{"class", "synonyms", "description"}], or lines like "truck: lorry, HGV".

    Raises:
        NotFound: no such dataset.
        BadInput: the text cannot be read.
    """
    return glossary.set_glossary(wb.dataset(dataset), text)


@operation(mirrors=("glossaries_list",), writes=False)
def glossaries_list(wb: Workbench) -> list[dict]:
    """List the glossaries of the library."""
    return glossary.library(wb.store)


@operation(mirrors=("glossaries_get",), writes=False)
def glossaries_get(wb: Workbench, name: str) -> dict:
    """Return one glossary of the library.

    Args:
        name: its name, from glossaries_list.

    Raises:
        NotFound: no glossary has that name.
    """
    return glossary.from_library(wb.store, name)


@operation(mirrors=("glossaries_save",))
def glossaries_save(wb: Workbench, name: str, text: str) -> dict:
    """Add a glossary to the library, or replace the one of that name.

    Args:
        name: case and extra spaces make no difference.
        text: as for datasets_glossary_set.

    Raises:
        BadInput: the name or the text is refused.
    """
    return glossary.save_to_library(wb.store, name, text)


@operation(mirrors=("glossaries_delete",))
def glossaries_delete(wb: Workbench, name: str) -> dict:
    """Put a glossary of the library into the trash; trash_restore brings it back.

    Args:
        name: its name, from glossaries_list.

    Raises:
        NotFound: no glossary has that name.
    """
    return glossary.delete_from_library(wb.store, name, TrashFolder(wb.workspace), wb.user)
