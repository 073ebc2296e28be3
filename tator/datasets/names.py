"""Compare class names as people mean them.

"Gas tank", "gas_tank" and "GasTank" are one class.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence


def normalise(name: str) -> str:
    """Return the form in which two spellings of a class name are equal.

    Letters, digits and combining marks of every script stay, case-folded; a name without any
    (an emoji, "++") keeps its visible characters, so only a blank name becomes "".

    Source: Unicode Standard, section 3.13, D146 (compatibility caseless matching).
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    kept = "".join(letter for letter in folded if unicodedata.category(letter)[0] in "LNM")
    return unicodedata.normalize("NFKC", kept or "".join(folded.split()))  # characters that were apart may combine now


def match_names(wanted: Sequence[str], known: Sequence[str], aliases: Mapping[str, str] | None = None) -> list[int]:
    """Return for each wanted name the row of the known name it means, or -1.

    An exact spelling wins; otherwise the normalised forms must be equal and point to one known name only; a name
    that is none of them may be another word for one.

    Args:
        wanted: names to find.
        known: names to find them among.
        aliases: {normalised other word: known name}, from a glossary.
    """
    exact = {name: row for row, name in reversed(list(enumerate(known)))}
    loose: dict[str, set[int]] = {}
    for row, name in enumerate(known):
        loose.setdefault(normalise(name), set()).add(row)
    for word, name in (aliases or {}).items():
        if name in exact:
            loose.setdefault(normalise(word), {exact[name]})
    return [exact[name] if name in exact else _only(loose.get(normalise(name), set())) for name in wanted]


def _only(rows: set[int]) -> int:
    return next(iter(rows)) if len(rows) == 1 else -1
