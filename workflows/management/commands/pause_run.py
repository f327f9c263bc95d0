"""`manage.py pause_run ID --as USER`: ask that nothing further starts in a run."""

from workflows.management.run_request import RunRequestCommand


class Command(RunRequestCommand):
    """Ask that nothing further starts; what runs goes on to its end."""

    help = __doc__
    kind = "pause"
