"""`manage.py load_code_workflows`: give every team the graphs that installed modules bring."""

from typing import Any

from django.core.management.base import BaseCommand

from workflows.code_library import load_code_workflows


class Command(BaseCommand):
    """Save the graphs written in code as workflows of every team, as new versions if changed."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        """Load them, name those that changed, and say what is amiss."""
        loaded = load_code_workflows()
        for name in loaded.changed:
            self.stdout.write(f"loaded {name}")
        for notice in loaded.notices:
            self.stderr.write(notice)
