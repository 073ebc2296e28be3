"""Tell text that holds labels from text that explains, configures or logs."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

LINES = 50  # of a file that are looked at
SHOWN = 60  # characters of an example
NUMBERS = 0.2  # share of a text's words that are numbers where it holds rows of labels
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_WORD = re.compile(r"[^\s,;|]+")
_SETTING = (
    "(epochs?|lr0?|learning_rate|batch(_size)?|backbone|depth_multiple|optimizer|dependencies|devDependencies|scripts"
    "|services|channels|repos|pipeline|steps|cells|nbformat|hooks)"
)  # keys of what trains, installs or runs something
_SETTINGS = re.compile(rf"^\s*{_SETTING}\s*:", re.M)
_LABEL_KEYS = re.compile(
    r"(b(nd)?_?box(es)?|annotations?|labels?|objects?|shapes|regions?|polygons?|points|segmentation|categor(y|ies)"
    r"|class(es|_id|Title)?|xmin|rect(angle)?|coordinates|key_?points|images?|frames?)",
    re.I,
)
_KEY = re.compile(r"""["']([^"'\n]{1,40})["']\s*:|<([A-Za-z_][\w.-]{0,40})""")
_LOG = re.compile(r"\b(epochs?|loss|lr|step|accuracy|mAP|precision|recall)\b", re.I)
CODE_TAGS = ("html", "!doctype", "svg", "project", "xs:schema", "xsl:stylesheet", "plist", "configuration")


def like_labels(head: bytes, suffix: str, is_image: Callable[[str], bool]) -> tuple[bool, str]:
    """Return whether a file looks as if it held labels, and what it looks like.

    Args:
        head: its first bytes.
        suffix: of its name, lower-case.
        is_image: whether a name is that of an image of the folder.
    """
    if not head.strip():
        return False, "an empty file"
    if b"\0" in head and head[:2] not in (b"\xff\xfe", b"\xfe\xff") and head.count(b"\0") < len(head) / 4:
        return False, "a binary file of an unknown kind"
    text = _text(head)
    start = text.lstrip()[:1]
    if suffix in (".json", ".jsonl", ".ndjson", ".geojson") or start in ("{", "["):
        return _structured(text, "JSON")
    if suffix == ".xml" or text.lstrip().lower().startswith("<?xml"):
        return _structured(text, "XML")
    if suffix in (".yaml", ".yml"):
        return not _SETTINGS.search(text), f"YAML: {_example(text)}"
    lines = [line for line in text.splitlines()[:LINES] if line.strip()]
    if suffix in (".csv", ".tsv"):
        return not _LOG.search(lines[0]), f"a table that starts {_example(lines[0])}"
    return _rows(lines, suffix, is_image)


def _text(head: bytes) -> str:
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") or head.count(b"\0") >= len(head) / 4:
        is_big = head[:2] == b"\xfe\xff" or head[:1] == b"\0"
        return head.decode("utf-16-be" if is_big else "utf-16-le", "replace").lstrip("\ufeff")
    return head.decode("utf-8-sig", "replace")


def _structured(text: str, kind: str) -> tuple[bool, str]:
    """Judge JSON or XML by its keys; only what is plainly something else is none."""
    keys = list(dict.fromkeys(key or tag for key, tag in _KEY.findall(text)))
    first = keys[0].lower() if keys else ""
    told = f"{kind} with {', '.join(keys[:6])}" if keys else f"{kind}: {_example(text)}"
    is_code = first in CODE_TAGS or any(re.fullmatch(_SETTING, key) for key in keys)
    return not is_code or sum(bool(_LABEL_KEYS.fullmatch(key)) for key in keys) >= 2, told


def _rows(lines: Sequence[str], suffix: str, is_image: Callable[[str], bool]) -> tuple[bool, str]:
    """Judge lines of words and numbers."""
    words = [_WORD.findall(line) for line in lines]
    flat = [word for row in words for word in row]
    numbers = sum(_NUMBER.fullmatch(word) is not None for word in flat)
    widths = sorted(map(len, words))
    width = widths[len(widths) // 2] if widths else 0
    if width <= 2 and all(is_image(row[0]) for row in words if row):
        return False, "a list of images"
    if numbers >= NUMBERS * len(flat) and numbers >= 1 and not any(map(_LOG.search, lines[:2])):
        return True, f"text with rows of {width} {'column' if width == 1 else 'columns'}: {_example(lines[0])}"
    if any(is_image(word) for word in flat[:LINES] if "." in word):
        return True, f"text that names images: {_example(lines[0])}"
    if (
        suffix in (".txt", ".names", ".labels")
        and width <= 2
        and len(lines) > 1
        and all(_is_name(line) for line in lines)
    ):
        return True, f"text like a list of classes: {_example(', '.join(lines))}"
    return False, f"text: {_example(lines[0])}"


def _is_name(line: str) -> bool:
    return len(line) <= 40 and not re.search(r"[=<>:/.!?]", line)


def _example(text: str) -> str:
    told = " ".join(text.split())
    return told if len(told) <= SHOWN else told[: SHOWN - 1] + "\u2026"
