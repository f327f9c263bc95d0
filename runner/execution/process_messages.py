"""What a process place and its child say to each other: length-prefixed JSON, faults as data.

The first message is the job. Then the child asks, with numbers, and the parent answers by number:

    {"id": 7, "ask": "push_chunk", "port": …, "chunk": …}    →  {"id": 7, "value": …}
    {"id": 8, "ask": "secret", "name": …}                    →  {"id": 8, "fault": {…}}

An answer to a chunk comes when the dependants have room. Log lines have no number. The last
message is the outcome, {"outputs": {port: text}} or {"failed": {type, message, trace, …}}.
Values are the same encoded texts that are kept.
"""

import json
import struct
from collections.abc import Iterable, Mapping
from typing import Any

from runner import errors
from runner.errors import RunnerError
from runner.graph.ports import Port
from runner.graph.values import encode

HEADER = struct.Struct("!I")
LARGEST_BYTES = 80 << 20

_ABOVE_ALL = frozenset({Exception, BaseException, object})

type Message = dict[str, Any]


class BodyFailed(Exception):
    """What a body raised in another process; its class carries the original's name."""

    def __init__(
        self,
        message: str,
        trace: str,
        bases: Iterable[str] = (),
        retry_after: float | None = None,
    ) -> None:
        """Keep what it said of itself, and the trace without locals as a note too."""
        super().__init__(message)
        self.retry_after = retry_after
        self.trace = trace
        self.bases = tuple(bases)
        if trace:
            self.add_note(trace)


def pack(message: Mapping[str, Any]) -> bytes:
    """Write one message; raises RunnerError if it is too large."""
    body = json.dumps(message).encode()
    check_size(len(body))
    return HEADER.pack(len(body)) + body


def unpack(body: bytes) -> Message:
    """Read one message without its header; raises RunnerError for anything else."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise RunnerError("The process of a task said something that is no message.")
    return message


def size_of(header: bytes) -> int:
    """Read how many bytes follow a header; raises RunnerError for too many."""
    (size,) = HEADER.unpack(header)
    check_size(size)
    return int(size)


def check_size(size: int) -> None:
    """Raise RunnerError for a message that is too large."""
    if size > LARGEST_BYTES:
        raise RunnerError(
            f"A value of more than {LARGEST_BYTES >> 20} MiB cannot go to or from the process "
            "of a task; write a file."
        )


def said_of(fault: BaseException, message: str, trace: str = "") -> Message:
    """Give a fault as data: its types, message, trace, and attributes that are text or numbers."""
    plain = {
        name: each for name, each in vars(fault).items() if isinstance(each, str | int | float)
    }
    return {
        "type": type(fault).__name__,
        "bases": bases_of(fault),
        "message": message,
        "trace": trace,
        "retry_after": retry_after_of(fault),
        "attributes": plain,
    }


def retry_after_of(fault: BaseException) -> float | None:
    """Give the seconds after which the other side of a failed call wants to be asked again."""
    asked = getattr(fault, "retry_after", None)
    return float(asked) if isinstance(asked, int | float) else None


def bases_of(fault: BaseException) -> tuple[str, ...]:
    """Name the classes that a fault's type stands under, but not those that all do."""
    if isinstance(fault, BodyFailed):
        return fault.bases
    above = type(fault).__mro__[1:]
    return tuple(each.__name__ for each in above if each not in _ABOVE_ALL)


def fault_of(said: Mapping[str, Any]) -> Exception:
    """Give the fault that data speaks of: the same RunnerError, or BodyFailed by its name."""
    kind, message = str(said["type"]), str(said["message"])
    known = getattr(errors, kind, None)
    if isinstance(known, type) and issubclass(known, RunnerError):
        fault = known.__new__(known, message)
        vars(fault).update({"sentence": message, **said["attributes"]})
        return fault
    named = type(kind, (BodyFailed,), {"__module__": "builtins"})
    made: Exception = named(message, str(said["trace"]), said["bases"], said["retry_after"])
    return made


def chunk_text(port: Port | None, chunk: Any) -> str:
    """Write a chunk for a port; one that does not exist is for the executor to refuse."""
    return encode(chunk) if port is None or not port.streams else port.chunk(chunk)
