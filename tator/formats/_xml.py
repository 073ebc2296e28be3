"""XML from outside, without entities or external references, of bounded size."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tator.formats import Report
from tator.formats.tree import EVERY, Tree

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

LARGEST = 64 << 20  # bytes of a file that is parsed whole
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
        return fromstring(content)
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
        with open(tree.root / path, "rb") as file:
            open_elements: list[Element] = []
            for number, (event, element) in enumerate(iterparse(file, events=("start", "end")), 1):
                if number % EVERY == 0:
                    tree.tell(0, 0, f"{path}, {file.tell() >> 20} MB")
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
