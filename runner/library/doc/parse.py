"""What is in a document."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import Field

from runner.errors import RunnerError, ValueFault
from runner.graph.artifact import Artifact
from runner.graph.policy import Policy
from runner.graph.ports import Ports, Stream
from runner.graph.task import Task
from runner.library.doc.kinds import Kind, kind_of
from runner.library.doc.markup import read_html, read_markdown
from runner.library.doc.pages import read_pdf
from runner.library.doc.parts import Document, Part, text_in
from runner.library.doc.rows import read_csv, read_json
from runner.library.doc.tree import read_xml

MEBIBYTE = 1 << 20


class Parse(Task):
    """Reads a document: HTML, PDF, CSV, JSON, XML, Markdown or text.

    Give it a `file`, or its `text`. What kind it is shows by the file's type, name or beginning,
    unless the setting says so. `text` has its words; `data` a value for each part: the pages of a
    PDF (`page`, `text`), the rows of a CSV file by the names in its first line, the items of a
    JSON list, the elements in the root of XML (`tag`, `attributes`, `text`, `children`), the links
    of HTML (`text`, `href`), the headings of Markdown (`level`, `text`). Both stream part by part.
    `meta` says what is known of the whole: `kind`, and title, pages, columns and the like.

    A document is something that anybody may have made: it is read in a process of its own, which
    a cancel, five minutes or a gibibyte of memory end; entities in XML are refused, nothing is fetched, and a file larger
    than the setting is not read.
    """

    name = "doc.parse"
    title = "Read a document"
    effect = "none"
    blocking = True
    place = "process"
    memory = 1 << 30
    policy = Policy(timeout=300.0)

    class Inputs(Ports):
        """A document: a file, or its text."""

        file: Artifact | None = None
        text: str = ""

    class Outputs(Ports):
        """Its words, its parts as values, and what is known of the whole."""

        text: str
        data: list[Any]
        meta: dict[str, Any]

    class Config(Ports):
        """What kind of document it is, and how much of it is read."""

        kind: Annotated[
            Literal["auto", "html", "pdf", "csv", "json", "xml", "markdown", "text"],
            Field(title="Kind"),
        ] = "auto"
        largest: Annotated[int, Field(ge=1, le=1024, title="MiB at most")] = 32
        parts: Annotated[int, Field(ge=1, le=1_000_000, title="Pages or rows at most")] = 100_000

    @staticmethod
    def streaming() -> dict[str, Stream]:
        """Let dependants begin with the first page or row."""
        return {"text": Stream(), "data": Stream()}

    def execute(self, inputs: Any, context: Any) -> dict[str, Any]:
        """Read part by part."""
        content, kind = self._content(inputs)
        document = _READERS[kind](content)
        for number, part in enumerate(document.parts):
            if context.cancelled:
                raise RunnerError("Stopped before the end of the document.")
            if number >= self.config.parts:
                raise RunnerError(
                    f"This document has more than {self.config.parts:,} pages or rows; raise the "
                    "setting Pages or rows at most."
                )
            if part.text:
                context.push_chunk("text", part.text)
            for item in part.items:
                context.push_chunk("data", item)
        return {"meta": document.meta}

    def _content(self, inputs: Any) -> tuple[bytes, Kind]:
        if (inputs.file is None) == (not inputs.text):
            raise ValueFault(f"{self.title} takes a file or a text, one of them.")
        if inputs.file is None:
            content, name, media_type = inputs.text.encode(), "", ""
        else:
            name, media_type = inputs.file.name, inputs.file.media_type
            content = self._read(inputs.file)
        kind: Kind | Literal["auto"] = self.config.kind
        return content, kind_of(name, media_type, content) if kind == "auto" else kind

    def _read(self, file: Artifact) -> bytes:
        if file.size > self.config.largest * MEBIBYTE:
            raise RunnerError(
                f"'{file.name:.80}' is larger than {self.config.largest} MiB; raise the setting "
                "MiB at most."
            )
        with file.open() as opened:
            content: bytes = opened.read()
        return content


def _read_text(content: bytes) -> Document:
    return Document(parts=iter([Part(text=text_in(content))]), meta={"kind": "text"})


_READERS: dict[Kind, Callable[[bytes], Document]] = {
    "html": read_html,
    "pdf": read_pdf,
    "csv": read_csv,
    "json": read_json,
    "xml": read_xml,
    "markdown": read_markdown,
    "text": _read_text,
}
