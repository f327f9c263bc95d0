"""What the commands about a run share: the same question the pages ask, from a terminal."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.http import Http404

from runner.console import USAGE
from workflows.access import run_for
from workflows.management.following import Follower, follow
from workflows.models import Right, Run


class RunRequestCommand(BaseCommand):
    """Asks something of a run in a person's name."""

    kind: str
    refusal: str = ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which run, and in whose name."""
        parser.add_argument("run", help="the run's id")
        parser.add_argument("--as", dest="person", required=True, help="username")
        parser.add_argument("--watch", action="store_true", help="then follow the run")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask; the run's owner acts within a second, or the next server does."""
        person = person_named(options["person"])
        run = run_named(person, options["run"], Right.RUN)
        payload = self.payload(options)
        refused = run.refusal_of(self.kind, payload, person)
        if refused or not run.request(self.kind, person, payload):
            raise CommandError(self.refusal or refused)
        asked = {"asked": self.kind, "run": str(run.pk)}
        as_json = bool(options.get("json"))
        self.stdout.write(json.dumps(asked) if as_json else f"asked: {self.kind} {run.pk}")
        self.stdout.flush()
        if options.get("watch"):
            sys.exit(follow(run, Follower(may_drive=True), as_json=as_json))

    def payload(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Give what the request says besides its kind."""
        return {}


def person_named(username: str) -> User:
    """Give an active person; raises CommandError with a sentence."""
    person = User.objects.filter(username=username, is_active=True).first()
    if person is None:
        raise CommandError(f"There is no user {username!r}.", returncode=USAGE)
    return person


def run_named(person: User, key: str, right: Right) -> Run:
    """Give a run for which the person has a right; raises CommandError with a sentence."""
    try:
        return run_for(person, key, right)
    except Http404:
        raise CommandError(f"{person} has no run {key!r}.", returncode=USAGE) from None


def json_of(text: str) -> Any:
    """Read a JSON argument; raises CommandError with a sentence."""
    try:
        return json.loads(text)
    except ValueError as fault:
        raise CommandError(f"{text!r} is not JSON: {fault}") from fault
