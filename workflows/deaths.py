"""Tasks with which process after process dies: counted when their run is claimed; sync.

Nothing is counted while a run gets on, so a commit pays nothing for it.
"""

import time
from collections.abc import Iterable

from django.db.models import Exists, OuterRef

from runner.run import events as happened
from runner.run.status import TaskStatus
from workflows.models import Run, TaskDeaths
from workflows.projection import is_inside

DEATHS = 3
#: From here on a run is taken up apart from others like it: one more death decides.
SUSPECT = DEATHS - 1
APART_SECONDS = 10.0
#: Bodies that were at work when their process ended.
LIVE = frozenset({TaskStatus.RUNNING, TaskStatus.STREAMING})
#: What ends a chain of attempts, or is kept for the next of them.
_GOT_ON = [
    each.kind
    for each in (
        happened.ChunksStored,
        happened.StateSaved,
        happened.DecisionMade,
        happened.TaskExpanded,
        happened.TaskDecided,
        happened.TaskRetrying,
        happened.TaskDropped,
        happened.TaskCompleted,
        happened.TaskCached,
        happened.TaskFailed,
    )
]


def is_suspect() -> Exists:
    """Select the runs with a task that one more death would quarantine."""
    return Exists(TaskDeaths.objects.filter(run=OuterRef("pk"), count__gte=SUSPECT))


class Suspects:
    """Lets a process take up one suspect at a time, so that the one that kills is found alone.

    Those that were at work beside it when it killed are suspects as well, through no fault of
    theirs. Most of them clear themselves long before the time is over.
    """

    def __init__(self, apart_seconds: float = APART_SECONDS) -> None:
        self._apart = apart_seconds
        self._next = 0.0
        self._last = ""

    @property
    def may_come(self) -> bool:
        """Whether the last one has lived long enough, or is none any more."""
        return time.monotonic() >= self._next or is_cleared(self._last)

    def came(self, run_id: str) -> None:
        """Note that one is taken up now."""
        self._next = time.monotonic() + self._apart
        self._last = run_id


def is_cleared(run_id: str) -> bool:
    """Whether a suspect has ended, or each task that one more death would decide got further."""
    run = Run.objects.filter(pk=run_id).first()
    if run is None or run.is_over:
        return True
    return all(_got_on(run, each) for each in run.task_deaths.filter(count__gte=SUSPECT))


def count_deaths(run: Run) -> str:
    """Count an unclean death for every body that was at work in it.

    Those of jobs were at work elsewhere. Gives the path of one that was in too many in a row without getting any further (engine 7.7);
    "" if there is none.
    """
    elsewhere = run.jobs.values("path")
    tasks = run.task_runs.exclude(path__in=elsewhere).values_list("path", "status")
    known = {each.path: each for each in run.task_deaths.all()}
    hopeless = ""
    for path in _bodies(tasks):
        before = known.get(path)
        count = 1 if before is None or _got_on(run, before) else before.count + 1
        TaskDeaths.objects.update_or_create(
            run=run, path=path, defaults={"count": count, "seq": run.seq}
        )
        if count >= DEATHS:
            hopeless = hopeless or path
    return hopeless


def _bodies(tasks: Iterable[tuple[str, str]]) -> list[str]:
    """Give the live tasks in which nothing else is: compounds and controls have no body."""
    paths = sorted(tasks)
    after = [path for path, _ in paths[1:]]
    # What is inside of a path does not always follow it at once: "a-b" stands before "a/b".
    return [
        path
        for place, (path, status) in enumerate(paths)
        if status in LIVE and not _holds_one_of(path, after[place:])
    ]


def _holds_one_of(path: str, later: Iterable[str]) -> bool:
    for each in later:
        if not each.startswith(path):
            return False
        if is_inside(each, path):
            return True
    return False


def _got_on(run: Run, before: TaskDeaths) -> bool:
    since = run.events.filter(path=before.path, seq__gt=before.seq)
    return since.filter(kind__in=_GOT_ON).exists()
