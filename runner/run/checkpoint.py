"""What is kept of a task so that a run can go on: as versioned JSON, and back."""

import json
from dataclasses import dataclass, field
from typing import Any

from runner.errors import UnreadableCheckpoint

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCheckpoint:
    """A finished task, or a map's recorded width.

    `outputs` are encoded values by port; `streams` says how many stored chunks make up each
    streamed port. `width` is set for a map that unfolded; `done` says whether the task is
    finished (a map may have unfolded and not be finished).
    """

    path: str
    attempt: int
    seq: int
    outputs: dict[str, str] = field(default_factory=dict)
    streams: dict[str, int] = field(default_factory=dict)
    width: int | None = None
    done: bool = True

    def to_json(self) -> str:
        """Give the versioned JSON text that `from_json` reads back."""
        return json.dumps(
            {
                "v": VERSION,
                "path": self.path,
                "attempt": self.attempt,
                "seq": self.seq,
                "outputs": self.outputs,
                "streams": self.streams,
                "width": self.width,
                "done": self.done,
            },
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str) -> "TaskCheckpoint":
        """Read what `to_json` wrote.

        Raises UnreadableCheckpoint for anything else, an unknown version included.
        """
        try:
            document = json.loads(text)
            return cls(**_checked(document))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as fault:
            raise UnreadableCheckpoint(str(fault)) from fault


def _checked(document: dict[str, Any]) -> dict[str, Any]:
    if document["v"] != VERSION:
        msg = f"this version reads checkpoints of version {VERSION}, not {document['v']}"
        raise ValueError(msg)
    values = {name: document[name] for name in document if name != "v"}
    _expect(values["path"], str)
    _expect(values["attempt"], int)
    _expect(values["seq"], int)
    _expect(values["done"], bool)
    for port, text in values["outputs"].items():
        _expect(port, str)
        json.loads(text)
    for chunks in values["streams"].values():
        _expect(chunks, int)
    if values["width"] is not None:
        _expect(values["width"], int)
    return values


def _expect(value: object, kind: type) -> None:
    if not isinstance(value, kind):
        msg = f"expected {kind.__name__}, found {type(value).__name__}"
        raise TypeError(msg)
