"""Trial runs: run only this, run to here, and outputs that are given instead of run."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from runner.errors import PlanError, Problem, ValueFault
from runner.graph.checking import CheckedGraph
from runner.graph.computing import uses_names
from runner.graph.dataflow import ERROR_PORT, GRAPH_INPUTS
from runner.graph.loops import Map
from runner.graph.ports import ERROR, Port
from runner.graph.task_graph import Constant, Source
from runner.graph.task_ports import said


class Trial:
    """What a trial run leaves out of a checked graph, and what it takes as given.

    `only` names the tasks to run; `until` those to run with all that they need; `pins` has
    outputs by task and port for tasks that then do not run; `items` names maps that go through
    one item only, with its index. Raises PlanError, a sentence for each thing that is wrong.
    """

    def __init__(
        self,
        checked: CheckedGraph,
        *,
        only: Collection[str] = (),
        until: Collection[str] = (),
        pins: Mapping[str, Mapping[str, Any]] | None = None,
        items: Mapping[str, int] | None = None,
    ) -> None:
        self._checked = checked
        self._problems: list[Problem] = []
        self._pins: dict[str, Mapping[str, Source]] = {}
        for name in (*only, *until, *(pins or {}), *(items or {})):
            self._check_task(name)
        self._items = {name: at for name, at in (items or {}).items() if self._is_map(name)}
        for name, at in self._items.items():
            self._check_item(name, at)
        for name, outputs in (pins or {}).items():
            if name in checked.tasks:
                self._pins[name] = self._encoded(name, outputs)
        self._kept = self._kept_by(only, until)
        self._check_sources()
        if self._problems:
            raise PlanError.of(self._problems)

    @property
    def graph(self) -> CheckedGraph:
        """The checked graph with those maps cut down to their items."""
        if not self._items:
            return self._checked
        tasks = dict(self._checked.tasks)
        for name, index in self._items.items():
            tasks[name] = tasks[name].with_item(index)  # type: ignore[attr-defined] # a map
        return replace(self._checked, tasks=tasks)

    @property
    def pinned(self) -> tuple[str, ...]:
        """The tasks whose outputs are given, in the order of the graph."""
        return tuple(each.id for each in self._checked.order if each.id in self._pins)

    @property
    def left_out(self) -> tuple[str, ...]:
        """The tasks that neither run nor are given, in the order of the graph."""
        gone = self._kept | self._pins.keys()
        return tuple(each.id for each in self._checked.order if each.id not in gone)

    def takes(self, task_id: str) -> Mapping[str, Source] | None:
        """Give the outputs of a task that does not run; None if it does."""
        pinned = self._pins.get(task_id)
        if pinned is None and task_id not in self._kept:
            return {}
        return pinned

    def needs_input(self, name: str) -> bool:
        """Whether a task that runs takes this input of the graph."""
        end = (GRAPH_INPUTS, name)
        checked = self._checked
        return any(
            any(end in ends for ends in checked.feeds[each.id].values()) or name in uses_names(each)
            for each in checked.order
            if each.id in self._kept and each.id not in self._pins
        )

    def _say(self, sentence: str, task: str, port: str | None = None) -> None:
        self._problems.append(Problem(sentence, task, port))

    def _check_task(self, name: str) -> None:
        if name not in self._checked.tasks:
            self._say(f"There is no task '{name}'; there is {said(self._checked.tasks)}.", name)

    def _is_map(self, name: str) -> bool:
        """Whether a task is a map, so that one item of it can be run."""
        task = self._checked.tasks.get(name)
        if task is not None and not isinstance(task, Map):
            self._say(f"{name} is no map; only of a map can one item be run.", name)
        return isinstance(task, Map)

    def _check_item(self, name: str, index: int) -> None:
        if index < 0:
            self._say("Items are counted from 0.", name)

    def _encoded(self, name: str, outputs: Mapping[str, Any]) -> dict[str, Source]:
        found: dict[str, Source] = {}
        ports: Mapping[str, Port] = self._checked.tasks[name].outputs
        for port, value in outputs.items():
            if port not in ports and port != ERROR_PORT:
                self._say(f"{name} has no output '{port}'; it has {said(ports)}.", name, port)
                continue
            try:
                found[port] = Constant((ERROR if port == ERROR_PORT else ports[port]).encode(value))
            except ValueFault as fault:
                self._say(fault.sentence, name, port)
        return found

    def _kept_by(self, only: Iterable[str], until: Iterable[str]) -> frozenset[str]:
        """Give the tasks to run: all, unless something is named."""
        tasks = self._checked.tasks.keys()
        found: set[str] = set()
        line = [*until]
        if not line and not only:
            return frozenset(tasks)
        while line:
            name = line.pop()
            if name in tasks and name not in found and name not in self._pins:
                found.add(name)
                line += [end[0] for ends in self._checked.feeds[name].values() for end in ends]
        return frozenset((found | set(only)) & tasks)

    def _check_sources(self) -> None:
        """Say which tasks have to be pinned, because those that run take what they give."""
        gone = set(self.left_out)
        disabled = {each.id for each in self._checked.order if each.disabled}
        for defined in self._checked.order:
            if defined.id not in self._kept or defined.id in self._pins or defined.disabled:
                continue
            for port, ends in self._checked.feeds[defined.id].items():
                for source, name in ends:
                    if source in gone - disabled:
                        self._say(
                            f"{defined.id} takes '{name}' of {source}, which does not run; "
                            f"pin {source}, or run it too.",
                            defined.id,
                            port,
                        )
