"""Which dataset class each source class becomes: the same, another, new or none."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tator.datasets.label_map import without_hidden
from tator.datasets.names import match_names
from tator.types import BadInput

MOST_ENTRIES = 10_000


@dataclass(frozen=True)
class ClassMapping:
    """Targets of a source's classes.

    Attributes:
        targets: {class name in the source: name in the dataset, "" to leave its labels out}; a class that
            is not in it keeps its name.
    """

    targets: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, entries: Sequence[str], known: Collection[str]) -> ClassMapping:
        """Return the mapping described by entries like "source=ours".

        "source=" leaves a class out.

        Args:
            entries: one a class. Where names have "=" themselves, the longest known name before one is meant.
            known: class names of the source; empty allows any, for sources that number their classes only.

        Raises:
            BadInput: an entry has no "=", names no class of the source, or names one twice.
        """
        if len(entries) > MOST_ENTRIES:
            raise BadInput(f"mapping has {len(entries)} entries; at most {MOST_ENTRIES} are taken")
        targets: dict[str, str] = {}
        for entry in entries:
            source, ours = _split(entry, known)
            if source in targets:
                raise BadInput(f"mapping names {source!r} twice")
            targets[source] = ours
        return cls(targets)

    def target(self, name: str) -> str:
        """Return what a class becomes, "" for nothing."""
        return self.targets.get(name, name)


def _split(entry: str, known: Collection[str]) -> tuple[str, str]:
    places = [at for at, sign in enumerate(entry) if sign == "="]
    if not places:
        raise BadInput(f"mapping entry {entry[:100]!r} has no '='; expected source=ours, or source= to leave it out")
    meant = [at for at in places if entry[:at] in known or entry[:at].strip() in known]
    if known and not meant:
        listed = ", ".join(sorted(known)[:20])
        raise BadInput(f"mapping entry {entry[:100]!r} names no class of the source; it has {listed}")
    at = meant[-1] if meant else places[0]
    source = entry[:at] if entry[:at] in known or not known else entry[:at].strip()
    return source, entry[at + 1 :].strip()


def suggest(
    names: Iterable[str],
    ours: Sequence[str],
    aliases: Mapping[str, str] | None = None,
    counts: Mapping[str, int] | None = None,
) -> list[dict]:
    """Return a row for each class of a source: what it should become, and why.

    Args:
        names: classes of the source.
        ours: class names of the dataset in label-map order; empty for a new one.
        aliases: {other word: class name}, from the dataset's glossary.
        counts: {class name in the source: labels}.

    Returns:
        {"source", "count", "target", "how"} each; how is same, spelling, alias or new.
    """
    rows = []
    for name in names:
        plain = without_hidden(name)
        row, alias = match_names([plain], ours)[0], match_names([plain], ours, aliases)[0]
        if plain in ours:
            target, how = plain, "same"
        elif row >= 0:
            target, how = ours[row], "spelling"
        elif alias >= 0:
            target, how = ours[alias], "alias"
        else:
            target, how = plain, "new"
        rows.append({"source": name, "count": (counts or {}).get(name, 0), "target": target, "how": how})
    return rows
