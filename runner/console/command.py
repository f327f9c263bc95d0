"""`python -m runner graph.json`: a run on the memory store, shown in this terminal."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from runner.console.arguments import (
    CANCELLED,
    FAILED,
    USAGE,
    exit_code_of,
    parser,
    read_definition,
    read_inputs,
)
from runner.console.asking import Asking, Terminal
from runner.console.renderer import Renderer
from runner.errors import RunnerError
from runner.execution.artifacts import (
    FolderArtifacts,
    MemoryArtifacts,
    keep_path,
)
from runner.execution.host import Host
from runner.execution.mail import Mailer, MailServer, NoMailer, servers_in
from runner.execution.memory import MemoryRun, MemoryStore
from runner.execution.network import network_in
from runner.execution.run_executor import RunExecutor
from runner.graph.definition import GraphDefinition
from runner.graph.planning import plan
from runner.graph.registry import default_registry
from runner.graph.task_graph import TaskGraph
from runner.graph.values import decode, encode
from runner.run import events as happened

SECOND_SIGNAL_SECONDS = 1.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a definition from a file on the memory store; give the exit code."""
    options = parser().parse_args(arguments)
    artifacts = FolderArtifacts(Path(options.files)) if options.files else MemoryArtifacts()
    try:
        network = network_in(os.environ)
        mailer = _mailer(servers_in(os.environ))
        definition = read_definition(Path(options.graph))
        workflows = _workflows(definition, options.workflow)
        inputs = read_inputs(definition, options.input, partial(keep_path, artifacts, ""))
        # Plan what the store gives back: a value that cannot be kept is refused here.
        kept = encode(inputs)
        graph = plan(definition, decode(kept), default_registry().with_workflows(workflows))
    except RunnerError as fault:
        sys.stderr.write(f"error: {fault}\n")
        return USAGE
    renderer = Renderer(definition, sys.stdout, as_json=options.json, workflows=workflows)
    return _run(graph, kept, renderer, Host(artifacts=artifacts, network=network, mailer=mailer))


def _mailer(servers: Mapping[str, MailServer]) -> Mailer:
    """Give what sends mail; without a server, what says how to set one."""
    if not servers:
        return NoMailer()
    from runner.outside.smtp import SmtpMailer  # noqa: PLC0415 - only who sends mail needs it

    return SmtpMailer(servers)


def _workflows(definition: GraphDefinition, files: Iterable[str]) -> Mapping[str, GraphDefinition]:
    """Give the workflows that may be named: those in files, and the graph itself."""
    found = [definition, *(read_definition(Path(each)) for each in files)]
    return {each.name: each for each in found}


def _run(graph: TaskGraph, inputs: str, renderer: Renderer, host: Host) -> int:
    try:
        code = exit_code_of(asyncio.run(_run_here(graph, inputs, renderer, host)))
    except KeyboardInterrupt:
        code = CANCELLED
    finally:
        renderer.close()
    return code or (FAILED if renderer.is_cut else code)


async def _run_here(graph: TaskGraph, inputs: str, renderer: Renderer, host: Host) -> str:
    store = MemoryStore()
    run = store.submit(graph.definition.to_json(), inputs)
    stored = store.take(run, "console")
    kept = store.runs[run]
    follower = _Follower(kept, renderer)
    host = replace(
        host,
        on_commit=lambda _run, _seq: follower.catch_up(),
        is_watched=lambda _run: True,
    )
    executor = RunExecutor(graph, store, stored, host=host)
    follower.asking = Asking(
        Terminal(sys.stdin.fileno(), sys.stderr) if _is_person() else None,
        renderer,
        say=_say,
        answer=lambda path, value: executor.answer(path, value, "console"),
        give_up=lambda: executor.cancel("console"),
    )
    with_signals(lambda: executor.cancel("console"), close=renderer.close)
    try:
        await executor.run()
    finally:
        follower.asking.stop()
    return kept.status


def _is_person() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()


def with_signals(cancel: Callable[[], None], *, close: Callable[[], None]) -> None:
    """Let Ctrl+C, or SIGTERM, cancel the run; a later Ctrl+C ends the process after `close`."""
    loop = asyncio.get_running_loop()

    def leave() -> None:
        # Nothing is waited for, bodies that hear no cancel and threads least of all.
        close()
        _say("Ended at once; what was still running was not waited for.")
        os._exit(CANCELLED)

    def stop() -> None:
        # Not at once: one key press may arrive twice, from the terminal and from a parent.
        loop.call_later(SECOND_SIGNAL_SECONDS, loop.add_signal_handler, signal.SIGINT, leave)
        cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)


class _Follower:
    """How far the kept events are shown; chunks are kept in the order of their events."""

    asking: Asking

    def __init__(self, kept: MemoryRun, renderer: Renderer) -> None:
        self._kept = kept
        self._renderer = renderer
        self._next_entry = 0
        self._next_chunk = 0

    def catch_up(self) -> None:
        """Show what was kept since the last time, and ask what it asks."""
        while self._next_entry < len(self._kept.entries):
            entry = self._kept.entries[self._next_entry]
            self._next_entry += 1
            items: tuple[str, ...] = ()
            if isinstance(entry.event, happened.ChunksStored):
                items = self._kept.chunks[self._next_chunk].items
                self._next_chunk += 1
            self._renderer.show(entry, items)
            self.asking.take(entry.event)
