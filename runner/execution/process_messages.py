"""What a process place and its child say to each other: length-prefixed JSON, faults as data.

The first message is the job. Then the child asks, with numbers, and the parent answers by number:

    {"id": 7, "ask": "push_chunk", "port": …, "chunk": …}    →  {"id": 7, "value": …}
    {"id": 8, "ask": "secret", "name": …}                    →  {"id": 8, "fault": {…}}

An answer to a chunk comes when the dependants have room. Log lines have no number. The last
message is the outcome, {"outputs": {port: text}} or {"failed": {type, message, trace}}. Values
are the same encoded texts that are kept.
"""

import json
import struct
from collections.abc import Mapping
from typing import Any

from runner import errors
from runner.errors import RunnerError
from runner.graph.ports import Port
from runner.graph.values import encode

HEADER = struct.Struct("!I")
LARGEST_BYTES = 80 << 20

type Message = dict[str, Any]


class BodyFailed(Exception):
    """What a body raised in another process; its class carries the original's name."""

    def __init__(self, message: str, trace: str) -> None:
        """Keep the message, and the trace without locals as a note too."""
        super().__init__(message)
        self.trace = trace
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
    """Give a fault as data: its type, message, trace, and attributes that are text or numbers."""
    plain = {name: each for name, each in vars(fault).items() if isinstance(each, str | int)}
    return {"type": type(fault).__name__, "message": message, "trace": trace, "attributes": plain}


def fault_of(said: Mapping[str, Any]) -> Exception:
    """Give the fault that data speaks of: the same RunnerError, or BodyFailed by its name."""
    kind, message = str(said["type"]), str(said["message"])
    known = getattr(errors, kind, None)
    if isinstance(known, type) and issubclass(known, RunnerError):
        fault = known.__new__(known, message)
        vars(fault).update({"sentence": message, **said["attributes"]})
        return fault
    named = type(kind, (BodyFailed,), {"__module__": "builtins"})
    made: Exception = named(message, str(said["trace"]))
    return made


def chunk_text(port: Port | None, chunk: Any) -> str:
    """Write a chunk for a port; one that does not exist is for the executor to refuse."""
    return encode(chunk) if port is None or not port.streams else port.chunk(chunk)
