"""Wiring: the dataflows of a run at work; who may start, who must stop, who can be final.

What a task still waits for is a counter, and so is what it has read that is not final yet.
Nothing done for an event is proportional to the graph: a producer knows its links.
"""

from collections.abc import Iterable, Iterator

from runner.graph.task_graph import (
    Constant,
    OutputOf,
    PlannedCompound,
    PlannedTask,
    Several,
    Source,
    producers,
)
from runner.run import groups
from runner.run.moves import ACTIVE, LIVE, OVER
from runner.run.task_state import Group, Link, TaskState, Until

#: The port of the links that hold what is inside a map along a stream.
ITEMS = "[items]"
#: What links that an expression of a setting reads through end at.
SETTING = "[setting]"


class Wiring:
    """All tasks and compounds of a run, joined by links."""

    def __init__(self) -> None:
        self.tasks: dict[str, TaskState] = {}
        self.groups: dict[str, Group] = {}
        #: The last attempts of tasks that were forgotten, or are not unfolded again yet.
        self.attempts: dict[str, int] = {}
        self.some_not_taken = False
        #: Paths of tasks that never begin: disabled ones, and those that cannot be without them.
        self.skipped: set[str] = set()

    # ── growing and shrinking ────────────────────────────────────────────────────────────────

    def add_groups(self, compounds: Iterable[PlannedCompound]) -> list[Group]:
        """Add compounds, each after the one around it."""
        added = []
        for each in compounds:
            parent = self.groups.get(each.parent) if each.parent else None
            group = Group(each.path, parent, each.policy, fail_fast=each.fail_fast)
            self.groups[each.path] = group
            added.append(group)
        return added

    def add(self, planned: Iterable[PlannedTask], share: float) -> list[TaskState]:
        """Add tasks, joined to what they read; each has `share` of the run's progress."""
        added = [TaskState(each, share) for each in planned]
        tasks = self.tasks
        for each in added:
            tasks[each.planned.path] = each
            if self.attempts:
                each.attempt = self.attempts.pop(each.planned.path, 0)
        for each in added:
            parent = each.planned.parent
            if parent is not None and parent in self.groups:
                each.group = self.groups[parent]
                groups.join(each.group)
            self._join_all(each)
        return added

    def hold(self, owner: TaskState, inside: Iterable[TaskState]) -> None:
        """Let nothing inside a map be final before the map knows which items it has.

        What has an effect does not even begin before.
        """
        for each in inside:
            begins = each.planned.task.effect == "none"
            owner.links.append(Link(ITEMS, each, "", Until.NEVER if begins else Until.FINAL))
            each.provisional += 1
            each.waiting += not begins

    def forget(self, forgotten: Iterable[TaskState], prefix: str) -> None:
        """Take tasks out, and the compounds whose paths begin with `prefix`."""
        dead = {id(each) for each in forgotten}
        for each in forgotten:
            self.tasks.pop(each.planned.path, None)
            if each.attempt:
                self.attempts[each.planned.path] = each.attempt
            for output in (*producers(each.planned.takes), *each.planned.gates):
                source = self.tasks.get(output.path)
                if source is not None:
                    source.links = [link for link in source.links if id(link.target) not in dead]
        for path in [each for each in self.groups if each.startswith(prefix)]:
            del self.groups[path]

    def _join_all(self, state: TaskState) -> None:
        planned = state.planned
        for into, source in planned.sources.items():
            if type(source) is OutputOf:
                self._join(source, state, into, _until(state, into))
            elif type(source) is not Constant:
                until = _until(state, into)
                for output in producers((source,)):
                    self._join(output, state, into, until)
        for computed in planned.settings.values():
            for output in producers((computed,)):
                self._join(output, state, SETTING, _until(state, SETTING))
        for gate in planned.gates:
            self._join(gate, state, "", _until(state, ""))

    def _join(self, output: OutputOf, state: TaskState, into: str, until: Until) -> None:
        source = self.tasks[output.path]
        if source.status in OVER:
            return
        link = Link(output.port, state, into, until)
        source.links.append(link)
        state.provisional += 1
        if until is Until.NEVER:
            return
        ahead = source.returned and not source.unfolds and until is not Until.FINAL
        if ahead or (until is Until.FIRST and output.port in source.open_ports):
            link.opened = True
        else:
            state.waiting += 1

    # ── what moves on ────────────────────────────────────────────────────────────────────────

    def first_chunk(self, state: TaskState, port: str) -> tuple[list[Link], list[TaskState]]:
        """Open the links of a stream that began; give those that stream, and who may start."""
        state.open_ports |= {port}
        streaming = [
            link for link in state.links if link.until is Until.FIRST and link.port == port
        ]
        return streaming, _open(link for link in streaming if not link.opened)

    def returned(self, state: TaskState) -> list[TaskState]:
        """Open the links of those that may run ahead of the producer's completion."""
        state.returned = True
        return _open(
            link for link in state.links if not link.opened and link.until is not Until.FINAL
        )

    def settled(
        self, state: TaskState, ports: Iterable[str] | None = None
    ) -> tuple[list[TaskState], list[TaskState]]:
        """Close a producer's account, or that of some ports; give who may start, who is final."""
        if ports is None:
            links, state.links = state.links, []
        else:
            links = [link for link in state.links if link.port in ports]
            state.links = [link for link in state.links if link.port not in ports]
        ready = []
        final = []
        for link in links:
            target = link.target
            target.provisional -= 1
            if not link.opened:
                link.opened = True
                target.waiting -= 1
                if not target.waiting:
                    ready.append(target)
            elif not target.provisional and target.returned and target.status in LIVE:
                final.append(target)
        return ready, final

    def superseded(self, state: TaskState, port: str | None = None) -> list[TaskState]:
        """Close the links of a stream that no longer counts, or of all that was provisional.

        Gives the targets that are under way and must stop.
        """
        if port is None:
            state.open_ports = frozenset()
            state.returned = False
        else:
            state.open_ports -= {port}
        stop = []
        for link in state.links:
            concerned = link.until is Until.FIRST and link.port == port
            if port is None:
                concerned = link.until is not Until.NEVER
            if concerned and link.opened:
                link.opened = False
                link.target.waiting += 1
                if link.target.status in ACTIVE:
                    stop.append(link.target)
        return stop

    # ── questions ────────────────────────────────────────────────────────────────────────────

    def below(self, state: TaskState) -> Iterator[TaskState]:
        """Give every task that needs this one, near ones first."""
        seen = {id(state)}
        line = [state]
        for each in line:
            for link in each.links:
                if id(link.target) not in seen:
                    seen.add(id(link.target))
                    line.append(link.target)
                    yield link.target

    def gives(self, source: Source) -> bool:
        """Whether a source carries something, as far as is known."""
        if isinstance(source, OutputOf):
            return self.tasks[source.path].gives(source.port)
        if isinstance(source, Several):
            return source.aligned or any(self.gives(each) for each in source.sources)
        return True

    def missing(self, state: TaskState) -> str:
        """Say which required input was not taken; empty if none."""
        planned = state.planned
        ports = planned.task.inputs
        for into, source in planned.sources.items():
            if ports[into].required and not self.gives(source):
                return f"nothing was taken for {into}"
        if any(not self.gives(gate) for gate in planned.gates):
            return "the graph around it was not taken"
        return ""


def _open(links: Iterable[Link]) -> list[TaskState]:
    ready = []
    for link in links:
        link.opened = True
        link.target.waiting -= 1
        if not link.target.waiting:
            ready.append(link.target)
    return ready


def _until(state: TaskState, into: str) -> Until:
    """Say what an input waits for; what has an effect waits until all it reads is final."""
    planned = state.planned
    control = state.control
    if control is None:
        if planned.task.effect != "none" or planned.policy.cache:
            return Until.FINAL
        early = into in planned.first_chunk or not into
        return Until.FIRST if early else Until.AHEAD
    if into in planned.decides_on:
        return Until.FINAL
    if control.routes or into == control.item_stream or not into:
        early = into in planned.first_chunk or not into
        return Until.FIRST if early else Until.AHEAD
    return Until.NEVER
