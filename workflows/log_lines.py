"""What a line in the log may hold, and how it is written: for people, or for machines."""

import json
import logging
from datetime import UTC, datetime

from django.core.exceptions import ImproperlyConfigured

from workflows.known_tokens import masked

FORMATS = ("line", "json")
#: What a line says of the run it is about, where it is about one.
ABOUT = ("run", "path", "attempt")


def format_in(text: str) -> str:
    """Read which format is wanted; raises ImproperlyConfigured for one that there is not."""
    if text not in FORMATS:
        raise ImproperlyConfigured(f"ANABRANCH_LOG_FORMAT must be {' or '.join(FORMATS)}.")
    return text


def without_strangers_traces(record: logging.LogRecord) -> bool:
    """Keep to one line what a stranger's request was refused for: no trace, it is not our fault."""
    if record.name.startswith("django.security") or getattr(record, "status_code", 500) < 500:
        record.exc_info = None
        record.exc_text = None
    return True


class Line(logging.Formatter):
    """A line for people, without known tokens."""

    def format(self, record: logging.LogRecord) -> str:
        """Write it; a trace follows on lines of its own."""
        return masked(super().format(record))


class JsonLine(logging.Formatter):
    """A JSON object on one line, without known tokens; what a record is about stands apart."""

    def format(self, record: logging.LogRecord) -> str:
        """Write it, trace included."""
        said = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        said |= {name: str(getattr(record, name)) for name in ABOUT if hasattr(record, name)}
        if record.exc_info:
            said["trace"] = self.formatException(record.exc_info)
        # Before it is encoded: a token with a quote in it looks otherwise afterwards.
        return json.dumps({name: masked(text) for name, text in said.items()}, ensure_ascii=False)
