"""`manage.py decide_versions ID take|fail --as USER`: for a run whose task types have changed."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from workflows.management.run_request import RunRequestCommand


class Command(RunRequestCommand):
    """Let a run go on with the task types that are installed now, or end it."""

    help = __doc__
    kind = "decide"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What becomes of the run."""
        super().add_arguments(parser)
        parser.add_argument("action", choices=["take", "fail"])

    def payload(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Give the decision."""
        return {"action": options["action"]}
