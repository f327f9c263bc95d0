"""`manage.py resume_run ID --as USER`: ask for a run to go on from its checkpoints."""

from workflows.management.run_request import RunRequestCommand


class Command(RunRequestCommand):
    """Ask for a run that failed or was stopped to go on; what is done stays done."""

    help = __doc__
    kind = "resume"
    refusal = "The run is not one that can be resumed."
