"""What the run page and its live frames put into the same partials."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from django.http import QueryDict
from django.template.loader import get_template
from django.urls import reverse

from workflows.inside import item_rows, message_of
from workflows.models import Run
from workflows.models.run import PRUNED_SENTENCES
from workflows.outline import Outline, outline_for
from workflows.reading import first_problem, rows_of
from workflows.results import inputs_of, results_of
from workflows.rows import AWAITED, Row, counted
from workflows.run_graph import graph_page
from workflows.run_log import LEVELS, log_page, log_query_of
from workflows.stalls import STORAGE, as_shown
from workflows.standing import sentence_of
from workflows.timeline_rows import timeline_of
from workflows.tree import ONLY, ROWS, asked_of_query, tree_of
from workflows.wording import said_errors

#: So many of the runs that ran it again are named.
RERUNS = 5
#: So many tasks are offered to see the log of.
TASKS_TO_CHOOSE = 500
#: A page that follows the log keeps so many lines; the earlier ones are pages before.
LINES_AT_ONCE = 5000
#: The views of a run, in the order of their tabs; each has its template, `runs/<name>.html`.
VIEWS: Mapping[str, str] = {"tree": "Tree", "graph": "Graph", "timeline": "Timeline", "log": "Log"}


def run_page(
    run: Run, view: str, *, may_run: bool, query: QueryDict, may_share: bool = False
) -> dict[str, Any]:
    """Put together what the run page shows in one of its views, as its address asks."""
    rows = rows_of(as_shown(run))
    return (
        head_of(run, rows)
        | controls_of(run, may_run=may_run, may_share=may_share)
        | _VIEWED[view](run, rows, query)
        | {
            "section": "runs",
            "run_id": run.pk,
            "view": view,
            "views": [
                (name, title, place + 1) for place, (name, title) in enumerate(VIEWS.items())
            ],
            "template": f"runs/{view}.html",
            "results": list(results_of(run)),
            "inputs": list(inputs_of(run)),
            "live_url": reverse("run-show", args=[run.pk]) + "live",
            "reruns": run.reruns.order_by("-created_at")[:RERUNS],
        }
    )


def controls_of(run: Run, *, may_run: bool, may_share: bool = False) -> dict[str, Any]:
    """Say what may be asked of a run."""
    return {"run": run, "may_run": may_run, "may_share": may_share}


def _tree(run: Run, rows: Mapping[str, Row], query: QueryDict) -> dict[str, Any]:
    return {
        "tree": tree_of(rows, asked_of_query(dict(query.lists()))),
        "only": [(name, words) for name, (words, _) in ONLY.items()],
        "page_of_tree": ROWS,
    }


def _timeline(run: Run, rows: Mapping[str, Row], query: QueryDict) -> dict[str, Any]:
    return timeline_of(run, rows, asked_of_query(dict(query.lists())))


def _log(run: Run, rows: Mapping[str, Row], query: QueryDict) -> dict[str, Any]:
    asked = log_query_of(dict(query.lists()))
    tasks = list(rows)[:TASKS_TO_CHOOSE]
    return {
        "log": log_page(run, asked),
        "levels": LEVELS,
        "log_tasks": tasks,
        "task_unlisted": bool(asked.task) and asked.task not in tasks,
        "lines_at_once": LINES_AT_ONCE,
    }


_VIEWED = {"tree": _tree, "graph": graph_page, "timeline": _timeline, "log": _log}


def head_of(run: Run, rows: Mapping[str, Row]) -> dict[str, Any]:
    """Say where the whole run stands."""
    outline = outline_for(run)
    problem = None if run.status == "completed" else first_problem(run, rows, outline)
    return {
        "run": run,
        "permille": round(1000 * run.fraction),
        "counts": counts_of(rows),
        "problem": problem,
        "run_error": message_of(run.error) or _standing(run),
        "pruned": PRUNED_SENTENCES.get(run.pruned, ""),
        "waits": _waits(run),
    }


def _waits(run: Run) -> str:
    """Say beside the status what the run waits for, or how it ended."""
    if run.status == "awaiting":
        return AWAITED.get(run.reason, "")
    if run.status == "completed":
        return said_errors(run.handled)
    if run.status == "paused" and run.reason == STORAGE:
        return "waits for the storage"
    return "waits for a free runner" if run.status == "queued" else ""


def _standing(run: Run) -> str:
    if run.status == "interrupted":
        return "The runner stopped. The run goes on from its last checkpoint by itself."
    if run.status == "cancelling":
        return "The run was asked to stop; running tasks have ten seconds to do so."
    if run.status == "paused" and run.reason == STORAGE:
        return (
            "The storage takes nothing at the moment, so nothing further starts. "
            "What runs may finish; the run goes on by itself as soon as results can be kept."
        )
    if run.status == "paused":
        return "The run is paused: nothing further starts until somebody continues it."
    return ""


def counts_of(rows: Mapping[str, Row]) -> Any:
    """Count the tasks by where they stand, those that ended well left out."""
    numbers: dict[str, int] = {}
    for row in rows.values():
        if row.is_closed:
            for count in row.counts:
                numbers[count.status] = numbers.get(count.status, 0) + count.number
        elif row.kind == "task" and row.status != "pending" and not row.is_handled:
            numbers[row.status] = numbers.get(row.status, 0) + 1
    numbers.pop("completed", None)
    return counted(numbers)


# ── fragments of a live frame ───────────────────────────────────────────────────────────────────


def head_fragments(run: Run, rows: Mapping[str, Row]) -> list[str]:
    """Draw the parts of the page that stand for the whole run."""
    page = head_of(run, rows)
    return [_partial("head.html#run_header", page), _partial("head.html#run_problem", page)]


def tree_fragments(run: Run, rows: Mapping[str, Row], items: list[Row]) -> Iterator[str]:
    """Draw rows of the tree."""
    for row in [*rows.values(), *items]:
        yield _partial("tree.html#task_row", {"row": row, "run_id": run.pk})


def head_of_task(row: Row) -> str:
    """Draw where one task stands, for its inspector."""
    template = get_template("runs/task.html#task_head")
    return str(template.render({"row": row, "sentence": sentence_of(row)}))


def _partial(name: str, page: dict[str, Any]) -> str:
    return str(get_template(f"runs/{name}").render(page))


def with_ancestors(outline: Outline, paths: Collection[str]) -> list[str]:
    """Give the places that a change of these paths shows at, parents included, in order."""
    touched: set[str] = set()
    for path in paths:
        place = outline.places.get(next(iter(outline.closed_around(path)), path))
        while place is not None:
            touched.add(place.path)
            place = outline.places.get(place.parent)
    return [path for path in outline.places if path in touched]


def changed_items(run: Run, paths: Collection[str]) -> list[Row]:
    """Give the rows of what is inside of closed places among these paths."""
    outline = outline_for(run)
    within: dict[str, set[str]] = {}
    for path in paths:
        for outer in outline.closed_around(path):
            within.setdefault(outer, set()).add(path)
    return [row for outer, inside in within.items() for row in item_rows(run, outer, inside)]
