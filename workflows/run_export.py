"""The events of a run as JSON lines, in the words in which terminals and pages say them."""

import json
from collections.abc import Iterator

from workflows.models import Run

AT_ONCE = 1000


def as_jsonl(run: Run) -> Iterator[str]:
    """Give each event as one line; what was masked before it was kept stays masked."""
    events = run.events.order_by("seq").values_list("seq", "at", "kind", "payload")
    for seq, at, kind, payload in events.iterator(AT_ONCE):
        about = {"run": str(run.pk), "seq": seq, "at": at.isoformat(), "kind": kind}
        yield json.dumps(about | json.loads(payload)) + "\n"
