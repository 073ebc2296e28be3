"""Glossaries: the other words for each class of a dataset.

There is a library of them, and a table for matching names is made from one.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from tator.datasets.dataset import Dataset
from tator.datasets.glossary_text import Entry, parse_glossary
from tator.datasets.names import normalise
from tator.datasets.settings import change_setting, read_settings
from tator.storage.database import Store
from tator.storage.schema import glossary
from tator.storage.trash import Trash, TrashKind, register_trash
from tator.storage.trash_files import TrashFolder
from tator.types import BadInput, Conflict, NotFound

KIND = "glossary"  # of its entries in the trash
LONGEST_NAME = 100
_PARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[_\-\s]+")


def default_glossary(names: Sequence[str]) -> list[Entry]:
    """Return an entry for a class made from its name alone.

    "light_vehicle" gives "light vehicle" and "light vehicles".
    """
    entries = []
    for name in names:
        words = " ".join(part for part in _PARTS.split(name) if part).lower()
        terms = [words] if words and words != name else []
        if words.isascii() and words.replace(" ", "").isalpha() and len(words) > 2:
            terms.append(_other_number(words))
        entries.append(
            {
                "class": name,
                "synonyms": [t for t in dict.fromkeys(terms) if t.casefold() != name.casefold()],
                "description": "",
            }
        )
    return entries


def _other_number(words: str) -> str:
    """Return the plural of an English singular, or the singular of a plain plural."""
    if words.endswith("ies"):
        return words[:-3] + "y"
    if words.endswith(("ss", "us", "is", "x", "ch", "sh")):
        return words + "es"
    if words.endswith("s"):
        return words[:-1]
    return words[:-1] + "ies" if words.endswith("y") and words[-2] not in "aeiou" else words + "s"


def glossary_of(dataset: Dataset) -> dict:
    """Return a dataset's glossary, or one made of its class names.

    Returns:
        {"entries": [{"class", "synonyms", "description"}] in label-map order, then those of no class; "is_default"}.
    """
    with dataset.store.read() as conn:
        stored = read_settings(conn, dataset.id).get("glossary")
    names = [row.name for row in dataset.classes()]
    if not stored:
        return {"entries": default_glossary(names), "is_default": True}
    by_name = {normalise(entry["class"]): entry for entry in stored}
    entries = [by_name.pop(normalise(name), {"synonyms": [], "description": ""}) | {"class": name} for name in names]
    return {"entries": [*entries, *by_name.values()], "is_default": False}


def set_glossary(dataset: Dataset, text: str) -> dict:
    """Store a dataset's glossary; empty text brings the default back.

    Raises:
        BadInput: it cannot be read.
    """
    entries = parse_glossary(text)
    with dataset.store.write() as conn:
        change_setting(conn, dataset.id, "glossary", entries or None)
    return glossary_of(dataset)


def aliases(entries: Sequence[Entry], names: Sequence[str]) -> dict[str, str]:
    """Return {another word: class name} of a glossary, for match_names.

    A word of two classes is left out.

    Args:
        entries: of a glossary.
        names: the classes that may be meant.
    """
    known = {normalise(name): name for name in names}
    found: dict[str, str] = {}
    torn: set[str] = set()
    for entry in entries:
        name = known.get(normalise(entry["class"]))
        if name is None:
            continue
        for term in entry["synonyms"]:
            key = normalise(term)
            if key in known or found.get(key, name) != name:
                torn.add(key)
            found.setdefault(key, name)
    return {key: name for key, name in found.items() if key not in torn}


def _key(name: str) -> str:
    """Return the form in which two names of glossaries are equal.

    Raises:
        BadInput: the name is empty or too long.
    """
    plain = " ".join(name.split())
    if not plain or len(plain) > LONGEST_NAME or not plain.isprintable():
        raise BadInput(f"glossary name {name[:40]!r} must be 1 to {LONGEST_NAME} visible characters")
    return plain.casefold()


def library(store: Store) -> list[dict]:
    """Return the facts of every glossary of the library, by name.

    Keys: name, classes, terms, created_at, updated_at.
    """
    with store.read() as conn:
        rows = conn.execute(select(glossary).order_by(glossary.c.key)).mappings().all()
    return [
        {
            "name": row["name"],
            "classes": len(row["entries"]),
            "terms": sum(len(entry["synonyms"]) for entry in row["entries"]),
            "created_at": row["created_at"],
            "updated_at": row["updated_at"],
        }
        for row in rows
    ]


def from_library(store: Store, name: str) -> dict:
    """Return {"name", "entries", "created_at", "updated_at"} of one glossary.

    Raises:
        NotFound: no glossary has that name.
    """
    with store.read() as conn:
        return _find(conn, name)


def _find(conn: Connection, name: str) -> dict:
    row = conn.execute(select(glossary).where(glossary.c.key == _key(name))).mappings().first()
    if row is None:
        raise NotFound(f"no glossary is called {name!r}")
    return {key: row[key] for key in ("name", "entries", "created_at", "updated_at")}


def save_to_library(store: Store, name: str, text: str) -> dict:
    """Add a glossary to the library, or put it in the place of the one with that name.

    Raises:
        BadInput: the name or the text is refused.
    """
    entries = parse_glossary(text)
    if not entries:
        raise BadInput("the glossary is empty")
    key, now = _key(name), time.time()
    values: dict[str, Any] = {"name": " ".join(name.split()), "entries": entries, "updated_at": now}
    with store.write() as conn:
        if not conn.execute(update(glossary).where(glossary.c.key == key).values(**values)).rowcount:
            conn.execute(insert(glossary).values(key=key, created_at=now, **values))
    return from_library(store, name)


def delete_from_library(store: Store, name: str, trash: TrashFolder, user: str = "") -> dict:
    """Put a glossary into the trash.

    Returns:
        {"deleted": name, "entry": its id in the trash}.

    Raises:
        NotFound: no glossary has that name.
    """
    with store.write() as conn:
        found = _find(conn, name)
        entry = trash.throw(KIND, found["name"], user, value=found)
        conn.execute(delete(glossary).where(glossary.c.key == _key(name)))
    return {"deleted": " ".join(name.split()), "entry": entry}


def _restore(trash: Trash, entry: str, new_name: str) -> str:
    """Take a glossary out of the trash and return its name.

    Raises:
        BadInput: the new name is refused.
        Conflict: a glossary has the name.
    """
    thing = trash.thing(entry)
    values = thing.value | {"name": " ".join((new_name or thing.name).split())}
    key = _key(values["name"])
    with trash.store.write() as conn:
        if conn.execute(select(glossary.c.key).where(glossary.c.key == key)).first():
            raise Conflict(f"a glossary called {values['name']!r} exists; give another name to restore this one under")
        conn.execute(insert(glossary).values(key=key, **values))
    trash.folder.forget(thing)
    return values["name"]


register_trash(TrashKind(KIND, _restore))
