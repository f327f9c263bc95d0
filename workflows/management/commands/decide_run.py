"""`manage.py decide_run ID TASK ACTION --as USER`: say what becomes of a task that may run once."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from workflows.management.run_request import RunRequestCommand, json_of


class Command(RunRequestCommand):
    """Let a task that must not start twice by itself run again, be done, or have failed."""

    help = __doc__
    kind = "decide"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which task, and what becomes of it."""
        super().add_arguments(parser)
        parser.add_argument("task", help="the path of the task that waits")
        parser.add_argument("action", choices=["retry", "complete", "fail"])
        parser.add_argument("--outputs", default="{}", help="to complete: JSON values by port")
        parser.add_argument("--message", default="", help="to fail: why")

    def payload(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Give the decision."""
        decision = {"path": options["task"], "action": options["action"]}
        if options["action"] == "complete":
            decision["outputs"] = json_of(options["outputs"])
        if options["action"] == "fail":
            decision["message"] = options["message"]
        return decision
