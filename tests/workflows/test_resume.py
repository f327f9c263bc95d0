"""The golden property on SQLite: a run that outlives its owners ends as if they had not died."""

import asyncio
import itertools

import pytest
from hypothesis import HealthCheck, given, settings

from runner.execution import run_log
from runner.graph.values import decode
from tests import strategies
from tests.crashing import Crash, CrashingStore
from tests.drive import drive, executor_of, outputs_of
from tests.tasks import EXECUTED
from workflows import deaths
from workflows.models import Run, RunEvent
from workflows.store import DatabaseStore

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
LIVES = itertools.count(1)
NEVER = 1_000_000


async def live_once(folder, commits):
    """Let a process own the one open run until it dies; give what it repeated."""
    store = DatabaseStore(folder)
    try:
        (stored,) = await store.claim(f"life-{next(LIVES)}", 1)
        committed = {each.path for each in stored.checkpoints if each.done}
        EXECUTED.clear()
        await asyncio.wait_for(executor_of(CrashingStore(store, commits), stored).run(), 20)
    except Crash:
        pass
    finally:
        await store.close()
    return committed & {path for _, path in EXECUTED}


@given(strategies.definitions(), strategies.crashes, strategies.batches)
@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_resuming_after_crashes_gives_what_never_crashing_gives(
    monkeypatch, tmp_path, workflow, alice, definition, crashes, batch
):
    monkeypatch.setattr(run_log, "BATCH_ENTRIES", batch)
    # A life may end before its first commit; that is no poisoned run here.
    monkeypatch.setattr(deaths, "DEATHS", len(crashes) + 1)
    whole = asyncio.run(drive(definition))
    version = workflow.revise(definition, alice)
    run = Run.objects.start(version, alice, {})

    for commits in (*crashes, NEVER):
        run.refresh_from_db()
        if not run.is_over:
            assert asyncio.run(live_once(tmp_path, commits)) == set()

    run.refresh_from_db()
    seqs = RunEvent.objects.filter(run=run).order_by("seq").values_list("seq", flat=True)
    assert run.status == "completed"
    assert decode(run.outputs) == outputs_of(whole)
    assert list(seqs) == list(range(1, run.seq + 1))
