"""Asking: what a run's tasks wait for is asked on the terminal, one question after the other."""

import asyncio
import os
from collections.abc import Callable, Mapping
from typing import Any, TextIO

from runner.console.arguments import read_value
from runner.console.lines import TASK_STATUS
from runner.console.renderer import Renderer
from runner.console.words import AWAITED, UNSAFE, beside_status
from runner.errors import ValueFault
from runner.execution.memory import STATUS_OF
from runner.graph.definition import GraphPort
from runner.graph.port_types import in_words
from runner.graph.ports import Port
from runner.graph.values import dump
from runner.run import events as happened

OF_PEOPLE = frozenset({"input", "approval"})
#: A run awaits nothing for a moment while what lost a race is being cancelled.
GRACE_SECONDS = 0.5
_BYTES_AT_ONCE = 65_536
_YES, _NO = frozenset({"y", "yes", "true"}), frozenset({"n", "no", "false"})


class Terminal:
    """Lines that a person types, read without a thread: a question can be taken back."""

    def __init__(self, source: int, out: TextIO) -> None:
        """Read from a file descriptor and write prompts to `out`."""
        self._source = source
        self._out = out
        self._read = b""

    def say(self, text: str) -> None:
        """Write a line."""
        print(text.translate(UNSAFE), file=self._out, flush=True)

    async def ask(self, prompt: str) -> str:
        """Write a prompt and give the line typed after it; raises EOFError when there is none."""
        print(prompt.translate(UNSAFE), end="", file=self._out, flush=True)
        while b"\n" not in self._read:
            piece = await self._piece()
            if not piece:
                raise EOFError
            self._read += piece
        line, _, self._read = self._read.partition(b"\n")
        return line.decode(errors="replace").strip()

    async def _piece(self) -> bytes:
        loop = asyncio.get_running_loop()
        came: asyncio.Future[None] = loop.create_future()
        loop.add_reader(self._source, _settle, came)
        try:
            await came
        finally:
            loop.remove_reader(self._source)
        try:
            return os.read(self._source, _BYTES_AT_ONCE)
        except OSError:
            return b""


def _settle(came: asyncio.Future[None]) -> None:
    if not came.done():
        came.set_result(None)


class Asking:
    """What tasks of one run wait for; asks people, and ends a run that nobody here can help."""

    def __init__(
        self,
        terminal: Terminal | None,
        renderer: Renderer,
        *,
        say: Callable[[str], None],
        answer: Callable[[str, Any], Any],
        give_up: Callable[[], None],
        grace: float = GRACE_SECONDS,
    ) -> None:
        """Ask on a terminal, if there is one; `answer` takes a path and an answer.

        `grace` is how many seconds nothing happens before a run counts as beyond help.
        """
        self._terminal = terminal
        self._renderer = renderer
        self._say = say
        self._answer = answer
        self._give_up = give_up
        self._grace = grace
        self._awaits = False
        self._timer: asyncio.TimerHandle | None = None
        self._open: dict[str, happened.TaskAwaiting] = {}
        self._path = ""
        self._asking: asyncio.Task[None] | None = None

    def take(self, event: happened.Event) -> None:
        """Follow one event of the run."""
        path = getattr(event, "path", "")
        if isinstance(event, happened.TaskAwaiting):
            self._open[path] = event
            if event.reason in OF_PEOPLE and self._terminal is None:
                self._say(f"{path} awaits{beside_status(event)} (a terminal could give it).")
        elif type(event) in TASK_STATUS and path in self._open:
            del self._open[path]
            if path == self._path and self._asking is not None:
                self._asking.cancel()
        elif type(event) in STATUS_OF:
            self._awaits = isinstance(event, happened.RunAwaiting)
        self._next()
        self._watch()

    def stop(self) -> None:
        """Ask no more: the run is over."""
        self._open.clear()
        self._awaits = False
        self._watch()
        if self._asking is not None:
            self._asking.cancel()

    def _watch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._awaits:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._grace, self._look_for_hope)

    def _look_for_hope(self) -> None:
        """End a run in which nothing moves before somebody gives what cannot be given here."""
        waiting = self._open.values()
        if not any(each.until or self._can_be_asked(each) for each in waiting):
            what = ", ".join(sorted({AWAITED[each.reason] for each in waiting}))
            self._say(f"Nobody here can give what the run awaits: {what}. It is cancelled.")
            self._give_up()

    def _can_be_asked(self, event: happened.TaskAwaiting) -> bool:
        return self._terminal is not None and event.reason in OF_PEOPLE

    def _next(self) -> None:
        if self._asking is not None or self._terminal is None:
            return
        event = next((each for each in self._open.values() if self._can_be_asked(each)), None)
        if event is not None:
            self._path = event.path
            self._asking = asyncio.create_task(
                self._ask(self._terminal, event), name=f"question of {event.path}"
            )
            self._asking.add_done_callback(lambda _: self._next())

    async def _ask(self, terminal: Terminal, event: happened.TaskAwaiting) -> None:
        self._renderer.hold()
        try:
            value = await answer_of(terminal, event.path, event.detail)
        except EOFError:
            self._terminal = value = None
            self._watch()
        finally:
            self._renderer.go_on()
            self._asking = None
        if value is not None:
            # It is answered; its event comes with the next commit.
            self._open.pop(event.path, None)
            self._answer(event.path, value)


async def answer_of(terminal: Terminal, path: str, question: Mapping[str, Any]) -> dict[str, Any]:
    """Ask a question of `flow.ask` field by field; raises EOFError if nobody answers."""
    terminal.say(f"\n{question.get('title') or path}")
    if question.get("help"):
        terminal.say(str(question["help"]))
    shown = question.get("shown")
    if shown is not None:
        terminal.say(shown if isinstance(shown, str) else dump(shown))
    if question.get("kind") == "approval":
        approved = await _yes_or_no(terminal, "Approve? [y/n] ")
        note = await terminal.ask("Note (may be empty): ")
        return {"approved": approved} | ({"note": note} if note else {})
    fields = [GraphPort.from_document(each) for each in question.get("fields", ())]
    found = {each.name: await _field(terminal, each) for each in fields}
    return {name: value for name, value in found.items() if value is not None}


async def _yes_or_no(terminal: Terminal, prompt: str) -> bool:
    while (typed := (await terminal.ask(prompt)).lower()) not in _YES | _NO:
        terminal.say("Type y or n.")
    return typed in _YES


async def _field(terminal: Terminal, field: GraphPort) -> Any:
    """Ask for one field until it fits; None if it was left out."""
    port = field.as_port()
    if field.type == "bool" and port.required:
        return await _yes_or_no(terminal, f"{port.title}? [y/n] ")
    while True:
        typed = await terminal.ask(_prompt(port))
        if not typed and not port.required:
            return None
        value = typed.lower() in _YES if field.type == "bool" else read_value(field.type, typed)
        try:
            port.encode(value)
        except ValueFault as fault:
            terminal.say(fault.sentence)
        else:
            return value


def _prompt(port: Port) -> str:
    about = in_words(port.type)
    if port.default is not None:
        about += f", {port.default} if empty"
    elif not port.required:
        about += ", may be empty"
    return f"{port.title} ({about}): "
