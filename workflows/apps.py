"""The one app of the project."""

from django.apps import AppConfig


class WorkflowsConfig(AppConfig):
    """Workflows, their runs, and the pages that show them."""

    name = "workflows"
    verbose_name = "Workflows"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks."""
        from workflows import checks  # noqa: F401, PLC0415
