"""`manage.py run_job_queue`: carry out the jobs that runs post to the job queue."""

import asyncio
import signal
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from workflows import known_tokens
from workflows.job_runner import job_runner
from workflows.newer import NewerDatabase, refuse_newer

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
        known_tokens.guard_output()
        asyncio.run(self._work(jobs))

    async def _work(self, jobs: int) -> None:
        loop = asyncio.get_running_loop()
        async with job_runner(jobs) as worker:
            for each in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(each, worker.stop)
            self._say(f"Job queue runner {worker.name} carries out {jobs} jobs at a time.")
            await worker.run()
        self._say("Stopped.")

    def _say(self, sentence: str) -> None:
        self.stdout.write(sentence)
        self.stdout.flush()
