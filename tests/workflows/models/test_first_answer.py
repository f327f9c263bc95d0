"""Who answers first, when all answer at once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from workflows.models import Run

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 4


@pytest.mark.parametrize("kind", ["answer", "decide"])
def test_of_answers_at_the_same_moment_one_is_taken(run, alice, bob, kind):
    """However they come, the run's owner finds one."""
    Run.objects.filter(pk=run.pk).update(status="awaiting")
    reason = {"answer": "approval", "decide": "decision"}[kind]
    run.task_runs.create(path="a", status="awaiting", reason=reason)
    start = Barrier(AT_ONCE)

    def give(number):
        payload = {"path": "a", "value": number, "action": "fail", "message": str(number)}
        start.wait(10)
        try:
            return Run.objects.get(pk=run.pk).request(kind, (alice, bob)[number % 2], payload)
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as people:
        taken = list(people.map(give, range(AT_ONCE)))

    assert sorted(taken) == [False] * (AT_ONCE - 1) + [True]
    assert run.requests.count() == 1
