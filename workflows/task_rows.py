"""The rows that pages read of tasks, brought up to the last event."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from runner.run import events as happened
from runner.run.moves import OVER
from runner.run.status import TaskStatus
from workflows.cursors import Cursor, Row
from workflows.kept_rows import Told
from workflows.models import TaskRun
from workflows.projection import Changes, is_inside, on_resume, task_changes
from workflows.tables import Table, as_kept, replacing

_FIRST_CHUNK = "first_chunk_at"
_TASK_DEFAULTS: Changes = {
    field.name: field.get_default()
    for field in TaskRun._meta.concrete_fields  # noqa: SLF001
    if field.name not in {"id", "run", "path"}
}
_UNFINISHED = sorted(each.value for each in TaskStatus if each not in OVER)
#: What a path goes on with inside of a control task, and the sign after each of them: by bytes,
#: everything inside lies between the two.
_INSIDE = (("[", "\\"), ("/", "0"))
_BY_BYTES = {"sqlite": "", "postgresql": ' COLLATE "C"'}
_ONE_A_PATH = ("run_id", "path")


def project(cursor: Cursor, run: Any, told: Iterable[Told]) -> None:
    """Bring the rows of the tasks that pages read up to the last event."""
    pending: dict[str, Changes] = {}
    for entry, path in told:
        event = entry.event
        if type(event) is happened.RunResumed:
            _write_tasks(cursor, run, pending)
            pending = {}
            _take_back(run, reopened=event.reopened)
        elif type(event) is happened.TaskDropped:
            pending = {each: kept for each, kept in pending.items() if not is_inside(each, path)}
            _forget_inside(cursor, run, path)
        changes = task_changes(event, entry.at)
        if changes:
            before = pending.get(path)
            pending[path] = _together(before, changes) if before else changes
    _write_tasks(cursor, run, pending)


def _together(before: Changes, changes: Changes) -> Changes:
    """Put the changes of two events together; only the first chunk of an attempt is the first."""
    first = before.get(_FIRST_CHUNK)
    both = {**before, **changes}
    if first is not None and changes.get(_FIRST_CHUNK) is not None:
        both[_FIRST_CHUNK] = first
    return both


def _take_back(run: Any, *, reopened: bool) -> None:
    """Say of every task that did not finish what it is now that its run goes on."""
    for status in TaskStatus:
        changes = on_resume(status, reopened=reopened)
        if changes:
            TaskRun.objects.filter(run_id=run, status=status).update(**changes)


def _forget_inside(cursor: Cursor, run: Any, path: str) -> None:
    """Forget what a control task had unfolded into; it may unfold into something else."""
    column = f'"path"{_BY_BYTES[cursor.vendor]}'
    for first, end in _INSIDE:
        cursor.execute(
            "DELETE FROM workflows_taskrun "  # noqa: S608
            f"WHERE run_id = %s AND {column} >= %s AND {column} < %s",
            [run, f"{path}{first}", f"{path}{end}"],
        )


def forget_lost(cursor: Cursor, run: Any) -> None:
    """Forget, at a run's end, what it has not done: a process before had unfolded into more."""
    marks = ", ".join(["%s"] * len(_UNFINISHED))
    cursor.execute(
        f"DELETE FROM workflows_taskrun WHERE run_id = %s AND status IN ({marks})",  # noqa: S608
        [run, *_UNFINISHED],
    )


def _write_tasks(cursor: Cursor, run: Any, pending: Mapping[str, Changes]) -> None:
    alike: dict[tuple[str, ...], list[Row]] = {}
    for path, changes in pending.items():
        names = tuple(changes)
        row = (run, path, *as_kept(cursor, changes), *_defaults(names))
        alike.setdefault(names, []).append(row)
    for names, rows in alike.items():
        _task_table(names).insert(cursor, rows)


@cache
def _defaults(names: tuple[str, ...]) -> Row:
    """Give what the columns without a change have in a new row."""
    return tuple(value for name, value in _TASK_DEFAULTS.items() if name not in names)


@cache
def _task_table(names: tuple[str, ...]) -> Table:
    """Give the table with its columns in the order of such rows; `names` change in old ones."""
    others = (name for name in _TASK_DEFAULTS if name not in names)
    changes = {name: _then(name, names) for name in names}
    return Table(TaskRun, "run", "path", *names, *others, conflict=replacing(_ONE_A_PATH, changes))


def _then(name: str, names: Sequence[str]) -> str:
    """Say in SQL what becomes of a column of a row that is there already."""
    if name == _FIRST_CHUNK and "started_at" not in names:
        return f"COALESCE(workflows_taskrun.{name}, excluded.{name})"
    return f"excluded.{name}"
