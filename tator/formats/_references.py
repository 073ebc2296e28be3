r"""What a reference to an image may mean: a path, or an address of a tool's server.

Addresses are file://, http(s)://, s3://, gs://, and Label Studio's /data/local-files/?d=path; they may be percent-encoded.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from urllib.parse import parse_qsl, unquote

from tator.formats import SPLITS

GENERAL = frozenset(
    "images image imgs img jpegimages photos pictures data dataset datasets frames obj_train_data".split()
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/{1,3}")
_NAME = re.compile(r"[^/\\?&=]+\.[A-Za-z0-9]{2,5}$")
LONGEST = 4_000  # characters of a reference that is looked into


def composed(name: str) -> str:
    """Return a name in NFC: disks and label files spell accents differently."""
    return unicodedata.normalize("NFC", name)


def folded(path: str) -> str:
    """Return a path as a disk that ignores case and Unicode form compares it."""
    return composed(path).casefold()


def spellings(reference: str) -> Iterator[str]:
    """Yield what a reference may mean, as written first, then decoded.

    Nothing is opened: these are only names to look for among the files of the walk.
    """
    seen = set()
    for text in _decoded(reference[:LONGEST]):
        if text.strip() and text not in seen:
            seen.add(text)
            yield text


def _decoded(reference: str) -> Iterator[str]:
    yield reference
    yield reference.strip()
    is_address = _SCHEME.match(reference.strip()) is not None
    plain = _SCHEME.sub("", reference.strip(), count=1)
    head, _, query = plain.partition("?")
    for text in dict.fromkeys((plain, plain.partition("#")[0], head, head.partition("#")[0])):
        if is_address or text != plain:
            yield text
        if "%" in text:
            yield (once := unquote(text))
            yield unquote(once)
    for _, value in parse_qsl(query.partition("#")[0]):  # which decodes; a path or address is its last part
        if _NAME.search(value):
            yield value
            yield from _decoded(value) if "?" not in value and value != reference else ()


def parts_of(reference: str) -> list[str]:
    """Return the folders and the name of a reference, without drives and dots."""
    return [part for part in re.split(r"[/\\]", reference) if part not in ("", ".", "..") and not part.endswith(":")]


def split_words(folders: Collection[str]) -> set[str]:
    """Return the splits that folders name, such as train2017 or Validation."""
    words = (re.match(r"[a-z]*", folder.lower()) for folder in folders)
    return {SPLITS[word[0]] for word in words if word and word[0] in SPLITS}


def contradicts(path: str, asked: Sequence[str], hint: str, there: Collection[str]) -> bool:
    """Return whether a file's folders say that a reference means another file.

    Args:
        path: of the file that has the right name.
        asked: folders of the reference.
        hint: folder that the reference is known to be in, "" for none.
        there: names of all folders that hold images, folded.
    """
    own = path.split("/")[:-1]
    meant = split_words(asked) or split_words([hint] if hint else [])
    if meant and (other := split_words(own)) and not meant & other:
        return True
    names = {folded(folder) for folder in own}
    return any(folded(folder) in there and folded(folder) not in names | GENERAL for folder in asked)


def longest_end(candidates: Sequence[str], parts: Sequence[str], hint: str) -> str | None:
    """Return the candidate sharing most trailing parts with the reference.

    None when several share as many.
    """

    def shared(path: str) -> int:
        own = folded(path).split("/")[:-1][::-1]
        asked = [folded(part) for part in parts[:-1][::-1]]
        return next((n for n, (a, b) in enumerate(zip(own, asked)) if a != b), min(len(own), len(asked)))

    if len(candidates) > 1:
        most = max(map(shared, candidates))
        candidates = [path for path in candidates if shared(path) == most]
    if len(candidates) > 1 and hint:
        candidates = [path for path in candidates if folded(hint) in folded(path).split("/")[:-1]]
    return candidates[0] if len(candidates) == 1 else None
