"""The one app of the project."""

from django.apps import AppConfig
from django.core.exceptions import ImproperlyConfigured

from runner.errors import ValueFault
from runner.execution.failpoints import arm_from_environment


class WorkflowsConfig(AppConfig):
    """Workflows, their runs, and the pages that show them."""

    name = "workflows"
    verbose_name = "Workflows"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks, hang the bell of drafts, arm the failpoints of the environment."""
        from workflows import checks, draft_bell  # noqa: F401, PLC0415

        draft_bell.hang()

        try:
            arm_from_environment()
        except ValueFault as fault:
            raise ImproperlyConfigured(fault.sentence) from fault
