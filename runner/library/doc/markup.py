"""HTML and Markdown: their words, and what their structure says."""

import re
from collections.abc import Iterator
from typing import Any

from runner.library.doc.parts import Document, Part, missing, text_in

_CHARSET = re.compile(rb"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", re.ASCII)
_UNSEEN = "script, style, noscript, template, head"
_BLOCKS = (
    "h1, h2, h3, h4, h5, h6, p, li, pre, blockquote, td, th, dt, dd, figcaption, br, div, section, "
    "article, table"
)


def read_html(content: bytes) -> Document:
    """Give the words that a reader would see, and the links: `text` and `href`."""
    try:
        from selectolax.lexbor import LexborHTMLParser  # noqa: PLC0415 - at the first use
    except ImportError:
        raise missing("HTML", "selectolax") from None
    page: Any = LexborHTMLParser(_html_text(content))
    title, root = page.css_first("title"), page.css_first("html")
    told = page.css_first("meta[name=description]")
    meta = {
        "kind": "html",
        "title": title.text(strip=True) if title else "",
        "language": (root.attributes.get("lang") or "") if root else "",
        "description": (told.attributes.get("content") or "") if told else "",
    }
    for each in page.css(_UNSEEN):
        each.decompose()
    return Document(parts=_html_parts(page), meta=meta)


def _html_parts(page: Any) -> Iterator[Part]:
    for each in page.css(_BLOCKS):
        each.insert_before("\n")
        each.insert_after("\n")
    text = page.body.text() if page.body else ""
    lines = (" ".join(line.split()) for line in text.splitlines())
    yield Part(text="\n".join(line for line in lines if line) + "\n" if text.strip() else "")
    for link in page.css("a[href]"):
        said = " ".join(link.text().split())
        yield Part(items=({"text": said, "href": link.attributes.get("href") or ""},))


def _html_text(content: bytes) -> str:
    """Read HTML in the encoding that it names; in Windows' own where it names none and is no UTF-8."""
    named = _CHARSET.search(content[:2048])
    for encoding in ("utf-8-sig", named[1].decode() if named else "", "cp1252"):
        try:
            return content.decode(encoding or "utf-8")
        except (UnicodeDecodeError, LookupError):
            continue
    return content.decode("latin-1")


def read_markdown(content: bytes) -> Document:
    """Give the words without marks, block by block, and the headings: `level` and `text`."""
    try:
        from markdown_it import MarkdownIt  # noqa: PLC0415 - at the first use
    except ImportError:
        raise missing("Markdown", "markdown-it-py") from None
    tokens = MarkdownIt("commonmark", {"html": False}).enable("table").parse(text_in(content))
    meta: dict[str, Any] = {"kind": "markdown", "title": ""}
    return Document(parts=_markdown_parts(tokens, meta), meta=meta)


def _markdown_parts(tokens: list[Any], meta: dict[str, Any]) -> Iterator[Part]:
    level = 0
    for token in tokens:
        if token.type == "heading_open":
            level = int(token.tag[1:])
        elif token.type == "inline":
            text = "".join(_words(each) for each in token.children or ())
            items = ({"level": level, "text": text},) if level else ()
            meta["title"] = meta["title"] or (text if level else "")
            level = 0
            yield Part(text=f"{text}\n", items=items)
        elif token.type in {"fence", "code_block"}:
            yield Part(text=token.content)


def _words(token: Any) -> str:
    if token.type in {"softbreak", "hardbreak"}:
        return "\n"
    return str(token.content)
