"""The one app of the project."""

from django.apps import AppConfig, apps
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import module_has_submodule

from runner.errors import ValueFault
from runner.execution.failpoints import arm_from_environment
from runner.graph.registry import also_from

#: `tasks.py` belongs to django.tasks.
TASKS_MODULE = "anabranch_tasks"


class WorkflowsConfig(AppConfig):
    """Workflows, their runs, and the pages that show them."""

    name = "workflows"
    verbose_name = "Workflows"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks, hang the bell of drafts, arm the failpoints of the environment.

        Tasks are found in the module `anabranch_tasks` of any app, and loaded at their first use.
        """
        from workflows import checks, draft_bell  # noqa: F401, PLC0415

        draft_bell.hang()
        for config in apps.get_app_configs():
            if module_has_submodule(config.module, TASKS_MODULE):
                also_from(f"{config.name}.{TASKS_MODULE}", f"app {config.label}")

        try:
            arm_from_environment()
        except ValueFault as fault:
            raise ImproperlyConfigured(fault.sentence) from fault
