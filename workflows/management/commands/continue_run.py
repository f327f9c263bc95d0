"""`manage.py continue_run ID --as USER`: ask for a paused run to go on."""

from workflows.management.run_request import RunRequestCommand


class Command(RunRequestCommand):
    """Ask for a paused run to go on."""

    help = __doc__
    kind = "continue"
