"""The order of a graph's tasks: each after what it needs, the same order every time."""

from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError as Circle
from graphlib import TopologicalSorter
from itertools import chain

from runner.errors import CycleError
from runner.graph.dataflow import GRAPH_INPUTS


def ordered(feeds: Mapping[str, Mapping[str, Iterable[tuple[str, str]]]]) -> tuple[str, ...]:
    """Sort tasks topologically, in Kahn's way; raises CycleError with the tasks of a circle.

    `feeds` has the (task, port) ends that flow into each input port of each task.
    """
    waiting: dict[str, int] = {}
    dependants: dict[str, list[str]] = {}
    for task_id, ports in feeds.items():
        waiting.setdefault(task_id, 0)
        for needed, _ in chain.from_iterable(ports.values()):
            if needed != GRAPH_INPUTS:
                waiting[task_id] += 1
                waiting.setdefault(needed, 0)
                dependants.setdefault(needed, []).append(task_id)
    order = [task_id for task_id, count in waiting.items() if not count]
    for task_id in order:  # which grows meanwhile
        for each in dependants.get(task_id, ()):
            waiting[each] -= 1
            if not waiting[each]:
                order.append(each)
    if len(order) < len(waiting):
        raise CycleError(_circle(feeds))
    return tuple(order)


def _circle(feeds: Mapping[str, Mapping[str, Iterable[tuple[str, str]]]]) -> Sequence[str]:
    """Find a circle, each task before one that takes what it gives, the first again at the end."""
    needs = {
        task_id: [needed for needed, _ in chain.from_iterable(ports.values())]
        for task_id, ports in feeds.items()
    }
    found: Sequence[str] = ()
    try:
        TopologicalSorter(needs).prepare()
    except Circle as circle:
        found = circle.args[1]
    return found
