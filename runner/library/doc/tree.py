"""XML, element by element, without entities: what it says is all that is read."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat  # S405: entities are refused below

from runner.errors import RunnerError
from runner.library.doc.parts import Document, Part

DEPTH = 100
BLOCK = 1 << 14


@dataclass(slots=True)
class _Tree:
    """Takes what the parser sees; an element below the root is a part when it closes."""

    meta: dict[str, Any]
    open: list[dict[str, Any]] = field(default_factory=list)
    ready: list[Part] = field(default_factory=list)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if len(self.open) >= DEPTH:
            raise RunnerError(f"This XML nests deeper than {DEPTH} elements.")
        if not self.open:
            self.meta |= {"root": tag, "attributes": attributes}
        self.open.append({"tag": tag, "attributes": attributes, "text": "", "children": []})

    def words(self, text: str) -> None:
        self.open[-1]["text"] += text

    def end(self, _tag: str) -> None:
        element = self.open.pop()
        element["text"] = " ".join(element["text"].split())
        if len(self.open) > 1:
            self.open[-1]["children"].append(element)
        elif self.open:
            self.ready.append(Part(text=_line(element), items=(element,)))
        elif element["text"]:
            self.ready.append(Part(text=f"{element['text']}\n"))


def read_xml(content: bytes) -> Document:
    """Give a part for each element in the root: `tag`, `attributes`, `text`, `children`.

    Raises RunnerError for what is no XML, and for declared entities: they could hold bombs,
    and lead to files and other machines.
    """
    meta: dict[str, Any] = {"kind": "xml"}
    return Document(parts=_parts(content, _Tree(meta)), meta=meta)


def _parts(content: bytes, tree: _Tree) -> Iterator[Part]:
    parser = expat.ParserCreate()
    parser.StartElementHandler = tree.start
    parser.EndElementHandler = tree.end
    parser.CharacterDataHandler = tree.words
    parser.EntityDeclHandler = _refuse
    parser.ExternalEntityRefHandler = _refuse
    parser.buffer_text = True
    try:
        for begin in range(0, len(content), BLOCK):
            parser.Parse(content[begin : begin + BLOCK], False)  # noqa: FBT003 - not the last
            yield from tree.ready
            tree.ready.clear()
        parser.Parse(b"", True)  # noqa: FBT003 - the last
    except expat.ExpatError as fault:
        raise RunnerError(f"This is no XML at line {fault.lineno}: {_said(fault)}.") from None
    yield from tree.ready


def _refuse(*_: Any) -> int:
    raise RunnerError("This XML declares entities, which are not read; write their text instead.")


def _said(fault: expat.ExpatError) -> str:
    return expat.ErrorString(fault.code) or "it ends too early"


def _line(element: dict[str, Any]) -> str:
    words = " ".join(filter(None, _texts(element)))
    return f"{words}\n" if words else ""


def _texts(element: dict[str, Any]) -> Iterator[str]:
    yield element["text"]
    for child in element["children"]:
        yield from _texts(child)
