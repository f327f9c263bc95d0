"""What the commands about a run share: the same question the pages ask, from a terminal."""

import json
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.http import Http404

from workflows.access import run_for


class RunRequestCommand(BaseCommand):
    """Asks something of a run in a person's name."""

    kind: str
    refusal: str = ""

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
        payload = self.payload(options)
        refused = run.refusal_of(self.kind, payload)
        if refused or not run.request(self.kind, person, payload):
            raise CommandError(self.refusal or refused)
        self.stdout.write(f"asked: {self.kind} {run.pk}")

    def payload(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Give what the request says besides its kind."""
        return {}


def json_of(text: str) -> Any:
    """Read a JSON argument; raises CommandError with a sentence."""
    try:
        return json.loads(text)
    except ValueError as fault:
        raise CommandError(f"{text!r} is not JSON: {fault}") from fault
