"""Stream dataflows that may meet again further down: they must never hold their producer back."""

from collections.abc import Iterable
from dataclasses import replace

from runner.graph.task_graph import PlannedTask, paths_in


def with_elastic(tasks: dict[str, PlannedTask]) -> dict[str, PlannedTask]:
    """Mark the stream inputs whose dataflows lie in the 2-core of the undirected stream graph."""
    for path, port in meeting_again(tasks.values()):
        planned = tasks[path]
        tasks[path] = replace(planned, elastic=planned.elastic | {port})
    return tasks


def meeting_again(tasks: Iterable[PlannedTask]) -> list[tuple[str, str]]:
    """Give the (path, port) ends of first-chunk dataflows that may meet again further down.

    Takes tasks with one such dataflow away, again and again; what remains may go in a ring.
    """
    ends: dict[str, set[tuple[str, str, str]]] = {}
    for planned in tasks:
        for port in planned.first_chunk:
            for producer in paths_in((planned.sources[port],)):
                dataflow = (producer, planned.path, port)
                ends.setdefault(producer, set()).add(dataflow)
                ends.setdefault(planned.path, set()).add(dataflow)
    lonely = [path for path, dataflows in ends.items() if len(dataflows) == 1]
    while lonely:
        for dataflow in ends.pop(lonely.pop(), set()):
            other = dataflow[0] if dataflow[0] in ends else dataflow[1]
            _take_away(ends, other, dataflow, lonely)
    remaining = {dataflow for dataflows in ends.values() for dataflow in dataflows}
    return sorted((into, port) for _, into, port in remaining)


def _take_away(
    ends: dict[str, set[tuple[str, str, str]]],
    path: str,
    dataflow: tuple[str, str, str],
    lonely: list[str],
) -> None:
    left = ends[path]
    left.discard(dataflow)
    if len(left) == 1:
        lonely.append(path)
    elif not left:
        ends.pop(path)
