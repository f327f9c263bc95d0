"""What a guest's page shows: the views of a run, drawn from what the redactor lets through."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from django.db.models import Max
from django.http import QueryDict
from django.urls import reverse

from workflows.kept_outputs import encoded_outputs
from workflows.models import Run, ShareLink
from workflows.outline import outline_for, slug_of
from workflows.ports import streaming_ports
from workflows.redacting import Scope, guest_rows, guest_run
from workflows.rows import Row
from workflows.run_graph import Ways, plain_graph_page
from workflows.showing import counts_of
from workflows.shown_values import Value, shown
from workflows.streamed import StreamSoFar, stream_of
from workflows.timeline_rows import timeline_of
from workflows.tree import ONLY, ROWS, asked_of_query, tree_of

#: The views of a guest's page; a single task has no graph.
VIEWS: Mapping[str, str] = {"tree": "Tree", "graph": "Graph", "timeline": "Timeline"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedPort:
    """One output that a guest may see: what it gave, what it streams, or that it is to come."""

    path: str
    port: str
    title: str
    value: Value | None = None
    stream: StreamSoFar | None = None

    @property
    def slug(self) -> str:
        """Its name as an element's id."""
        return slug_of(f"{self.path}--{self.port}")


def guest_page(
    run: Run, scope: Scope, view: str, *, query: QueryDict, guest: str
) -> dict[str, Any]:
    """Put together one of the views of a guest's page, whose address is `guest`."""
    rows = guest_rows(run, scope)
    view = view if view in views_of(scope) else "tree"
    return (
        guest_head(run, scope, rows)
        | _VIEWED[view](run, rows, query, guest)
        | {
            "guest": guest,
            "view": view,
            "views": [(name, title) for name, title in VIEWS.items() if name in views_of(scope)],
            "template": f"runs/{view}.html",
            "shared": list(shared_ports(run, scope, rows)),
        }
    )


def views_of(scope: Scope) -> list[str]:
    """Name the views that a link offers."""
    return [name for name in VIEWS if name != "graph" or not scope.task]


def guest_head(run: Run, scope: Scope, rows: Mapping[str, Row]) -> dict[str, Any]:
    """Say where the whole of it stands."""
    whole = guest_run(run, scope, rows)
    return {
        "run": whole,
        "permille": whole.permille,
        "counts": counts_of(rows),
        "waits": whole.waits,
        "task": scope.task,
    }


def address_of(link: ShareLink) -> str:
    """Give the address of a link's page."""
    return reverse("shared-run", args=[link.pk])


def row_address(path: str) -> str:
    """Give the address of a task's row: guests have no other page about it."""
    return f"?view=tree#task-row-{slug_of(path)}"


def _tree(run: Run, rows: Mapping[str, Row], query: QueryDict, guest: str) -> dict[str, Any]:
    return {
        "tree": tree_of(rows, asked_of_query(dict(query.lists()))),
        "only": [(name, words) for name, (words, _) in ONLY.items()],
        "page_of_tree": ROWS,
    }


def _timeline(run: Run, rows: Mapping[str, Row], query: QueryDict, guest: str) -> dict[str, Any]:
    return timeline_of(run, rows, asked_of_query(dict(query.lists())))


def _graph(run: Run, rows: Mapping[str, Row], query: QueryDict, guest: str) -> dict[str, Any]:
    asked = query.copy()
    asked.pop("beside", None)
    ways = Ways(task=row_address, sheet=f"{guest}drawing.css")
    return plain_graph_page(run, rows, asked, ways)


_VIEWED = {"tree": _tree, "graph": _graph, "timeline": _timeline}


# ── allowed outputs ─────────────────────────────────────────────────────────────────────────────


def shared_ports(run: Run, scope: Scope, rows: Mapping[str, Row]) -> Iterator[SharedPort]:
    """Give the allowed outputs in the order of their tasks."""
    for path, port in sorted(scope.ports, key=lambda pair: (rows[pair[0]].number, pair[1])):
        make = partial(SharedPort, path=path, port=port, title=rows[path].title)
        place = outline_for(run).places[path]
        if port in streaming_ports(place):
            is_lost = rows[path].status == "failed"
            yield make(stream=stream_of(run, path, port, _last(run, path, port) if is_lost else 0))
        else:
            yield make(value=_final(run, path, port))


def _last(run: Run, path: str, port: str) -> int:
    """Name the last attempt that streamed: when it failed it counts no more, but was seen."""
    kept = run.chunks.filter(path=path, port=port).aggregate(last=Max("attempt"))
    return int(kept["last"] or 0)


def _final(run: Run, path: str, port: str) -> Value | None:
    """Give what a port gave, without why it may not be readable; None before its end."""
    encoded = encoded_outputs(run, path).get(port)
    if encoded is None:
        return None
    return replace(shown(str(run.team_id), port, encoded), problem="", pictures=())
