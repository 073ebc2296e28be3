"""Read a glossary from text: words for each class, and what the class is.

Three forms are read: a JSON object {class: ["term", ...] | "a, b" | {"synonyms": [...], "description": "..."}}, a JSON list
[{"class" | "label" | "name": ..., "synonyms" | "terms" | "values" | "list": ..., "description": ...}], and lines "class: a, b",
"class -> a, b", "class = a, b", "class - a, b" or "class (a, b)".
"""

from __future__ import annotations

import json
import re
from typing import Any

from tator.types import BadInput

LONGEST_TEXT = 200_000  # characters
LONGEST_TERM = 40
LONGEST_DESCRIPTION = 1_000
MOST_CLASSES = 5_000
MOST_TERMS = 200  # terms of one class
NAME_KEYS, TERM_KEYS = ("class", "label", "name"), ("synonyms", "terms", "values", "list")
FILLER = re.compile(
    r"^(?:(?:also\s+)?(?:known|referred\s+to|called|labelled)\s+as|also\s+called|synonyms?(?:\s+(?:are|is|include))?|terms?|e\.?g\.?|i\.?e\.?"
    r"|such\s+as|for\s+example|including|includes?|an?|the)\b[\s:.,-]*",
    re.I,
)
BETWEEN = re.compile(r"[;,/\n]|\s+(?:and|or)\s+", re.I)
LINE = re.compile(r"(?P<name>[^:=\n(]+?)\s*(?::|->|→|=>|=|\s[-–—]\s)\s*(?P<terms>.*)")
BRACKETED = re.compile(r"(?P<name>[^(\n]+?)\s*\((?P<terms>[^()\n]*)\)\s*")
FENCE = re.compile(r"^\s*```[A-Za-z]*\s*\n(?P<inside>.*?)\n?```\s*$", re.S)

Entry = dict[str, Any]  # {"class": name, "synonyms": [term, ...], "description": text}


def parse_glossary(text: str) -> list[Entry]:
    """Return the entries of a glossary in any of its forms, in order, one a class.

    Raises:
        BadInput: it is too long, is JSON of another shape, or has no entry.
    """
    if len(text) > LONGEST_TEXT:
        raise BadInput(f"the glossary has {len(text):,} characters; at most {LONGEST_TEXT:,} are read")
    fenced = FENCE.match(text)
    text = (fenced["inside"] if fenced else text).strip().lstrip("\ufeff")
    if not text:
        return []
    pairs = _from_json(text) if text[0] in "{[" else _from_lines(text)
    entries: dict[str, Entry] = {}
    for name, terms, description in pairs:
        name = " ".join(name.split())[:100]
        if not name:
            continue
        entry = entries.setdefault(name.casefold(), {"class": name, "synonyms": [], "description": ""})
        entry["synonyms"] = _unique([*entry["synonyms"], *terms], name)
        entry["description"] = entry["description"] or description
    if not entries:
        raise BadInput(
            'the glossary has no entry; expected lines like \'truck: lorry, HGV\' or JSON like {"truck": ["lorry"]}'
        )
    if len(entries) > MOST_CLASSES:
        raise BadInput(f"the glossary has {len(entries)} classes; at most {MOST_CLASSES} are kept")
    return list(entries.values())


def _from_json(text: str) -> list[tuple[str, list[str], str]]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"the glossary begins like JSON but cannot be read as JSON: {str(error)[:120]}") from error
    if isinstance(content, dict):
        return [(str(name), *_value(value, str(name))) for name, value in content.items()]
    return [_item(item, at) for at, item in enumerate(content)]


def _value(value: Any, name: str) -> tuple[list[str], str]:
    """Return the terms and the description of what stands behind a class."""
    if isinstance(value, dict):
        terms: Any = next((value[key] for key in TERM_KEYS if key in value), [])
        return _terms(terms, name), _description(value.get("description"))
    return _terms(value, name), ""


def _item(item: Any, at: int) -> tuple[str, list[str], str]:
    if isinstance(item, str):
        return item, [], ""
    name = (
        next((item[key] for key in NAME_KEYS if isinstance(item.get(key), str)), None)
        if isinstance(item, dict)
        else None
    )
    if name is None:
        raise BadInput(f'entry {at + 1} of the glossary has no class; expected {{"class": ..., "synonyms": [...]}}')
    return (name, *_value(item, name))


def _terms(value: Any, name: str) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        return split_terms(value)
    if not isinstance(value, list) or not all(isinstance(each, (str, int, float)) for each in value):
        raise BadInput(f"the terms of {name[:40]!r} must be a list of words or text with commas")
    return [term for each in value for term in split_terms(str(each))]


def _description(value: Any) -> str:
    return " ".join(value.split())[:LONGEST_DESCRIPTION] if isinstance(value, str) else ""


def _from_lines(text: str) -> list[tuple[str, list[str], str]]:
    found = []
    for line in text.splitlines():
        line = re.sub(r"^\s*(?:[-*•]|\d+[.)])\s+", "", line).strip()
        if not line or line.startswith("#"):
            continue
        match = BRACKETED.fullmatch(line) or LINE.fullmatch(line)
        found.append(
            (match["name"].strip(" \"'`"), split_terms(match["terms"]), "") if match else (line.strip(" \"'`"), [], "")
        )
    return found


def split_terms(text: str) -> list[str]:
    """Return the terms of a list in words, cleaned."""
    return [term for part in BETWEEN.split(text) if (term := clean_term(part))]


def clean_term(text: str) -> str:
    """Return a term without filler, quotes and end signs; "" when it is not a term."""
    term = " ".join(text.split()).strip(" \"'`“”‘’.")
    while (shorter := FILLER.sub("", term).strip(" \"'`“”‘’.")) not in ("", term):
        term = shorter
    has_sense = (
        any(letter.isalnum() for letter in term) and not any(sign in term for sign in "()[]{}<>:→") and "->" not in term
    )
    return term if has_sense and len(term) <= LONGEST_TERM else ""


def _unique(terms: list[str], name: str) -> list[str]:
    """Return terms once each, case aside, without the class's own name."""
    kept: dict[str, str] = {}
    for term in terms:
        if term.casefold() != name.casefold():
            kept.setdefault(term.casefold(), term)
    return list(kept.values())[:MOST_TERMS]
