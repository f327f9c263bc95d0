"""`manage.py watch_run RUN --as USER`: watch a run that another process executes."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from workflows.management.following import Follower, follow
from workflows.management.run_request import person_named, run_named
from workflows.models import Right


class Command(BaseCommand):
    """Show what a run does until it is over or needs a person; Ctrl+C ends the watching only.

    Leaves with 0 if it is completed, 1 if it has failed, 2 if there is no such run, 3 if it needs
    a person, and 130 if it is cancelled or the watching was.
    """

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which run, and in whose name."""
        parser.add_argument("run", help="the run's id")
        parser.add_argument("--as", dest="person", required=True, help="username")
        parser.add_argument("--json", action="store_true", help="one JSON object an event")
        parser.add_argument("--stay", action="store_true", help="stay while it needs a person")

    def handle(self, *args: Any, **options: Any) -> None:
        """Follow the run from its first event."""
        run = run_named(person_named(options["person"]), options["run"], Right.VIEW)
        if code := follow(run, Follower(stay=options["stay"]), as_json=options["json"]):
            sys.exit(code)
