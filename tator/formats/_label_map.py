"""label_map.pbtxt, which numbers the classes of TFRecord files.

It is a protocol buffer as text, with one item per class.

Source: tensorflow/models, research/object_detection/protos/string_int_label_map.proto; the text is that of
https://protobuf.dev/reference/protobuf/textformat-spec/.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tator.formats import Report
from tator.formats.tree import Tree

_TOKEN = re.compile(r"""#[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|["'][^\n]*|[{}]|[^\s:{}"'#]+""")
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|x[0-9A-Fa-f]{1,2}|.)", re.S)
_CONTROL = {b"n": b"\n", b"r": b"\r", b"t": b"\t"}


@dataclass(frozen=True)
class LabelMap:
    """What label_map.pbtxt files say.

    Attributes:
        names: {id: class name}, as people read it.
        shown: {name in the records: class name}.
    """

    names: dict[int, str] = field(default_factory=dict)
    shown: dict[str, str] = field(default_factory=dict)


def read_label_map(tree: Tree, report: Report) -> LabelMap:
    """Return what the .pbtxt files of a folder say; what is not a class is noted."""
    found = LabelMap()
    for path in tree.tables:
        if not path.lower().endswith(".pbtxt"):
            continue
        content = tree.try_text(path, report)
        for at, item in enumerate(_items(content or ""), 1):
            name = item.get("display_name") or item.get("name")
            if not name or not item.get("id", "").isdecimal():
                report.drop(path, "not a class of a label map", f"item {at}: {str(item)[:80]}; expected id and name")
                continue
            found.names[int(item["id"][:10])] = name
            found.shown.setdefault(item.get("name", name), name)
    return found


def _items(content: str) -> Iterator[dict[str, str]]:
    """Yield the fields of each item; what is nested deeper is left out."""
    item: dict[str, str] = {}
    key, depth = "", 0
    for token in _TOKEN.findall(content):
        if token in ("{", "}"):
            if token == "{" and depth == 0:
                item = {}
            elif token == "}" and depth == 1:
                yield item
            key, depth = "", max(0, depth + (1 if token == "{" else -1))
        elif depth == 1 and token[0] != "#":
            if key:
                item.setdefault(key, _unquoted(token))
            key = "" if key else token


def _unquoted(token: str) -> str:
    """Return a value without its quotes.

    Escapes are bytes, which may be parts of a letter.
    """
    if token[0] not in "\"'":
        return token
    if len(token) < 2 or token[-1] != token[0]:  # the quote is never closed
        return ""
    return _ESCAPE.sub(_byte, token[1:-1].encode()).decode("utf-8", "replace")


def _byte(escape: re.Match[bytes]) -> bytes:
    sign = escape[1]
    if sign.isdigit():
        return bytes([int(sign, 8) & 255])
    if sign[:1] == b"x" and len(sign) > 1:
        return bytes([int(sign[1:], 16)])
    return _CONTROL.get(sign, sign)


def label_map_text(names: Sequence[str]) -> str:
    """Return the text of a label map.

    Ids start at 1 in label-map order, because 0 is the background.
    """
    return "".join(f"item {{\n  id: {row}\n  name: {_quoted(name)}\n}}\n\n" for row, name in enumerate(names, 1))


def _quoted(text: str) -> str:
    for sign, escape in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(sign, escape)
    return f'"{text}"'
