"""`manage.py prune [--dry-run]`: remove what is older than the settings want to keep."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from workflows.retention import prune


class Command(BaseCommand):
    """Remove old streams, logs, results and files; states and structure stay."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Take whether to only count."""
        parser.add_argument("--dry-run", action="store_true", help="only say what would go")

    def handle(self, *args: Any, **options: Any) -> None:
        """Remove it, or say how much there is."""
        removed = prune(dry_run=options["dry_run"])
        said = "would remove" if options["dry_run"] else "removed"
        self.stdout.write(f"{said} {removed}")
