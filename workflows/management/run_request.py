"""What cancel_run and resume_run share: the same question the pages ask, from a terminal."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.http import Http404

from workflows.access import run_for


class RunRequestCommand(BaseCommand):
    """Asks something of a run in a person's name."""

    kind: str
    refusal: str

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which run, and in whose name."""
        parser.add_argument("run", help="the run's id")
        parser.add_argument("--as", dest="person", required=True, help="username")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask; the run's owner acts within a second, or the next server does."""
        person = User.objects.filter(username=options["person"]).first()
        if person is None:
            raise CommandError(f"There is no user {options['person']!r}.")
        try:
            run = run_for(person, options["run"], "run")
        except Http404:
            raise CommandError(f"{person} has no run {options['run']!r}.") from None
        if not run.request(self.kind, person):
            raise CommandError(self.refusal)
        self.stdout.write(f"asked: {self.kind} {run.pk}")
