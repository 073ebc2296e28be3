"""XML from outside, without entities or external references, of bounded size."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING

from tator.encodings import UTF8, marked
from tator.formats import Report
from tator.formats.tree import EVERY, Tree

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

LARGEST = 64 << 20  # bytes of a file that is parsed whole
_TEXTS = re.compile(r"(cp|iso8859-|koi8|gb|big5|shift|euc|mac|hz|johab|utf-(16|32)|tis).*")  # what people write in
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # XML 1.0 has no way to write them


def root_tag(sample: bytes) -> str:
    """Return the name of a file's first element, "" when there is none."""
    found = re.search(rb"<([A-Za-z_][\w.-]*)", re.sub(rb"<!--.*?-->", b"", sample, flags=re.S))
    return found[1].decode("ascii", "replace") if found else ""


def read_xml(tree: Tree, path: str, report: Report) -> Element | None:
    """Return a file's root element, or None after noting why it is refused."""
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    tree.claim(path)
    try:
        with open(tree.root / path, "rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise OSError(f"longer than {LARGEST >> 20} MB")
        return fromstring(_decoded(tree, path, content))
    except (DefusedXmlException, ParseError, ValueError, LookupError, OSError) as error:
        _refuse(path, error, report)
        return None


def each_element(tree: Tree, path: str, tags: tuple[str, ...], report: Report) -> Iterator[Element]:
    """Yield the elements with one of these names as the file is read.

    Each is emptied afterwards, so memory stays flat.
    """
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError, iterparse

    tree.claim(path)
    try:
        with _opened(tree, path) as file:
            open_elements: list[Element] = []
            for number, (event, element) in enumerate(iterparse(file, events=("start", "end")), 1):
                if number % EVERY == 0:
                    tree.tell(0, 0, f"{path}, {getattr(file, 'buffer', file).tell() >> 20} MB")
                if event == "start":
                    open_elements.append(element)
                    continue
                open_elements.pop()
                if element.tag in tags:
                    yield element
                    element.clear()
                    if open_elements:
                        open_elements[-1].remove(element)
    except (DefusedXmlException, ParseError, ValueError, LookupError, OSError) as error:
        _refuse(path, error, report)


def _declared(head: bytes) -> str | None:
    """Return the encoding that a file says it is in.

    None is UTF-8, which is meant where it says nothing, or one that the parser is to refuse.
    """
    found = re.search(rb"""^\s*<\?xml[^>]*\bencoding\s*=\s*["']([\w.:-]{1,40})["']""", head)
    name = found[1].decode().lower() if found else ""
    if name in ("", "utf-8", "utf8", "us-ascii", "ascii") or marked(head):
        return None
    try:
        codec = codecs.lookup(name).name
    except LookupError:
        return None
    return codec if _TEXTS.fullmatch(codec) else None


def _decoded(tree: Tree, path: str, content: bytes) -> bytes | str:
    """Return a file's content for the parser, which knows few encodings."""
    declared = _declared(content[:1024])
    try:
        if declared:
            return content.decode(declared)
    except UnicodeError:
        return tree.deciphering.text(path, content)
    if declared is None and content.isascii() and b"\0" not in content:
        return content
    return tree.deciphering.text(path, content)


def _opened(tree: Tree, path: str) -> IO:
    """Open a file for the parser: bytes of UTF-8 as they are, else decoded."""
    with open(tree.root / path, "rb") as file:
        declared = _declared(file.read(1024))
    encoding = declared or tree.deciphering.encoding(path)
    is_plain = declared is None and encoding == UTF8
    return open(tree.root / path, "rb") if is_plain else open(tree.root / path, encoding=encoding)


def _refuse(path: str, error: Exception, report: Report) -> None:
    told = " ".join(str(error).split())[:160] or type(error).__name__
    report.drop(path, "refused as XML", f"{told}; expected plain XML without entities")


def text_of(element: Element | None, tag: str) -> str:
    """Return a child element's text, "" when there is none.

    Text that stands on lines of its own is trimmed.
    """
    found = None if element is None else element.find(tag)
    text = (found.text if found is not None else None) or ""
    return text.strip() if "\n" in text else text


def escaped(text: str) -> str:
    """Return text escaped for XML elements and quoted attributes.

    What XML cannot hold becomes U+FFFD.
    """
    text = _FORBIDDEN.sub("\ufffd", text)
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(sign, entity)
    return text
