"""What happened to a run between two numbers, as much of it as a page is told."""

from datetime import datetime
from typing import NamedTuple

from django.db.models import Case, TextField, Value, When

from workflows.models import Run

# The kinds of events whose content a page is told; that of others may be as large as a result.
TOLD = ("ChunksStored", "TaskLogged")


class Happened(NamedTuple):
    """What a page needs of one event; `payload` is empty unless chunks or a line are in it."""

    seq: int
    at: datetime
    kind: str
    path: str
    payload: str


def events_between(run: Run, after: int, upto: int, limit: int) -> list[Happened]:
    """Give the events between two numbers, and at most one more than the limit."""
    between = run.events.filter(seq__gt=after, seq__lte=upto).order_by("seq")
    told = Case(When(kind__in=TOLD, then="payload"), default=Value(""), output_field=TextField())
    found = between.annotate(told=told).values_list("seq", "at", "kind", "path", "told")
    return [Happened(*each) for each in found[: limit + 1]]
