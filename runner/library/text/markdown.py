"""Markdown as HTML."""

import asyncio
import time
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from runner.errors import RunnerError
from runner.graph.ports import Chunks, Ports, Stream
from runner.graph.task import Task

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST = 1_000_000
#: The text is rendered anew at most this often, and never for more than a fifth of the time.
PAUSE_SECONDS = 0.1
PAUSES = 4
_MISSING = (
    "Markdown needs the packages markdown-it-py and nh3; install them, or keep the text as it is."
)


class Markdown(Task):
    """Gives Markdown as HTML that is safe to show: no scripts, no styles, no harmful links.

    Tables and strikethrough are understood, HTML inside the Markdown is shown as text, and
    pictures become links. While the text still arrives, the HTML of what has come so far is
    streamed again and again, each in place of the one before. More than `longest` characters
    are refused.
    """

    name = "text.markdown"
    title = "Markdown to HTML"
    effect = "none"

    class Inputs(Ports):
        """Markdown, which may still be growing."""

        text: Chunks[str]

    class Outputs(Ports):
        """The HTML so far; the last one counts."""

        html: str

    class Config(Ports):
        """How much is taken."""

        longest: Annotated[int, Field(ge=1, le=LONGEST, title="Characters at most")] = 200_000

    @staticmethod
    def streaming() -> dict[str, Stream]:
        """Show each new page in place of the one before."""
        return {"html": Stream(mode="replace")}

    async def execute(self, inputs: Any, context: Any) -> None:
        """Stream the HTML."""
        text, shown, due = "", None, 0.0
        async for chunk in inputs.text:
            text += chunk
            if len(text) > self.config.longest:
                raise RunnerError(
                    f"This Markdown has more than {self.config.longest:,} characters; shorten it, "
                    "or raise the setting Characters at most."
                )
            if time.monotonic() >= due:
                began = time.monotonic()
                shown = text
                await context.push_chunk("html", await asyncio.to_thread(as_html, text))
                now = time.monotonic()
                due = now + max(PAUSE_SECONDS, PAUSES * (now - began))
        if shown != text:
            await context.push_chunk("html", await asyncio.to_thread(as_html, text))


def as_html(text: str) -> str:
    """Give Markdown as HTML; two belts: the parser passes no HTML, and what it made is cleaned."""
    return _renderer()(text)


@cache
def _renderer() -> "Callable[[str], str]":
    # Loaded at the first use: most graphs need none of it.
    try:
        import nh3  # noqa: PLC0415
        from markdown_it import MarkdownIt  # noqa: PLC0415
    except ImportError:
        raise RunnerError(_MISSING) from None
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.disable("image")
    cleaner = nh3.Cleaner(
        attributes={"*": set(), "a": {"href"}, "ol": {"start"}},
        url_schemes={"http", "https", "mailto"},
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
    )
    return lambda given: cleaner.clean(str(parser.render(given)))
