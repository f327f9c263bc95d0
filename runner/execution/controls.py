"""Controls: lets control tasks decide, unfold and settle, and passes on what flows through."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from runner.errors import RunnerError
from runner.execution.body import error_of
from runner.execution.failpoints import reach
from runner.execution.stream import Stream
from runner.graph.control import Control
from runner.graph.task_graph import OutputOf, Several, Source
from runner.run import events
from runner.run.commands import Command, PushItem, SettleTask
from runner.run.events import TaskError
from runner.run.moves import ACTIVE, GOOD, LIVE
from runner.run.task_state import TaskState

if TYPE_CHECKING:
    from runner.execution.run_executor import RunExecutor

type End = tuple[str, str]


class Controls:
    """The control tasks of one run.

    An output through which one source flows stands for that source: nothing is copied, its
    stream's events are told of the control's port too. What a map gives item by item is a stream
    of its own.
    """

    def __init__(self, executor: "RunExecutor") -> None:
        self._executor = executor
        self._state = executor.state
        self._values = executor.values
        self._passages: dict[End, list[End]] = {}
        self._sources: dict[str, dict[str, End]] = {}
        self._feeders: dict[str, asyncio.Task[None]] = {}
        #: By path and port of a map: the items that its stream has given.
        self._pushed: dict[End, set[int]] = {}

    # ── deciding ─────────────────────────────────────────────────────────────────────────────

    def decide(self, path: str) -> None:
        """Let a control task decide once more, and carry the decision out."""
        state = self._state.tasks.get(path)
        if state is None or state.status not in LIVE:
            return
        if state.grows and not state.decided:
            self._feed(state)
            return
        try:
            decision = self._decision(state)
            if decision is None:
                self._nothing_more(state)
            elif state.unfolds:
                self._unfold(state, decision)
            else:
                self._route(state, decision)
        except RunnerError as fault:
            self._fail(state, fault)

    def _decision(self, state: TaskState) -> Any:
        control = state.control
        if control is None or (control.routes and state.rounds):
            return state.rounds[0]
        return control.decide(self._read(state, control), len(state.rounds))

    def _read(self, state: TaskState, control: Control) -> dict[str, Any]:
        """Decode what a control decides on; of several dataflows, which of them were taken."""
        planned = state.planned
        if control.routes and not planned.decides_on:
            return {
                port: [self._state.gives(each) for each in source.sources]
                for port, source in planned.sources.items()
                if isinstance(source, Several)
            }
        found: dict[str, Any] = {}
        sources = control.current(planned, self._state.scopes.outputs(state))
        for port in planned.decides_on:
            source = sources.get(port)
            if source is not None and self._state.gives(source):
                found[port] = control.inputs[port].decode(self._values.text(source))
        return found

    def _unfold(self, state: TaskState, decision: Any) -> None:
        path, turn = state.planned.path, len(state.rounds)
        reach("expand_subgraph")
        self._executor.apply(
            events.TaskExpanded(path, turn, decision, state.attempt),
            changes={"rounds": (*state.rounds, decision)},
        )
        if state.streams_items:
            self._pass(state, early=True)

    def _nothing_more(self, state: TaskState) -> None:
        if state.error is None:
            self.settle(state.planned.path)
            return
        self._record_failure(state, state.error)

    def _fail(self, state: TaskState, fault: RunnerError) -> None:
        self._record_failure(state, error_of(fault, state.planned.path, state.attempt))

    def _record_failure(self, state: TaskState, error: TaskError) -> None:
        path, handled = state.planned.path, state.planned.handles_error
        self._executor.record(events.TaskFailed(path, state.attempt, error, handled))

    # ── passing on ───────────────────────────────────────────────────────────────────────────

    def _route(self, state: TaskState, decision: Any) -> None:
        path = state.planned.path
        self._executor.apply(events.TaskDecided(path, decision), changes={"rounds": (decision,)})
        self._pass(state, early=False)
        self._return_if_passed(state)

    def _return_if_passed(self, state: TaskState) -> None:
        """A route has returned when all that passes through it has come."""
        planned = state.planned
        streams = (
            self._values.stream(OutputOf(planned.path, port)) for port in planned.task.outputs
        )
        if not state.returned and all(stream is None or stream.closed for stream in streams):
            self._executor.record(events.TaskReturned(planned.path, state.attempt))

    def _pass(self, state: TaskState, *, early: bool) -> None:
        """Let outputs stand for what they take; `early` only those that may stream."""
        path = state.planned.path
        outputs = state.planned.task.outputs
        for port, source in self._state.scopes.settle(state).items():
            if isinstance(source, OutputOf) and (not early or outputs[port].streams):
                self._open_passage(state, port, source)
            elif not early:
                self._values.let_pass(path, {port: source})

    def _open_passage(self, state: TaskState, port: str, source: OutputOf) -> None:
        """Let an output stand for another one, whose stream it follows from now on."""
        path, key = state.planned.path, (source.path, source.port)
        standing = self._sources.setdefault(path, {})
        if standing.get(port) == key:
            return
        if port in standing:
            self._passages[standing[port]].remove((path, port))
        standing[port] = key
        self._passages.setdefault(key, []).append((path, port))
        self._values.let_pass(path, {port: source})
        self._catch_up(state, port, source)

    def _catch_up(self, state: TaskState, port: str, source: Source) -> None:
        stream = self._values.stream(source)
        if stream is not None and (stream.chunks or stream.closed):
            self._executor.apply(events.StreamOpened(state.planned.path, port, state.attempt))
            if stream.closed:
                count = len(stream.chunks)
                self._executor.apply(
                    events.StreamClosed(state.planned.path, port, state.attempt, count)
                )

    def follow(
        self, event: events.StreamOpened | events.StreamClosed | events.StreamSuperseded
    ) -> None:
        """Tell of a stream's event at the ports that it passes through."""
        for path, port in list(self._passages.get((event.path, event.port), ())):
            state = self._state.tasks[path]
            if isinstance(event, events.StreamOpened):
                self._executor.apply(events.StreamOpened(path, port, state.attempt))
            elif isinstance(event, events.StreamSuperseded):
                self._executor.apply(events.StreamSuperseded(path, port, state.attempt))
            else:
                self._executor.apply(events.StreamClosed(path, port, state.attempt, event.chunks))
                if not state.unfolds:
                    self._return_if_passed(state)

    def forget_passages(self, path: str) -> None:
        """Pass nothing on to a control's ports any more."""
        for port, key in self._sources.pop(path, {}).items():
            self._passages[key].remove((path, port))
            if not self._passages[key]:
                del self._passages[key]

    # ── a map along a stream, and as one ─────────────────────────────────────────────────────

    def _feed(self, state: TaskState) -> None:
        path = state.planned.path
        self._feeders[path] = asyncio.create_task(
            self._follow_items(state), name=f"items of {path}"
        )

    async def _follow_items(self, state: TaskState) -> None:
        """Unfold one item for each chunk, until the stream is closed."""
        planned, control, attempt = state.planned, state.control, state.attempt
        port = control.item_stream if control is not None else ""
        stream = self._values.stream(planned.sources[port])
        texts = self._values.items(planned.path, port) if stream is None else stream.chunks
        index = 0
        while True:
            while index < len(texts):
                # What the last item led to may have taken this attempt back.
                if state.attempt != attempt or state.status not in LIVE:
                    return
                if stream is not None:
                    self._values.item_came(planned.path, port, texts[index])
                index += 1
                reach("expand_subgraph")
                self._executor.record(events.TaskExpanded(planned.path, index - 1, index, attempt))
            if stream is None or stream.closed:
                break
            await stream.grown()
        if stream is None or not stream.failed:
            self._executor.record(events.TaskReturned(planned.path, attempt))

    def push_item(self, path: str, index: int) -> None:
        """Stream what an item gave, once it is there: in item order, or at once with its index."""
        state = self._state.tasks.get(path)
        if state is None or state.status not in ACTIVE:
            return
        for port, source in self._state.scopes.settle(state).items():
            if isinstance(source, Several) and state.planned.task.outputs[port].streams:
                self._push_items(path, port, source.sources, index)

    def _push_items(self, path: str, port: str, sources: Sequence[Source], index: int) -> None:
        pushed = self._pushed.setdefault((path, port), set())
        stream = self._executor.desk.open_stream(path, port)
        if stream.port.indexed:
            if index not in pushed and self._is_there(sources[index]):
                pushed.add(index)
                stream.append(f"[{index},{self._item(sources[index])}]")
            return
        for each in range(len(pushed), len(sources)):
            if not self._is_there(sources[each]):
                return
            pushed.add(each)
            stream.append(self._item(sources[each]))

    def _is_there(self, source: Source) -> bool:
        """Whether an item's value is known, though it may still be provisional."""
        if not isinstance(source, OutputOf):
            return True
        state = self._state.tasks[source.path]
        if state.status in GOOD:
            return True
        if state.status not in LIVE or state.unfolds or not state.returned:
            return False
        return not self._executor.bodies.has_failed(source.path)

    def _item(self, source: Source) -> str:
        return self._values.text(source) if self._state.gives(source) else "null"

    def take_back_items(self, owner: TaskState) -> None:
        """An item that was streamed counts no longer: the stream of its map begins anew."""
        path = owner.planned.path
        if not self._forget_pushed(path):
            return
        self._executor.desk.supersede(path)
        for scope in owner.scopes:
            self._executor.do(PushItem(path, scope.index))

    def _forget_pushed(self, path: str) -> bool:
        gone = [self._pushed.pop(key) for key in list(self._pushed) if key[0] == path]
        return any(gone)

    # ── the end ──────────────────────────────────────────────────────────────────────────────

    def settle(self, path: str) -> None:
        """Put a control's outputs together and record its completion."""
        state = self._state.tasks.get(path)
        if state is None or state.status not in LIVE:
            return
        if state.provisional:
            # What it hands on as it came is not final yet.
            self._executor.record(events.TaskReturned(path, state.attempt))
            return
        if self._close_streams(state):
            return
        sources = self._state.scopes.settle(state)
        self._pass(state, early=False)
        outputs: dict[str, str] = {}
        not_taken: list[str] = []
        for port in state.planned.task.outputs:
            source = sources.get(port)
            if source is None or not self._state.gives(source):
                not_taken.append(port)
            elif self._stream(path, port, source) is None:
                outputs[port] = self._values.text(source)
        self.forget_passages(path)
        self._executor.bodies.finish(path, outputs, tuple(not_taken))

    def _stream(self, path: str, port: str, source: Source) -> Stream | None:
        return self._values.streams.get((path, port)) or self._values.stream(source)

    def _close_streams(self, state: TaskState) -> bool:
        """Close what a map streams, if it is not yet; then settling comes after its last chunks."""
        path, desk = state.planned.path, self._executor.desk
        ports = state.planned.task.outputs
        named = [
            port
            for port, source in self._state.scopes.settle(state).items()
            if isinstance(source, Several) and ports[port].streams
        ]
        streams = [desk.open_stream(path, port) for port in named]
        unfinished = [each for each in streams if not each.closed]
        for each in unfinished:
            desk.close_stream(each)
        if unfinished:
            self._executor.later(SettleTask(path))
        return bool(unfinished)

    def take_up(self, state: TaskState) -> list[Command]:
        """Let what flows through a control flow again, and what its items gave."""
        if not state.streams_items or not state.scopes:
            return []
        self._pass(state, early=True)
        return [
            PushItem(state.planned.path, scope.index)
            for scope in state.scopes
            if not scope.left and scope.error is None
        ]

    def drop(self, path: str) -> None:
        """Stop what goes on for a control that was dropped, cancelled or has failed."""
        self.forget_passages(path)
        self._forget_pushed(path)
        feeder = self._feeders.pop(path, None)
        if feeder is not None:
            feeder.cancel()

    def stop(self) -> None:
        """Stop all feeders: the executor lets the run go."""
        for feeder in self._feeders.values():
            feeder.cancel()
