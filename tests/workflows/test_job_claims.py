"""Which jobs a worker takes, in which order, and what becomes of those of the dead."""

import json

import pytest
from django.db.models.functions import Now

from runner.errors import TaskAbandoned
from runner.run.status import JobState, RunStatus
from tests.workflows.jobs import DONE, Worker, let_die, post, post_job, spec
from workflows.job_claims import DEATHS, keep_house, release_jobs, stopped_jobs
from workflows.job_limits import JobLimit
from workflows.job_lines import Said, keep_said
from workflows.models import Job, JobEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def worker(tmp_path):
    """One that has room."""
    return Worker(tmp_path)


@pytest.fixture
def another(tmp_path):
    """Another one on the same machine."""
    return Worker(tmp_path, "two")


def state_of(job):
    job.refresh_from_db()
    return job.state


# ── order and limits ────────────────────────────────────────────────────────────────────────────


def test_the_highest_priority_goes_first_and_then_the_oldest(run, worker):
    for path, priority in (("a", 0), ("b", 5), ("c", -5), ("d", 5)):
        post(run, path, priority=priority)
    assert worker.claim() == ["b", "d", "a", "c"]


def test_a_worker_takes_no_more_than_it_has_room_for(run, worker, another):
    for path in "abcd":
        post(run, path)
    assert (worker.claim(room=3), another.claim(room=3)) == (["a", "b", "c"], ["d"])
    assert worker.claim(room=0) == []


def test_a_job_waits_for_its_time(run, worker):
    job = post(run, run_after=60)
    assert worker.claim() == []
    Job.objects.filter(pk=job.pk).update(run_after=Now())
    assert worker.claim() == ["a"]


def test_no_more_of_a_group_are_worked_on_than_its_limit_says(run, worker, another, settings):
    settings.JOB_LIMITS = {"mail": JobLimit(at_once=2)}
    first, *_ = [post(run, path, group="mail") for path in "abc"]
    post(run, "d")
    assert worker.claim() == ["a", "b", "d"]
    assert another.claim() == []
    worker.end(first)
    assert another.claim() == ["c"]


def test_no_more_of_a_group_begin_in_a_time_than_its_rate_says(run, worker, settings):
    settings.JOB_LIMITS = {"mail": JobLimit(rate=2, time="hour")}
    first, *_ = [post(run, path, group="mail") for path in "abc"]
    assert worker.claim() == ["a", "b"]
    worker.end(first)
    assert worker.claim() == []


def test_a_job_of_an_unknown_type_is_left_to_others(run, worker, another):
    post(run)
    assert worker.claim(knows=lambda _type, version: version == "2") == []
    assert another.claim() == ["a"]


# ── the same job ────────────────────────────────────────────────────────────────────────────────


def test_the_same_job_is_done_once_and_who_asked_meanwhile_gets_its_result(run, worker, another):
    first, second = post(run, "a", dedupe="k"), post(run, "b", dedupe="k")
    assert (worker.claim(), another.claim()) == (["a"], [])
    messages = ({"port": "p", "chunks": ["1"]},)
    keep_said([Said(job=first.pk, epoch=1, first=1, messages=messages)])
    worker.end(first)
    assert another.claim() == []
    assert state_of(second) == "done"
    assert (second.outcome, second.said) == (DONE, 1)
    assert JobEvent.objects.filter(job=second, epoch=second.epoch).count() == 1


@pytest.mark.parametrize("other", [{"dedupe": "other"}, {"dedupe": ""}])
def test_what_has_another_key_or_none_is_another_job(run, worker, other):
    post(run, "a", dedupe="k")
    post(run, "b", **other)
    assert worker.claim() == ["a", "b"]


def test_a_same_job_that_failed_is_tried_by_the_next(run, worker):
    first = post(run, "a", dedupe="k")
    post(run, "b", dedupe="k")
    assert worker.claim() == ["a"]
    worker.end(first, JobState.FAILED)
    assert worker.claim() == ["b"]


# ── workers that die ────────────────────────────────────────────────────────────────────────────


def test_a_job_whose_lease_ended_is_taken_over_and_its_late_worker_writes_nothing(
    run, worker, another
):
    job = post(run)
    worker.claim()
    assert another.claim() == []
    let_die()
    assert another.claim() == ["a"]
    late = Said(job=job.pk, epoch=1, first=1, messages=({"log": "late", "level": "INFO"},))
    assert keep_said([late]) == {job.pk}
    assert not JobEvent.objects.exists()
    assert stopped_jobs("one", [job.pk]) == (set(), {job.pk})


def test_a_job_that_must_not_run_twice_is_lost_with_its_worker(run, worker, another):
    job = post(run, once=True)
    worker.claim()
    let_die()
    assert another.claim() == []
    assert state_of(job) == "lost"


def test_a_job_that_five_workers_died_with_fails_with_the_reason(run, tmp_path):
    job = post(run)
    for life in range(DEATHS):
        assert Worker(tmp_path, str(life)).claim() == ["a"]
        let_die(str(life))
    assert Worker(tmp_path, "last").claim() == []
    assert state_of(job) == "failed"
    said = json.loads(job.outcome)["failed"]["message"]
    assert said.startswith("5 job queue runners in a row died while it was at work")


def test_a_job_that_gets_on_may_lose_any_number_of_workers(run, tmp_path):
    job = post(run)
    for life in range(DEATHS + 1):
        assert Worker(tmp_path, str(life)).claim() == ["a"]
        messages = ({"port": "p", "chunks": ["1"]},)
        keep_said([Said(job=job.pk, epoch=life + 1, first=1, messages=messages)])
        let_die(str(life))


def test_a_job_that_may_kill_is_carried_out_beside_no_other(run, worker, another):
    job = post(run, "a")
    post(run, "b")
    Job.objects.filter(pk=job.pk).update(deaths=2)
    assert worker.claim() == ["a"]
    Job.objects.filter(pk=job.pk).update(state=JobState.WAITING, worker="")
    assert another.claim(driven=(0,)) == []


def test_a_worker_that_stops_gives_its_jobs_back_and_nobody_died(run, worker, another):
    jobs = [post(run, "a"), post(run, "b", once=True)]
    worker.claim()
    release_jobs("one", [job.pk for job in jobs])
    assert [state_of(job) for job in jobs] == ["waiting", "lost"]
    assert another.claim() == ["a"]
    assert Job.objects.get(path="a").deaths == 0


# ── ends ────────────────────────────────────────────────────────────────────────────────────────


def test_nobody_begins_a_job_after_its_deadline(run, worker):
    job = post(run, deadline=60)
    Job.objects.filter(pk=job.pk).update(deadline=job.created_at)
    keep_house()
    assert worker.claim() == []
    assert "deadline" in json.loads(Job.objects.get().outcome)["failed"]["message"]


@pytest.mark.parametrize(("claimed", "state", "asked"), [(False, "cancelled", False), (True, "running", True)])  # fmt: skip
def test_the_jobs_of_a_run_that_is_over_are_stopped(run, worker, claimed, state, asked):
    job = post(run)
    if claimed:
        worker.claim()
    run.status = RunStatus.CANCELLED
    run.save()
    keep_house()
    assert (state_of(job), job.cancel) == (state, asked)


# ── posting again ───────────────────────────────────────────────────────────────────────────────


def test_a_later_attempt_takes_over_a_job_for_the_same_work(run, worker):
    first = post(run)
    worker.claim()
    assert post_job(spec(run)) == first.pk
    assert post_job(spec(run, attempt=2)) == first.pk
    assert Job.objects.get().attempt == 2


def test_a_job_for_other_work_is_stopped_and_another_one_posted(run):
    first = post(run)
    other = post(run, attempt=2, timeout=7.0)
    assert other.pk != first.pk
    assert (state_of(first), other.state) == ("cancelled", "waiting")


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.CANCELLED, JobState.LOST])
def test_a_job_that_ended_badly_is_begun_anew(run, worker, state):
    job = post(run)
    worker.claim()
    worker.end(job, state)
    assert post(run, attempt=2).pk != job.pk


def test_an_attempt_that_is_over_posts_nothing(run):
    post(run, attempt=2)
    with pytest.raises(TaskAbandoned):
        post_job(spec(run, attempt=1))
