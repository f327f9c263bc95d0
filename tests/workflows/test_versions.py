"""A run whose task types have changed, in the database: it waits, says so, and is decided (P11)."""

import asyncio
import contextlib
import json

import pytest
from django.core.management import CommandError, call_command

from runner.execution.background import BackgroundRunner
from runner.execution.host import Host
from runner.graph.type_versions import signature_of
from runner.run import events as happened
from runner.run.status import RunStatus
from tests.store_contract import batch_of
from tests.tasks import registry_of_tests
from tests.workflows.test_store import in_thread, stores  # noqa: F401
from workflows.claims import claim_runs
from workflows.models import Run
from workflows.owners import OwnerLocks

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def awaiting(run):
    """A run that awaits a decision about versions."""
    sentence = {"type": "Awaiting", "message": "test.number is version 1 now, not 0."}
    Run.objects.filter(pk=run.pk).update(
        status=RunStatus.AWAITING, reason="version", seq=1, error=json.dumps(sentence)
    )
    run.refresh_from_db()
    return run


def test_the_page_says_what_has_changed(awaiting, client_of, alice):
    text = client_of(alice).get(f"/runs/{awaiting.pk}/").content.decode()
    assert "waits for a confirmed version" in text
    assert "test.number is version 1 now, not 0." in text


def test_nobody_claims_it_before_a_person_has_decided(awaiting, alice, tmp_path):
    """T24."""
    locks = OwnerLocks(tmp_path)
    assert claim_runs("me", 1, locks) == []
    call_command("decide_versions", str(awaiting.pk), "take", "--as", "alice")
    assert [each.run for each in claim_runs("me", 1, locks)] == [str(awaiting.pk)]


def test_what_does_not_wait_for_it_is_not_decided(run, alice):
    with pytest.raises(CommandError, match="does not wait for a decision"):
        call_command("decide_versions", str(run.pk), "take", "--as", "alice")


def test_a_decision_about_a_task_still_names_it(awaiting, alice):
    assert "names no task" in awaiting.refusal_of("decide", {"action": "retry"})


async def test_from_another_version_to_the_end(stores, run, alice):  # noqa: F811
    """P11: it awaits, a person takes the new version, and the run completes."""
    key = str(run.pk)
    store = stores()
    (stored,) = await store.claim("before", 1)
    await store.commit(batch_of(stored, happened.RunStarted()))
    await store.release("before", [key])
    types = json.dumps({"test.number": "0@0123456789abcdef"})
    await in_thread(lambda: Run.objects.filter(pk=key).update(types=types))
    rung = asyncio.Event()
    runner = BackgroundRunner(
        store, registry_of_tests(), "me", host=Host(on_commit=lambda *_: rung.set())
    )
    runner.start()
    run = await until(key, rung, "awaiting")
    assert (run.reason, run.owner, run.total) == ("version", "", stored.progress.total)
    assert await in_thread(lambda: run.request("decide", alice, {"action": "take"}))
    runner.wake()
    run = await until(key, rung, "completed")
    await runner.stop()
    assert json.loads(run.types) == {
        "test.number": signature_of(registry_of_tests().get("test.number"))
    }
    assert (run.error, run.reason) == ("", "")


async def until(key, rung, status):
    """Wait until a run has a status, and nobody is about to let it go."""
    async with asyncio.timeout(20):
        while True:
            run = await in_thread(lambda: Run.objects.get(pk=key))
            if run.status == status and not run.owner:
                return run
            rung.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(rung.wait(), 0.1)
