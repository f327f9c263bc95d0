"""`manage.py run_workflow NAME --input k=v --as USER`: run a workflow and watch it."""

import logging
import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from runner.console import USAGE, read_inputs
from runner.errors import RunnerError
from runner.graph.definition import GraphDefinition
from runner.graph.planning import plan
from workflows.artifacts import keep_file_for
from workflows.forms import LONGEST_LABEL
from workflows.grants import refusal_of
from workflows.management.following import Follower, cancelling, follow
from workflows.management.run_request import person_named
from workflows.models import Right, Run, Workflow
from workflows.models.workflow import registry_with


class Command(BaseCommand):
    """Run a workflow in a person's name and show what happens.

    A server that uses the same data drives the run; without one, this process does. Leaves with 0
    if the run is completed, 1 if it has failed, 2 if it could not be started, 3 if it needs a
    person, who finds it on the pages, and 130 if it is cancelled.
    """

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which workflow, with what, in whose name."""
        parser.add_argument("name", help="a workflow's name, or team/name")
        parser.add_argument("--input", action="append", default=[], metavar="NAME=VALUE")
        parser.add_argument("--label", default="", help="what the run is called in lists")
        parser.add_argument("--as", dest="person", required=True, help="username")
        parser.add_argument("--json", action="store_true", help="one JSON object an event")
        parser.add_argument("--stay", action="store_true", help="stay while it needs a person")

    def handle(self, *args: Any, **options: Any) -> None:
        """Start the run, follow it, and leave with the exit code that says how it is."""
        person = person_named(options["person"])
        workflow = _workflow_of(person, options["name"])
        # A line in the log would tear the tree apart.
        logging.getLogger("workflows.background").setLevel(logging.WARNING)
        run = _start(workflow, person, options["input"], options["label"])
        follower = Follower(stay=options["stay"], may_drive=True, interrupt=cancelling(run, person))
        if code := follow(run, follower, as_json=options["json"]):
            sys.exit(code)


def _workflow_of(person: User, name: str) -> Workflow:
    team, _, last = name.rpartition("/")
    found = Workflow.objects.visible_to(person, Right.RUN).filter(name=last)
    if team:
        found = found.filter(team__slug=team)
    workflows = list(found.select_related("team")[:2])
    if len(workflows) > 1:
        raise CommandError(
            f"Several teams have a workflow {last!r}; write TEAM/{last}.", returncode=USAGE
        )
    if not workflows:
        raise CommandError(f"{person} has no workflow {name!r} to run.", returncode=USAGE)
    return workflows[0]


def _start(workflow: Workflow, person: User, pairs: list[str], label: str) -> Run:
    if len(label) > LONGEST_LABEL:
        raise CommandError(f"A label has at most {LONGEST_LABEL} characters.", returncode=USAGE)
    version = workflow.latest
    if version is None:
        raise CommandError(f"{workflow} has no version yet.", returncode=USAGE)
    if unagreed := refusal_of(version, person):
        raise CommandError(unagreed, returncode=USAGE)
    try:
        definition = GraphDefinition.from_json(version.definition)
        inputs = read_inputs(definition, pairs, keep_file_for(str(workflow.team_id)))
        pinned = Workflow.objects.pinned(version, person)
        plan(definition, inputs, registry_with(pinned))
        return Run.objects.start(version, person, inputs, label=label, workflows=pinned)
    except RunnerError as fault:
        raise CommandError(str(fault), returncode=USAGE) from fault
