"""`manage.py start_task acme.shout`: a package with a task of one's own, to change and install."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from runner.errors import RunnerError
from workflows.plug_in_starter import PlugInStarter


class Command(BaseCommand):
    """Write a package that brings one task type, with its test and how to install it."""

    help = __doc__
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the name of the task type, and where to write."""
        parser.add_argument("name", help="of the task type: a family and a function, acme.shout")
        parser.add_argument(
            "--into", type=Path, default=Path(), help="the folder to write it into (this one)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Write it, and say what to do next."""
        try:
            folder = PlugInStarter.called(options["name"]).write(options["into"])
        except RunnerError as fault:
            raise CommandError(fault.sentence) from None
        self.stdout.write(f"Written: {folder}. Its README says how to install it.")
