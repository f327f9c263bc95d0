"""The doorbell of the job queue: what is enqueued in django.tasks, and what a worker there does."""

from dataclasses import replace

import pytest
from django.tasks import task_backends
from django.tasks.backends.base import BaseTaskBackend

from runner.graph.values import encode
from tests.workflows.jobs import post, post_job, spec
from workflows.job_doorbell import carry_out_job, is_hung, ring
from workflows.job_reasons import RUNG, Reasons
from workflows.models import Job


class Queue(BaseTaskBackend):
    """A backend that queues, and whose worker has not come yet."""

    supports_defer = supports_priority = True

    def __init__(self, alias, params):
        super().__init__(alias, params)
        self.enqueued = []

    def enqueue(self, task, args, kwargs):
        self.enqueued.append((task, args))


class Broken(Queue):
    """A backend whose broker is away."""

    def enqueue(self, task, args, kwargs):
        raise ConnectionError("the broker is away")


@pytest.fixture
def backend(settings):
    """Let django.tasks queue."""

    def use(kind):
        settings.TASKS = {"default": {"BACKEND": f"{__name__}.{kind.__name__}"}}
        return task_backends["default"]

    return use


@pytest.mark.django_db
def test_a_backend_that_queues_is_given_the_number_of_the_job_its_priority_and_its_time(
    run, backend
):
    queue, job = backend(Queue), post(run, priority=7, run_after=60)
    ring(job.pk)
    ((task, args),) = queue.enqueued
    assert args == (job.pk,)
    assert (task.func, task.priority, task.run_after) == (carry_out_job.func, 7, job.run_after)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["immediate.ImmediateBackend", "dummy.DummyBackend"])
def test_a_backend_of_djangos_own_never_rings_and_runs_nothing_in_the_server(run, settings, name):
    settings.TASKS = {"default": {"BACKEND": f"django.tasks.backends.{name}"}}
    job = post(run)
    ring(job.pk)
    job.refresh_from_db()
    assert (is_hung(), job.state) == (False, "waiting")


@pytest.mark.django_db
def test_a_backend_that_is_away_is_said_and_the_job_waits_for_a_runner(run, backend, caplog):
    backend(Broken)
    job = post(run)
    ring(job.pk)
    assert "the broker is away" in caplog.text
    assert Reasons().of(job) == RUNG


@pytest.mark.django_db(transaction=True)
def test_a_worker_of_the_backend_carries_the_job_out(run):
    inputs = {"topics": encode({"numbers": "one two three four"}), "size": "8"}
    asked = replace(spec(run), type="text.split", title="Split", inputs=inputs)
    key = post_job(asked)
    carry_out_job.func(key)
    job = Job.objects.get(pk=key)
    assert (job.state, job.epoch) == ("done", 1), job.outcome
    assert job.events.filter(kind="chunks").exists()
    carry_out_job.func(key)
    assert Job.objects.get(pk=key).epoch == 1


@pytest.mark.django_db(transaction=True)
def test_an_input_that_the_workers_type_does_not_have_is_said(run):
    key = post_job(replace(spec(run), type="text.split", inputs={"gone": "1"}))
    carry_out_job.func(key)
    assert "has no input 'gone' here; update this job queue runner." in Job.objects.get().outcome
