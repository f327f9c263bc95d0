"""`manage.py answer_run ID TASK JSON --as USER`: give a task the answer it waits for."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from workflows.management.run_request import RunRequestCommand, json_of


class Command(RunRequestCommand):
    """Give a task of a run the answer it waits for."""

    help = __doc__
    kind = "answer"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which task, and the answer."""
        super().add_arguments(parser)
        parser.add_argument("task", help="the path of the task that asks")
        parser.add_argument("value", help='JSON: {"field": …}, or {"approved": true}')

    def payload(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Give the answer."""
        return {"path": options["task"], "value": json_of(options["value"])}
