"""The job queue as the owner of a run uses it: posts together, news of many, deadlines."""

import asyncio

import pytest

from tests.workflows.jobs import Worker, post, spec
from workflows.job_lines import Said, keep_said
from workflows.job_queue import DatabaseJobs
from workflows.job_reasons import NOBODY
from workflows.models import Job

pytestmark = pytest.mark.django_db(transaction=True)


def with_jobs(act):
    """Do something with a queue, in a loop."""

    async def work():
        jobs = DatabaseJobs()
        try:
            return await act(jobs)
        finally:
            await jobs.close()

    return asyncio.run(work())


def news(read):
    return with_jobs(lambda jobs: jobs.news(read))


def test_what_is_posted_at_once_gets_an_id_each_and_again_the_same(run):
    async def post_all(jobs):
        return await asyncio.gather(*(jobs.post(spec(run, f"t{n}")) for n in range(250)))

    ids = with_jobs(post_all)
    assert len(set(ids)) == Job.objects.count() == 250
    assert with_jobs(post_all) == ids


def test_a_job_that_waits_says_why(run):
    (found,) = news({post(run).pk: (0, 0)})
    assert (found.state, found.why, found.outcome) == ("waiting", NOBODY, None)


def test_the_outcome_comes_with_the_last_message_and_what_was_read_does_not_come_again(
    run, tmp_path
):
    job, worker = post(run), Worker(tmp_path)
    worker.claim()
    said = ({"log": "one", "level": "INFO"}, {"log": "two", "level": "INFO"})
    keep_said([Said(job=job.pk, epoch=1, first=1, messages=said)])
    (found,) = news({job.pk: (0, 0)})
    assert (found.messages, found.last, found.outcome) == (said, 2, None)
    assert news({job.pk: (1, 2)}) == []
    worker.end(job)
    (found,) = news({job.pk: (1, 1)})
    assert (found.messages, found.outcome) == (said[1:], {"outputs": {"result": "1"}})


def test_a_deadline_passes_where_no_runner_is(run):
    job = post(run, deadline=60)
    Job.objects.filter(pk=job.pk).update(deadline=job.created_at)
    (found,) = news({job.pk: (0, 0)})
    assert (found.state, found.outcome["failed"]["message"]) == (
        "failed",
        "No worker had begun the job at its deadline.",
    )
