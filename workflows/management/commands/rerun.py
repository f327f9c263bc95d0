"""`manage.py rerun ID --from failed --as USER`: run a run again, and keep what still stands."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.http import Http404

from runner.console import read_inputs
from runner.errors import RunnerError
from runner.graph.definition import GraphDefinition
from runner.run.rerun import RerunMode
from workflows.access import run_for
from workflows.artifacts import keep_file_for
from workflows.grants import refusal_of
from workflows.models import Right, Run
from workflows.models.rerunning import RerunWish, planned_rerun


class Command(BaseCommand):
    """Let a run go on, or start another one that keeps the results that are still right."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which run, from where, with what, and in whose name."""
        parser.add_argument("run", help="the run's id")
        parser.add_argument(
            "--from",
            dest="mode",
            choices=[each.value for each in RerunMode],
            default=RerunMode.FAILED.value,
        )
        parser.add_argument("--task", default="", help="the path where --from task begins")
        parser.add_argument("--latest", action="store_true", help="with the latest version")
        parser.add_argument("--input", action="append", default=[], metavar="NAME=VALUE")
        parser.add_argument("--preview", action="store_true", help="only say what would run")
        parser.add_argument("--as", dest="person", required=True, help="username")

    def handle(self, *args: Any, **options: Any) -> None:
        """Say what will run, and ask for it."""
        person = User.objects.filter(username=options["person"], is_active=True).first()
        if person is None:
            raise CommandError(f"There is no user {options['person']!r}.")
        try:
            run = run_for(person, options["run"], Right.RUN)
            wish = _wish(run, options)
            version = run.version.workflow.latest if wish.latest else run.version
            unagreed = refusal_of(version or run.version, person)
            if unagreed and wish.mode != RerunMode.RESUME:
                raise CommandError(unagreed)
            self.stdout.write(planned_rerun(run, person, wish).preview.sentence)
            if not options["preview"]:
                self.stdout.write(f"run {Run.objects.rerun(run, person, wish).pk}")
        except Http404:
            raise CommandError(f"{person} has no run {options['run']!r}.") from None
        except RunnerError as fault:
            raise CommandError(str(fault)) from fault


def _wish(run: Run, options: dict[str, Any]) -> RerunWish:
    version = run.version.workflow.latest if options["latest"] else run.version
    definition = GraphDefinition.from_json((version or run.version).definition)
    return RerunWish(
        mode=RerunMode(options["mode"]),
        task=options["task"],
        latest=options["latest"],
        inputs=read_inputs(definition, options["input"], keep_file_for(str(run.team_id))),
    )
