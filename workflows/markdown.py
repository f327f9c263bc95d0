"""Markdown that anybody may have written, as HTML that only reads (pure).

Two belts: the parser passes no HTML through, and what it made is cleaned down to a short list of
tags. Nothing in it loads by itself (an image becomes a link), and nothing has a class, an id or a
style with which it could pose as a part of the page.
"""

from typing import cast

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore

#: Characters that are rendered at most; callers say that what is beyond has been cut.
LONGEST = 64 * 1024
#: Headings stand below the page's own, so that its outline for readers stays right.
LOWERED = 3
TAGS = frozenset(
    {
        *("p", "br", "hr", "h4", "h5", "h6", "blockquote", "pre", "code", "em", "strong", "s"),
        *("ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td", "a"),
    }
)
SCHEMES = frozenset({"http", "https", "mailto"})
_ATTRIBUTES: dict[str, set[str]] = {"*": set(), "a": {"href"}, "ol": {"start"}}


def rendered(text: str) -> SafeString:
    """Render Markdown, with tables, as HTML that may stand on a page as it is.

    Beyond LONGEST characters, and beyond twenty levels of nesting, it is cut. Links lead to http,
    https and mailto addresses only.
    """
    clean = _cleaner.clean(cast("str", _parser.render(text[:LONGEST])))
    return mark_safe(clean)  # noqa: S308 - it was cleaned in the line above


def _lower_headings(state: StateCore) -> None:
    for token in state.tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(6, int(token.tag[1:]) + LOWERED)}"


_parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
_parser.disable("image")
_parser.core.ruler.push("lower_headings", _lower_headings)
_cleaner = nh3.Cleaner(
    tags=set(TAGS),
    attributes=_ATTRIBUTES,
    url_schemes=set(SCHEMES),
    url_relative="deny",
    link_rel="noopener noreferrer nofollow",
)
