"""`manage.py load_demos`: save the shipped workflows where they changed."""

from typing import Any

from django.core.management.base import BaseCommand

from workflows.demo_library import load_demos


class Command(BaseCommand):
    """Save the shipped workflows in team Demo, as new versions where they changed."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        """Load them, and name those that changed."""
        for name in load_demos():
            self.stdout.write(f"loaded {name}")
