"""Renderer: the events of a run as JSON lines, as a live tree, or as one line a change."""

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

from runner.console.lines import as_object, lines_of
from runner.console.picture import Picture, details_of
from runner.console.words import UNSAFE, one_line, said
from runner.execution.store import Entry
from runner.graph.definition import GraphDefinition
from runner.run import events as happened
from runner.run.status import LOOKS

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

REDRAWS_PER_SECOND = 10


class Renderer:
    """Shows events as they come; `workflows` are those that the definition's tasks may name."""

    def __init__(
        self,
        definition: GraphDefinition,
        out: TextIO,
        *,
        as_json: bool = False,
        workflows: Mapping[str, GraphDefinition] | None = None,
    ) -> None:
        self.picture = Picture(definition, workflows)
        self.outputs: Mapping[str, str] = {}
        #: Whether some of what the run said is lost to somebody who wanted it.
        self.is_cut = False
        self._out = out
        self._as_json = as_json
        self._live: Live | None = None
        self.go_on()

    def show(self, entry: Entry, items: Sequence[str] = ()) -> None:
        """Show one event, with the encoded chunks that it says are kept."""
        self.picture.take(entry, items)
        if isinstance(entry.event, happened.RunCompleted):
            self.outputs = entry.event.outputs
        if self._as_json:
            self._print(json.dumps(as_object(entry, items)))
        elif self._live is None and not _is_lively(self._out):
            drawn = self.picture.drawn.find(getattr(entry.event, "path", ""))
            for line in lines_of(entry, drawn):
                self._print(line)

    def hold(self) -> None:
        """Draw no more for now: somebody is asked something on this terminal."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def go_on(self) -> None:
        """Draw on, if this is a terminal that a tree can be drawn on."""
        if self._live is None and not self._as_json and _is_lively(self._out):
            self._live = _live(self._draw, self._out)

    def close(self) -> None:
        """Draw the last picture; then give the run's outputs to the person who waits."""
        self.go_on()
        self.hold()
        if not self._as_json:
            for name, text in self.outputs.items():
                self._print(f"\n{name}:\n{said(text).translate(UNSAFE).rstrip()}")

    def _print(self, line: str) -> None:
        try:
            print(line, file=self._out, flush=True)
        except OSError as fault:
            self._lose_the_rest(fault)

    def _lose_the_rest(self, fault: OSError) -> None:
        """Write no more, since nobody reads it or no room is left; the run goes on."""
        if not isinstance(fault, BrokenPipeError):
            self.is_cut = True
            sys.stderr.write(
                f"error: What the run says cannot be written any more: {fault.strerror}.\n"
            )
        # What waits in the buffer would make the exit complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), self._out.fileno())

    def _draw(self) -> "RenderableType":
        from rich.text import Text  # noqa: PLC0415 - only a terminal needs it

        picture = self.picture
        text = Text(no_wrap=True, overflow="ellipsis")
        look = LOOKS[picture.status]
        text.append(f"{look.glyph} ", look.colour)
        text.append(picture.title.translate(UNSAFE), "bold")
        text.append(f" {look.word}{_after_a_word(picture.note)}")
        for row, depth, title in picture.visible():
            look = LOOKS[row.status]
            text.append(f"\n{'  ' * (depth + 1)}{look.glyph} ", look.colour)
            text.append(f"{one_line(title)} {details_of(row)}".rstrip())
        return text


def _after_a_word(note: str) -> str:
    """Put a note behind a word on the same line."""
    return note.replace("\n", " ").translate(UNSAFE)


def _is_lively(out: TextIO) -> bool:
    return out.isatty() and os.environ.get("TERM", "") not in {"", "dumb"}


def _live(draw: "Callable[[], RenderableType]", out: TextIO) -> "Live":
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
    from rich.live import Live  # noqa: PLC0415

    live = Live(
        get_renderable=draw, console=Console(file=out), refresh_per_second=REDRAWS_PER_SECOND
    )
    live.start()
    return live
