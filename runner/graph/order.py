"""The order of a graph's tasks: each after what it needs, the same order every time."""

from collections.abc import Iterable, Mapping
from graphlib import CycleError as Circle
from graphlib import TopologicalSorter

from runner.errors import CycleError
from runner.graph.dataflow import GRAPH_INPUTS


def ordered(feeds: Mapping[str, Mapping[str, Iterable[tuple[str, str]]]]) -> tuple[str, ...]:
    """Sort tasks topologically; raises CycleError with the tasks of a circle.

    `feeds` has the (task, port) ends that flow into each input port of each task.
    """
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for task_id, ports in feeds.items():
        needed = [end[0] for ends in ports.values() for end in ends]
        sorter.add(task_id, *(each for each in needed if each != GRAPH_INPUTS))
    try:
        return tuple(sorter.static_order())
    except Circle as circle:
        raise CycleError(circle.args[1]) from circle
