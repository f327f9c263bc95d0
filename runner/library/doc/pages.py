"""PDF, page by page."""

import io
import logging
from collections.abc import Iterator
from typing import Any

from runner.errors import RunnerError
from runner.library.doc.parts import Document, Part, missing

_TOLD = {"/Title": "title", "/Author": "author", "/Subject": "subject"}


def read_pdf(content: bytes) -> Document:
    """Give a part for each page, with `page` and `text`; raises RunnerError."""
    try:
        from pypdf import PdfReader  # noqa: PLC0415 - at the first use: it is heavy
        from pypdf.errors import PyPdfError  # noqa: PLC0415
    except ImportError:
        raise missing("PDF", "pypdf") from None
    # What it thinks of files that other programs wrote is of no use to who reads the run's log.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted and not reader.decrypt(""):
            raise RunnerError("This PDF is locked by a password; save it without one.")
        meta: dict[str, Any] = {"kind": "pdf", "pages": len(reader.pages)}
        told: Any = reader.metadata or {}
        meta |= {name: str(told[key]) for key, name in _TOLD.items() if told.get(key)}
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as fault:
        raise _damaged(fault) from None
    return Document(parts=_pages(reader), meta=meta)


def _pages(reader: Any) -> Iterator[Part]:
    for number in range(len(reader.pages)):
        try:
            text = reader.pages[number].extract_text()
        except Exception as fault:  # pypdf raises whatever a damaged page leads it to
            raise _damaged(fault, f"page {number + 1} of ") from None
        yield Part(text=f"{text}\n\n", items=({"page": number + 1, "text": text},))


def _damaged(fault: Exception, where: str = "") -> RunnerError:
    said = " ".join(str(fault).split())[:200]
    return RunnerError(f"This PDF cannot be read: {where}it is damaged ({said}). Save it anew.")
