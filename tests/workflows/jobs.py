"""Jobs posted without an engine, and workers that claim them, for tests."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.db.models.functions import Now

from runner.execution.jobs import JobSpec
from runner.graph.policy import Policy
from runner.run.status import JobState
from workflows.job_claims import Claiming, begin_worker, claim_jobs, end_job
from workflows.job_posts import post_jobs
from workflows.models import Job, JobWorker
from workflows.owners import OwnerLocks

DONE = '{"outputs":{"result":"1"}}'


def spec(run: Any, path: str = "a", *, attempt: int = 1, once: bool = False, **policy: Any):
    """Describe a job."""
    return JobSpec(
        run=str(run.pk),
        path=path,
        attempt=attempt,
        type="test.number",
        version="1",
        title="Number",
        config="{}",
        inputs={"value": "1"},
        once=once,
        policy=Policy(place="queue", **policy),
    )


def post_job(spec: JobSpec) -> int:
    """Post one job; raises what refuses it."""
    (found,) = post_jobs([spec])
    if isinstance(found, Exception):
        raise found
    return found


def post(run: Any, path: str = "a", **more: Any) -> Job:
    """Post a job."""
    return Job.objects.get(pk=post_job(spec(run, path, **more)))


class Worker:
    """Claims jobs under a name."""

    def __init__(self, folder: Any, name: str = "one", **more: Any) -> None:
        self.claiming = Claiming(
            worker=name, room=10, locks=OwnerLocks(folder), knows=lambda _type, _version: True,
        )  # fmt: skip
        self.claiming = replace(self.claiming, **more)
        begin_worker(name, "here", 10)

    def claim(self, **more: Any) -> list[str]:
        """Claim; give the paths, and remember what it has."""
        claimed = claim_jobs(replace(self.claiming, **more))
        had = (*self.claiming.driven, *(each.id for each in claimed))
        self.claiming = replace(self.claiming, driven=had)
        return [each.path for each in claimed]

    def end(self, job: Job, state: JobState = JobState.DONE) -> bool:
        """End a job that it has."""
        job.refresh_from_db()
        return end_job(job.pk, job.epoch, state, DONE)


def let_die(name: str = "one") -> None:
    """Let the leases of a worker end."""
    long_ago = Now() - timedelta(seconds=60)
    Job.objects.filter(worker=name).update(lease_until=long_ago)
    JobWorker.objects.filter(pk=name).update(seen_at=long_ago)
