"""What kind of document a file is: by its media type, its name, or how it begins."""

from typing import Literal

Kind = Literal["html", "pdf", "csv", "json", "xml", "markdown", "text"]

_MEDIA_TYPES: dict[str, Kind] = {
    "text/html": "html",
    "application/xhtml+xml": "html",
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/json": "json",
    "application/xml": "xml",
    "text/xml": "xml",
    "text/markdown": "markdown",
}
_ENDINGS: dict[str, Kind] = {
    "htm": "html",
    "html": "html",
    "xhtml": "html",
    "pdf": "pdf",
    "csv": "csv",
    "tsv": "csv",
    "json": "json",
    "xml": "xml",
    "rss": "xml",
    "atom": "xml",
    "svg": "xml",
    "md": "markdown",
    "markdown": "markdown",
    "txt": "text",
}
_BEGINNINGS: tuple[tuple[bytes, Kind], ...] = (
    (b"%pdf-", "pdf"),
    (b"<!doctype html", "html"),
    (b"<html", "html"),
    (b"<?xml", "xml"),
    (b"{", "json"),
    (b"[", "json"),
)
_LOOKED_AT = 1024


def kind_of(name: str, media_type: str, content: bytes) -> Kind:
    """Tell what kind of document this is; a text, if nothing says otherwise."""
    named = media_type.partition(";")[0].strip().lower()
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    known = _MEDIA_TYPES.get(named) or _ENDINGS.get(ending)
    return known or _begun(content[:_LOOKED_AT])


def _begun(content: bytes) -> Kind:
    beginning = content.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return next((kind for mark, kind in _BEGINNINGS if beginning.startswith(mark)), "text")
