"""The doorbell of the job queue: `django.tasks`, where a backend is configured that queues.

It carries the number of a job and nothing else. A worker of that backend becomes a job queue
runner for a while; what it misses, any other runner finds in the rows.
"""

import asyncio
import logging
from typing import Any

from django.tasks import task, task_backends
from django.tasks.backends.dummy import DummyBackend
from django.tasks.backends.immediate import ImmediateBackend

from workflows.models import Job

logger = logging.getLogger(__name__)


def is_hung() -> bool:
    """Whether a backend queues: those that come with Django run a task at once, here, or never."""
    return not isinstance(task_backends["default"], ImmediateBackend | DummyBackend)


def ring(key: int) -> None:
    """Ask a worker of the backend to look at a job; if that fails, its runners find it anyway."""
    if not is_hung():
        return
    job = Job.objects.only("priority", "run_after").get(pk=key)
    try:
        carry_out_job.using(**_wish(job)).enqueue(key)
    # Each backend has its own kinds of trouble, and a run must feel none of them.
    except Exception as fault:
        logger.warning("django.tasks did not take job %s: %s", key, fault)


def _wish(job: Job) -> dict[str, Any]:
    """Say of the job what the backend can honour."""
    backend = task_backends["default"]
    wish: dict[str, Any] = {}
    if backend.supports_priority:
        wish["priority"] = job.priority
    if backend.supports_defer and job.run_after is not None:
        wish["run_after"] = job.run_after
    return wish


@task
def carry_out_job(key: int) -> None:
    """Be a job queue runner until a job waits no longer and nothing is under way here."""
    asyncio.run(_work_until_begun(key))


async def _work_until_begun(key: int) -> None:
    from workflows.job_runner import job_runner  # noqa: PLC0415 - who rings needs no engine

    async with job_runner(1) as worker:
        await worker.run(until_begun=key)
