"""`manage.py cancel_run ID --as USER`: ask for a run to stop."""

from workflows.management.run_request import RunRequestCommand


class Command(RunRequestCommand):
    """Ask for a run to stop; its results so far are kept."""

    help = __doc__
    kind = "cancel"
    refusal = "The run is over already."
