"""Where an input may take its value from: every port of a level, and how it fits (pure)."""

from collections.abc import Iterator
from dataclasses import dataclass

from runner.editing.draft import Draft, joined
from runner.graph.checking import CheckedGraph
from runner.graph.dataflow import ERROR_PORT, GRAPH_INPUTS
from runner.graph.definition import GraphDefinition
from runner.graph.ports import ERROR, Port, fit

#: A select with more choices is not read by anybody.
MOST_MISFITS = 40
MOST_SOURCES = 400
_GROUPS = {"fits": "Fits", "checked": "Checked in the run", "misfit": "Does not fit"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An end that a value may come from: "task.port", in words, and how it fits."""

    end: str
    words: str
    verdict: str = "fits"
    reason: str = ""

    @property
    def said(self) -> str:
        """The words, with what speaks against it."""
        return f"{self.words}: {self.reason}" if self.reason else self.words


def ends_of(
    drawing: Draft, level: str, checked: CheckedGraph, *, errors: bool = False
) -> Iterator[tuple[str, str, Port]]:
    """Give each end that a value of a level comes from: its text, its words, its port."""
    for name, port in checked.inputs.items():
        yield f"{GRAPH_INPUTS}.{name}", f"Input {name}", port
    for task_id, task in checked.tasks.items():
        title = drawing.task(joined(level, task_id)).title or task_id
        for name, port in task.outputs.items():
            yield f"{task_id}.{name}", f"{title}: {name}", port
        if errors:
            yield f"{task_id}.{ERROR_PORT}", f"{title}: its error", ERROR


def sources_for(
    drawing: Draft, level: str, checked: CheckedGraph, task_id: str, port: Port
) -> dict[str, list[Source]]:
    """Group the ends of a level by how they fit a port of a task; what comes after it does not."""
    found: dict[str, list[Source]] = {title: [] for title in _GROUPS.values()}
    after = behind(drawing.level(level), task_id)
    for end, words, given in ends_of(drawing, level, checked, errors=True):
        source = _judged(end, words, given, port, after)
        least = given is ERROR and source.verdict == "misfit"
        group = found[_GROUPS[source.verdict]]
        if not least and len(group) < (
            MOST_MISFITS if source.verdict == "misfit" else MOST_SOURCES
        ):
            group.append(source)
    return {title: each for title, each in found.items() if each}


def behind(level: GraphDefinition, task_id: str) -> set[str]:
    """Give a task with all that its outputs reach."""
    next_ones: dict[str, list[str]] = {}
    for flow in level.dataflows:
        next_ones.setdefault(flow.source_end[0], []).append(flow.target_end[0])
    found, waiting = {task_id}, [task_id]
    while waiting:
        fresh = [each for each in next_ones.get(waiting.pop(), ()) if each not in found]
        found.update(fresh)
        waiting += fresh
    return found


def _judged(end: str, words: str, given: Port, port: Port, after: set[str]) -> Source:
    if end.partition(".")[0] in after:
        return Source(end=end, words=words, verdict="misfit", reason="it comes after this task.")
    found = fit(given, port)
    waits = given.streams and not port.reads_stream and found.verdict == "fits"
    reason = "waits for the end of the stream." if waits else found.reason
    return Source(end=end, words=words, verdict=found.verdict, reason=reason)
