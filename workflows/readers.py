"""Who reads what a port streams: from its first chunk on, or once it is whole."""

from dataclasses import dataclass

from workflows.models import Run
from workflows.outline import Outline, Place, outline_for
from workflows.passing import as_run
from workflows.ports import reads_stream

_HAS_BEGUN = frozenset({"running", "streaming", "retrying", "cancelling"})
_HAS_ENDED = frozenset({"completed", "cached", "failed", "cancelled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A task that a port leads to; `is_early` reads chunk by chunk."""

    path: str
    title: str
    is_early: bool
    status: str

    @property
    def sentence(self) -> str:
        """Say what it does with the stream, to be read after its title."""
        if self.status in _HAS_ENDED:
            return "read it as it came" if self.is_early else "took the whole"
        if self.status in {"skipped", "upstream-failed"}:
            return "does not read it"
        if self.status in _HAS_BEGUN:
            return "reads along" if self.is_early else "took the whole"
        return "begins at the first chunk" if self.is_early else "waits for the end"


def readers_of(run: Run, place: Place, path: str, port: str) -> tuple[Reader, ...]:
    """Give the tasks beside this one that a port leads to, in the definition's order."""
    outline = outline_for(run)
    found = list(_beside(outline, place, port))
    at = {
        target.path: target.path if target.path in outline.places else as_run(target.path, path)
        for target, _ in found
    }
    kept = run.task_runs.filter(path__in=list(at.values()))
    statuses = dict(kept.values_list("path", "status"))
    return tuple(
        Reader(
            path=at[target.path],
            title=target.title,
            is_early=reads_stream(target, into),
            status=statuses.get(at[target.path], "pending"),
        )
        for target, into in found
    )


def _beside(outline: Outline, place: Place, port: str) -> list[tuple[Place, str]]:
    group = outline.everywhere.get(place.parent.removesuffix("[]"))
    level = (group.body if group else None) or outline.level
    beside = {each.path: each for each in level.places}
    return [
        (beside[flow.target], flow.target_port)
        for flow in level.flows
        if (flow.source, flow.source_port) == (place.path, port) and flow.target in beside
    ]
