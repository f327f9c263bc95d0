"""Which runs of this process the storage takes nothing of at the moment, for its pages to say so.

Nothing of it can be written down, so other processes do not know it.
"""

from runner.run.status import RunStatus
from workflows.models import Run

#: What such a run is paused for.
STORAGE = "storage"

_stalled: set[str] = set()


def note(run_id: str, *, stalled: bool) -> None:
    """Note that the storage takes nothing of a run, or takes it again."""
    if stalled:
        _stalled.add(run_id)
    else:
        _stalled.discard(run_id)


def as_shown(run: Run) -> Run:
    """Give a run as a page shows it: paused, as long as the storage stops it. Not to be saved."""
    if str(run.pk) in _stalled and not run.is_over:
        run.status, run.reason = RunStatus.PAUSED, STORAGE
    return run
