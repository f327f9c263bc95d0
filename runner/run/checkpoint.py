"""What is kept of a task so that a run can go on: as versioned JSON, and back."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic_core import PydanticSerializationError, to_json

from runner.errors import UnreadableCheckpoint
from runner.run.events import TaskError
from runner.run.status import TaskStatus

VERSION = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedState:
    """What a body kept with `save_state`, and where its streams stood.

    `value` is encoded; `outputs` counts the chunks pushed by port; `inputs` says of each stream
    input which stream (producer's path, port and attempt) was read, and how many chunks of it.
    """

    attempt: int
    value: str
    outputs: dict[str, int] = field(default_factory=dict)
    inputs: dict[str, tuple[str, str, int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCheckpoint:
    """All that is kept of one task: each new record replaces the one before.

    `done` says that the task is over: completed, failed with `error`, or, if `ended` says so,
    skipped, upstream-failed or cancelled. `outputs` are encoded
    values by port; `streams` says how many stored chunks make up each streamed port. `rounds` are the decisions a control task unfolded by;
    `decisions` those recorded by name; `not_taken` the ports that carry nothing.
    `failures` counts those that the policy of the task, or of the compound, has forgiven, the
    last of them `last_error`, in short.
    """

    path: str
    attempt: int
    seq: int
    done: bool = True
    outputs: dict[str, str] = field(default_factory=dict)
    streams: dict[str, int] = field(default_factory=dict)
    rounds: tuple[Any, ...] = ()
    decisions: dict[str, Any] = field(default_factory=dict)
    saved: SavedState | None = None
    error: TaskError | None = None
    handled: bool = False
    not_taken: tuple[str, ...] = ()
    cached: bool = False
    ended: str = ""
    failures: int = 0
    last_error: TaskError | None = None

    @property
    def has_result(self) -> bool:
        """Whether the task has what its dependants take, and is never executed again."""
        return self.done and not self.ended and (self.error is None or self.handled)

    def reopened(self) -> "TaskCheckpoint":
        """Give the record as it is once a person lets its run go on: what ended badly is open.

        What was decided, unfolded into or saved stays; so does an error that was handled. Every
        budget of retries is whole again, since that is what the person asks for.
        """
        fresh = replace(self, failures=0) if self.failures else self
        if self.error is None and self.ended not in _TRIED_AGAIN:
            return fresh
        if self.error is not None and self.handled:
            return fresh
        last = self.last_error if self.error is None else self.error.short()
        return replace(
            fresh, done=False, error=None, last_error=last, ended="", outputs={}, streams={}
        )

    def to_json(self) -> str:
        """Give the versioned JSON text that `from_json` reads back; what is empty is left out."""
        document: dict[str, Any] = {
            "v": VERSION,
            "path": self.path,
            "attempt": self.attempt,
            "seq": self.seq,
            "done": self.done,
        }
        for name in _OPTIONAL:
            value = getattr(self, name)
            if value:
                document[name] = value
        if self.saved is not None:
            saved = self.saved
            document["saved"] = {
                "attempt": saved.attempt,
                "value": saved.value,
                "outputs": saved.outputs,
                "inputs": saved.inputs,
            }
        for name in _ERRORS:
            error: TaskError | None = getattr(self, name)
            if error is not None:
                document[name] = error.to_json()
        try:
            return to_json(document).decode()
        except PydanticSerializationError:
            # Half a character, which only the escapes of ASCII can say.
            return json.dumps(document, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "TaskCheckpoint":
        """Read what `to_json` wrote, or what an earlier version did.

        Raises UnreadableCheckpoint for anything else, an unknown version included.
        """
        try:
            return cls(**_read(_loaded(text)))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as fault:
            raise UnreadableCheckpoint(str(fault)) from fault


_TRIED_AGAIN = frozenset({TaskStatus.UPSTREAM_FAILED, TaskStatus.CANCELLED})
#: What `ended` says of a compound: that its end was said.
COMPOUND = "compound"
_ENDS = frozenset({"", COMPOUND, TaskStatus.SKIPPED, *_TRIED_AGAIN})
_OPTIONAL = (
    "outputs", "streams", "rounds", "decisions", "handled", "not_taken", "cached", "ended",
    "failures",
)  # fmt: skip
_ERRORS = ("error", "last_error")


def _read(document: dict[str, Any]) -> dict[str, Any]:
    version = document["v"]
    if version not in _READERS:
        msg = f"this version reads checkpoints up to version {VERSION}, not {version}"
        raise ValueError(msg)
    values = _READERS[version]({name: document[name] for name in document if name != "v"})
    _check(values)
    return values


def _read_first(values: dict[str, Any]) -> dict[str, Any]:
    """Version 1 knew of maps only: their width was all a task could have decided."""
    width = values.pop("width")
    if width is not None:
        _expect(width, int)
        values["rounds"] = [width]
    return values


_READERS: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {
    1: _read_first,
    2: lambda values: values,  # It counted no failures: the budgets of its tasks are whole.
    3: lambda values: values,
}


def _check(values: dict[str, Any]) -> None:
    _expect(values["path"], str)
    _expect(values["attempt"], int)
    _expect(values["seq"], int)
    _expect(values["done"], bool)
    for port, text in values.get("outputs", {}).items():
        _expect(port, str)
        _loaded(text)
    for chunks in values.get("streams", {}).values():
        _expect(chunks, int)
    _expect(values.setdefault("decisions", {}), dict)
    if values.get("ended", "") not in _ENDS:
        msg = f"no task ends as {values['ended']}"
        raise ValueError(msg)
    values["rounds"] = tuple(values.get("rounds", ()))
    values["not_taken"] = tuple(values.get("not_taken", ()))
    _expect(values.get("failures", 0), int)
    for name in _ERRORS:
        if values.get(name) is not None:
            values[name] = TaskError.from_json(values[name])
    if values.get("saved") is not None:
        values["saved"] = _saved(values["saved"])


def _saved(document: dict[str, Any]) -> SavedState:
    _expect(document["attempt"], int)
    _loaded(document["value"])
    inputs = {
        port: (str(path), str(name), int(attempt), int(position))
        for port, (path, name, attempt, position) in document["inputs"].items()
    }
    return SavedState(**{**document, "inputs": inputs})


def _loaded(text: str) -> Any:
    """Read JSON, but not what only Python takes for a number."""
    return json.loads(text, parse_constant=_no_number)


def _no_number(name: str) -> Any:
    msg = f"{name} is no value"
    raise ValueError(msg)


def _expect(value: object, kind: type) -> None:
    if not isinstance(value, kind):
        msg = f"expected {kind.__name__}, found {type(value).__name__}"
        raise TypeError(msg)
