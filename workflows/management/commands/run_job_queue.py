"""`manage.py run_job_queue`: carry out the jobs that runs post to the job queue."""

import asyncio
import signal
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from runner.execution.host import Host
from runner.graph.registry import default_registry
from workflows.credentials import DatabaseCredentials
from workflows.hosting import lent
from workflows.job_worker import JobWorker
from workflows.newer import NewerDatabase, refuse_newer
from workflows.owners import new_owner

JOBS = 4
MOST_JOBS = 1000


class Command(BaseCommand):
    """Claim jobs and carry them out until told to stop; start as many of these as you like."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take how many jobs at once."""
        parser.add_argument(
            "--jobs", type=int, default=JOBS, help=f"how many jobs at the same time ({JOBS})"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Work until a signal comes."""
        jobs = options["jobs"]
        if not 1 <= jobs <= MOST_JOBS:
            raise CommandError(f"--jobs must be a number from 1 to {MOST_JOBS}.")
        try:
            refuse_newer()
        except NewerDatabase as refusal:
            raise CommandError(str(refusal)) from None
        asyncio.run(self._work(jobs))

    async def _work(self, jobs: int) -> None:
        credentials = DatabaseCredentials()
        host = Host(credentials=credentials, **lent())
        worker = JobWorker(new_owner(), jobs, default_registry(), host)
        loop = asyncio.get_running_loop()
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, worker.stop)
        self.stdout.write(f"Job queue runner {worker.name} carries out {jobs} jobs at a time.")
        self.stdout.flush()
        try:
            await worker.run()
        finally:
            await host.expressions.close()
            await host.programs.close()
            await credentials.close()
        self.stdout.write("Stopped.")
