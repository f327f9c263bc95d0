"""A job queue runner put together: a worker with what this process lends to bodies."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from runner.execution.host import Host
from runner.graph.registry import default_registry
from workflows.credentials import DatabaseCredentials
from workflows.hosting import lent
from workflows.job_worker import JobWorker
from workflows.owners import new_owner


@asynccontextmanager
async def job_runner(room: int) -> AsyncIterator[JobWorker]:
    """Give a worker for so many jobs at a time; let go of what it used in the end."""
    credentials = DatabaseCredentials()
    host = Host(credentials=credentials, **lent())
    try:
        yield JobWorker(new_owner(), room, default_registry(), host)
    finally:
        await host.expressions.close()
        await host.programs.close()
        await credentials.close()
