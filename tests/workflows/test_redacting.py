"""What a guest may see of a run: allowed by name, and nothing else."""

from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest

from tests.guest_tasks import ALOUD, HUSH
from tests.shared_run import ALLOWED, linked
from workflows.models import ShareLink
from workflows.outline import outline_for
from workflows.redacting import (
    Scope,
    guest_row,
    guest_rows,
    guest_run,
    scope_of,
    shareable_ports,
)
from workflows.rows import Row, Streamed

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 5, 4, tzinfo=UTC)
#: The fields of a row that tell what a task said, and that no guest is told.
HUSHED = {"message", "problem", "until", "stuck"}
FULL = Row(
    path="speak", title="Speak", kind="task", depth=1, number=2, status="failed", attempt=3,
    started_at=NOW, first_chunk_at=NOW, ended_at=NOW, fraction=0.5, message=f"{HUSH}a",
    problem=f"{HUSH}b", reason=f"{HUSH}c", until=NOW, stuck=True, shape=f"{HUSH}d",
    taken=frozenset({"x"}), width=4, done=1, total=2, counts=(),
    streams={"text": Streamed(chunks=1, tail=ALOUD), "key": Streamed(chunks=1, tail=HUSH)},
)  # fmt: skip


def test_a_guests_row_holds_nothing_that_a_task_said():
    """R7: what is not allowed by name is as if the row had never had it."""
    row = guest_row(FULL, Scope(ports=frozenset({ALLOWED})), depth=0)
    assert HUSH not in repr(row)
    assert row.streams == {"text": FULL.streams["text"]}
    assert {name for name in HUSHED if getattr(row, name) != getattr(Row(path="", title=""), name)} == set()  # fmt: skip


def test_every_field_of_a_row_was_thought_about():
    """A field that is added to a row is shown to no guest until somebody says so here."""
    allowed = {
        "path", "title", "kind", "depth", "number", "status", "attempt", "started_at",
        "first_chunk_at", "ended_at", "fraction", "reason", "taken", "width", "shape", "done",
        "total", "counts", "streams",
    }  # fmt: skip
    assert {each.name for each in fields(Row)} == allowed | HUSHED


@pytest.mark.parametrize("reason", ["input", "approval", "handled", "cache"])
def test_a_reason_of_ours_is_kept(reason):
    assert guest_row(replace(FULL, reason=reason), Scope(), depth=0).reason == reason


def test_a_secret_port_and_one_of_a_compound_can_never_be_allowed(secretive):
    offered = shareable_ports(outline_for(secretive))
    assert ("speak", "text") in offered
    assert ("group/low", "other") in offered
    assert not [pair for pair in offered if pair[1] == "key" or pair[0] == "group"]


def test_a_link_that_names_a_secret_port_does_not_show_it(secretive, alice):
    """Whatever stands in the row: it is looked at anew each time."""
    link, _ = linked(secretive, alice)
    ShareLink.objects.filter(pk=link.pk).update(ports='[["speak", "key"], ["speak", "text"]]')
    link = ShareLink.objects.get(pk=link.pk)
    assert scope_of(link).ports == {ALLOWED}
    assert HUSH not in repr(guest_rows(secretive, scope_of(link)))


def test_a_link_to_one_task_shows_it_alone_with_what_is_inside(secretive, alice):
    link, _ = linked(
        secretive, alice, task="group", ports=[("speak", "text"), ("group/low", "text")]
    )
    scope = scope_of(link)
    rows = guest_rows(secretive, scope)
    assert list(rows) == ["group", "group/low", "group/high"]
    assert [row.depth for row in rows.values()] == [0, 1, 1]
    assert scope.ports == {("group/low", "text")}
    assert guest_run(secretive, scope, rows).title == "Group"


def test_the_run_as_a_whole_is_told_by_its_state_and_counts(secretive):
    whole = guest_run(secretive, Scope(), guest_rows(secretive, Scope()))
    assert (whole.status, whole.done, whole.total, whole.permille) == ("running", 1, 4, 250)
    assert HUSH not in repr(whole)
