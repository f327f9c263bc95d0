"""The guests' own feed: what happened to a run, as much of it as the link they came by shows."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from django.template.loader import get_template

from workflows.chunk_parts import chunk_parts
from workflows.frames import ROW_LIMIT, missed_by, news_since
from workflows.guest_page import address_of, guest_head, row_address, shared_ports
from workflows.happened import Happened
from workflows.live import stand_of
from workflows.models import Run, ShareLink
from workflows.outline import outline_for
from workflows.packing import Frame, News, in_frames
from workflows.redacting import GuestRun, Scope, guest_rows, scope_of
from workflows.rows import ENDED_WELL, Row
from workflows.run_graph import graph_fragments
from workflows.showing import with_ancestors


@dataclass(frozen=True, slots=True)
class GuestSource:
    """A run as the guests of a link see it; once the link is over, there is no such thing."""

    link_id: str
    run_id: str

    @property
    def key(self) -> str:
        """The run and the link: guests of another link may see something else."""
        return f"{self.run_id} {self.link_id}"

    def stand(self) -> tuple[int, str]:
        """Give where the run stands; raises ShareLink.DoesNotExist."""
        self._link()
        return stand_of(self.run_id)

    def news(self, after: int, views: Collection[str], known_status: str) -> News:
        """Read what happened; raises ShareLink.DoesNotExist."""
        draw = partial(_Drawn, self._link())
        return news_since(self.run_id, after, views=views, known_status=known_status, draw=draw)

    def missed(self, after: int, upto: int, view: str) -> News:
        """Read what a page missed; raises ShareLink.DoesNotExist."""
        return missed_by(self.run_id, after, upto, view, draw=partial(_Drawn, self._link()))

    def _link(self) -> ShareLink:
        """Read the link anew each time: it may have been turned off."""
        links = ShareLink.objects.open().select_related("run__version")
        return links.get(pk=self.link_id, run_id=self.run_id)


class _Drawn:
    """What some events changed, drawn from what the redactor lets through."""

    def __init__(
        self, link: ShareLink, run: Run, events: Sequence[Happened], views: Collection[str]
    ) -> None:
        scope = scope_of(link)
        self.run = run
        self.guest = address_of(link)
        self.rows = guest_rows(run, scope)
        touched = with_ancestors(outline_for(run), {event.path for event in events if event.path})
        self.changed = [path for path in touched if path in self.rows]
        head = guest_head(run, scope, self.rows)
        self.whole: GuestRun = head["run"]
        self.head = _drawn("runs/head.html#run_header", head)
        made = shared_ports(
            run, replace(scope, ports=_made(scope, self.rows, self.changed)), self.rows
        )
        self.outputs = [
            _drawn("shares/show.html#port", {"each": each}) for each in made if each.value
        ]
        allowed = [event for event in events if _is_allowed(event, scope)]
        self.chunks = list(chunk_parts(run, allowed))

    def frames(self, view: str, after: int, upto: int) -> Iterator[Frame]:
        """Pack all of it: states first, text later."""
        parts: list[tuple[str, Any]] = [("fragments", self.head)]
        parts += [("fragments", each) for each in [*self._fragments(view), *self.outputs]]
        parts += [("chunks", each) for each in self.chunks]
        parts += [("again", True)] if self._is_much(view) else []
        about = {"status": self.whole.status, "words": _in_words(self.whole, self.rows)}
        ended = self.run.is_over and upto == self.run.seq
        return in_frames(parts, about, after, upto, ended=ended)

    def _is_much(self, view: str) -> bool:
        return bool(self.changed) if view == "timeline" else len(self.changed) > ROW_LIMIT

    def _fragments(self, view: str) -> Iterator[str]:
        if self._is_much(view):
            return
        if view == "tree":
            for path in self.changed:
                page = {"row": self.rows[path], "guest": self.guest}
                yield _drawn("runs/tree.html#task_row", page)
        elif view == "graph" and len(self.rows) == len(outline_for(self.run).places):
            yield from graph_fragments(self.run, self.rows, self.changed, row_address)


def _made(
    scope: Scope, rows: Mapping[str, Row], changed: Collection[str]
) -> frozenset[tuple[str, str]]:
    """Name the allowed outputs of tasks that have ended now; what is under way streams."""
    ended = {path for path in changed if rows[path].status in ENDED_WELL}
    return frozenset(pair for pair in scope.ports if pair[0] in ended)


def _is_allowed(event: Happened, scope: Scope) -> bool:
    """Whether an event says that an allowed output has streamed; no other says anything."""
    if event.kind != "ChunksStored":
        return False
    stored = json.loads(event.payload)
    return (stored["path"], stored["port"]) in scope.ports


def _in_words(whole: GuestRun, rows: Mapping[str, Row]) -> str:
    """Say where it stands in one sentence, for those who hear the page."""
    failed = [row for row in rows.values() if row.status == "failed" and not row.is_group]
    unhandled = [row.title for row in failed if not row.is_handled]
    words = [f"{whole.done} of {whole.total} done"]
    words += [f"{len(unhandled)} failed: {unhandled[0]}"] if unhandled else []
    return ", ".join([*words, *([f"ended as {whole.status}"] if whole.is_over else [])])


def _drawn(template: str, page: Mapping[str, Any]) -> str:
    return str(get_template(template).render(dict(page)))
