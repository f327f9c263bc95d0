"""The background runner on the database store: from a queued row to its outputs."""

import asyncio
import json

import pytest

from runner.execution.background import BackgroundRunner
from runner.execution.host import Host
from runner.graph.values import decode
from tests.drive import definition_of
from tests.tasks import registry_of_tests
from tests.workflows.test_store import in_thread
from workflows import background
from workflows.models import Run
from workflows.owners import new_owner
from workflows.store import DatabaseStore

pytestmark = pytest.mark.django_db(transaction=True)

SUM = definition_of(
    [
        {"id": "one", "type": "test.number", "inputs": {"value": 20}},
        {"id": "two", "type": "test.number", "inputs": {"value": 22}},
        {"id": "sum", "type": "test.add"},
    ],
    [("one.result", "sum.values"), ("two.result", "sum.values")],
    outputs={"total": "sum.result"},
)


class Rung(asyncio.Queue):
    """What was committed, as (run, seq)."""

    def ring(self, run, seq):
        self.put_nowait((run, seq))


@pytest.fixture
async def rung(tmp_path):
    """The commits of a runner that runs on the database."""
    store, rung = DatabaseStore(tmp_path), Rung()
    runner = BackgroundRunner(
        store, registry_of_tests(), new_owner(), host=Host(on_commit=rung.ring)
    )
    runner.start()
    yield rung
    await runner.stop()
    await store.close()


async def ended(rung, run):
    async with asyncio.timeout(20):
        while True:
            await rung.get()
            row = await in_thread(lambda: Run.objects.get(pk=run))
            if row.is_over:
                return row


@pytest.fixture
def start(workflow, alice):
    """Start a run of a definition."""

    def start(definition):
        return Run.objects.start(workflow.revise(definition), alice, {})

    return start


async def test_a_queued_run_runs_to_its_outputs(rung, start):
    run = await in_thread(lambda: start(SUM))
    row = await ended(rung, run.pk)
    assert (row.status, row.done, row.total, row.fraction) == ("completed", 3, 3, 1.0)
    assert decode(row.outputs) == {"total": 42}


async def test_a_run_that_cannot_be_planned_says_why(rung, start):
    bad = definition_of([{"id": "a", "type": "no.such"}])
    good = await in_thread(lambda: start(SUM))
    run = await in_thread(lambda: start(bad))
    await ended(rung, good.pk)
    async with asyncio.timeout(20):
        while (row := await in_thread(lambda: Run.objects.get(pk=run.pk))).status == "queued":
            continue
    assert row.status == "quarantined"
    assert "no.such" in json.loads(row.error)["message"]


FOREVER = "[0 for a in range(10**9) for b in range(10**9) if b < 0]"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (FOREVER, "takes longer than 0.05 s"),
        ("len('a' * 3_000_000)", "needs more than 2 MiB of memory"),
        ("'a' * 2000", "gave more than 1,024 bytes"),
    ],
)
async def test_an_expression_has_what_the_operator_allows(source, said, start, settings):
    """Engine 8.3."""
    settings.EXPRESSION_SECONDS = 0.05
    settings.EXPRESSION_MEMORY = 2 << 20
    settings.EXPRESSION_VALUES = 1 << 10
    text = {"$expression": source}
    task = {"id": "ask", "type": "text.count_words", "inputs": {"text": text}}
    run = await in_thread(lambda: start(definition_of([task])))
    await background.start()
    try:
        async with asyncio.timeout(20):
            while not (row := await in_thread(lambda: Run.objects.get(pk=run.pk))).is_over:
                continue
    finally:
        await background.stop()
    assert row.status == "failed"
    assert said in json.loads(row.error)["message"]


def test_a_wake_without_a_runner_does_nothing():
    background.wake()
