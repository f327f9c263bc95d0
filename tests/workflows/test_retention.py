"""P13: what is old goes, in small batches; states and structure stay."""

import json
from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.utils import timezone

from runner.errors import RunnerError
from runner.run.checkpoint import TaskCheckpoint
from runner.run.rerun import RerunMode
from tests.workflows.jobs import post
from workflows import retention
from workflows.limits import MOST_DAYS, days_in
from workflows.models import JobEvent, Run
from workflows.models.rerunning import RerunWish, planned_rerun
from workflows.retention import prune, prune_daily

NOW = timezone.now()


@pytest.fixture
def ended(run):
    """Let the run have ended so many days ago, with something of everything."""

    def make(days, status="completed", owner=""):
        run.task_runs.create(path="a", status="completed")
        for first in range(3):
            run.chunks.create(path="a", port="x", attempt=1, first=first, last=first,
                              items="[1]", size=1)  # fmt: skip
        kinds = ["RunStarted", "TaskLogged", "TaskProgressed", "TaskCompleted"]
        for seq, kind in enumerate(kinds, start=1):
            payload = json.dumps({"value": "secret"})
            run.events.create(seq=seq, at=NOW, kind=kind, path="a", payload=payload)
        kept = TaskCheckpoint(path="a", attempt=1, seq=4, outputs={"x": "1"})
        run.checkpoints.create(path="a", attempt=1, seq=4, epoch=1, value=kept.to_json())
        Run.objects.filter(pk=run.pk).update(
            status=status,
            ended_at=NOW - timedelta(days=days),
            seq=4,
            owner=owner,
            outputs='{"x":1}',
        )
        run.refresh_from_db()
        return run

    return make


def left(run):
    """How many chunks, events and checkpoints there are."""
    return run.chunks.count(), run.events.count(), run.checkpoints.count()


@pytest.mark.parametrize(("days", "found"), [(30, (3, 4, 1)), (31, (0, 2, 1)), (181, (0, 2, 0))])
def test_streams_go_first_and_results_later(ended, days, found):
    """P13."""
    run = ended(days)
    prune(NOW + timedelta(minutes=1) if days != 30 else NOW - timedelta(minutes=1))
    assert left(run) == found


def test_states_and_structure_stay(ended):
    """P13."""
    run = ended(200)
    prune(NOW)
    run.refresh_from_db()
    assert (run.status, run.pruned, run.outputs) == ("completed", "outputs", "{}")
    assert run.task_runs.get(path="a").status == "completed"
    assert set(run.events.values_list("payload", flat=True)) == {"{}"}


@pytest.mark.parametrize("status", ["running", "awaiting", "quarantined", "paused"])
def test_nothing_goes_of_a_run_that_is_active_or_quarantined(ended, status):
    """P13."""
    run = ended(400, status)
    prune(NOW)
    assert left(run) == (3, 4, 1)


def test_nothing_goes_of_a_run_that_somebody_owns_or_asks_something_of(ended, alice):
    """P13."""
    owned = ended(400, owner="somebody")
    prune(NOW)
    assert left(owned) == (3, 4, 1)
    Run.objects.filter(pk=owned.pk).update(owner="", status="failed")
    assert Run.objects.get(pk=owned.pk).request("resume", alice)
    prune(NOW)
    assert left(owned) == (3, 4, 1)


def test_rows_go_a_batch_at_a_time(ended, monkeypatch):
    """P13."""
    run = ended(31)
    sizes = []
    monkeypatch.setattr(retention, "ROWS_AT_ONCE", 2)
    monkeypatch.setattr(
        "workflows.retention.time.sleep", lambda _: sizes.append(run.chunks.count())
    )
    prune(NOW)
    assert sizes[:2] == [1, 0]


def test_zero_days_keep_for_good(ended, settings):
    """P13."""
    settings.KEEP_STREAMS_DAYS = settings.KEEP_OUTPUTS_DAYS = 0
    run = ended(4000)
    prune(NOW)
    assert left(run) == (3, 4, 1)


def test_a_run_without_its_streams_is_not_resumed_and_says_why(ended, alice):
    run = ended(31, "failed")
    prune(NOW)
    run.refresh_from_db()
    assert not run.can_resume
    assert "because it is old. It can be run again from the start" in run.refusal_of("resume")
    with pytest.raises(RunnerError):
        Run.objects.rerun(run, alice, RerunWish(mode=RerunMode.RESUME))


def test_a_rerun_of_an_old_run_keeps_nothing_of_it(ended, alice):
    run = ended(31)
    known = {"v": 1, "name": "demo", "tasks": [{"id": "a", "type": "environment.records"}]}
    type(run.version).objects.update(definition=json.dumps(known))
    kept = planned_rerun(
        Run.objects.get(pk=run.pk), alice, RerunWish(mode=RerunMode.FAILED)
    ).preview.kept
    assert kept == ("a",)
    prune(NOW)
    run = Run.objects.get(pk=run.pk)
    assert planned_rerun(run, alice, RerunWish(mode=RerunMode.FAILED)).preview.kept == ()


def test_the_run_page_says_what_was_removed(ended, client_of, alice):
    run = ended(200)
    prune(NOW)
    page = client_of(alice).get(f"/runs/{run.pk}/").content.decode()
    assert "What this run gave was removed, because it is old; its structure is kept." in page


def test_once_a_day_and_by_one_of_all_processes(ended):
    ended(31)
    first, again, later = (prune_daily(NOW + timedelta(hours=after)) for after in (0, 23, 25))
    assert (getattr(first, "streams", None), again, getattr(later, "streams", None)) == (1, None, 0)


def test_the_command_says_what_it_would_remove_and_what_it_removed(ended, capsys):
    run = ended(31)
    call_command("prune", "--dry-run")
    assert left(run) == (3, 4, 1)
    call_command("prune")
    said = capsys.readouterr().out
    assert "would remove streams and logs of 1 runs" in said
    assert "removed streams and logs of 1 runs, results of 0 runs (5 rows), 0 files" in said


def test_days_are_numbers_within_bounds():
    assert days_in("X", "", 30) == 30
    assert days_in("X", "0", 30) == 0
    assert days_in("X", str(MOST_DAYS), 30) == MOST_DAYS
    for text in (str(MOST_DAYS + 1), "-1", "many", "1.5"):
        with pytest.raises(ImproperlyConfigured, match="X must be a number of days"):
            days_in("X", text, 30)


@pytest.mark.parametrize(("days", "found"), [(0, (1, 1)), (2, (1, 0)), (181, (0, 0))])
def test_what_jobs_said_goes_after_a_day_and_the_jobs_with_the_results(ended, days, found):
    run = ended(days)
    job = post(run)
    JobEvent.objects.create(job=job, epoch=1, n=1, kind="log", message="{}")
    prune(NOW + timedelta(minutes=1))
    assert (run.jobs.count(), JobEvent.objects.count()) == found
