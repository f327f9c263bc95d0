"""What a line in the log may hold."""

import logging


def without_strangers_traces(record: logging.LogRecord) -> bool:
    """Keep to one line what a stranger's request was refused for: no trace, it is not our fault."""
    if record.name.startswith("django.security") or getattr(record, "status_code", 500) < 500:
        record.exc_info = None
        record.exc_text = None
    return True
