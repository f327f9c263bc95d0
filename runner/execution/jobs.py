"""Jobs: bodies posted to a queue as JSON, and what comes back of them; the protocol of queues."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from runner.graph.policy import Policy
from runner.graph.values import dump
from runner.run.status import JobState

type Message = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """What a worker is to carry out: one attempt of one task of a run.

    `config`, `saved_state` and the values of `inputs` and `decisions` are encoded; `streams` are
    the chunks of each stream input, one list for each stream. `kept` counts the chunks that go
    with the saved state, by port. `timeout` is in seconds.
    """

    run: str
    path: str
    attempt: int
    type: str
    version: str
    title: str
    config: str
    inputs: Mapping[str, str]
    streams: Mapping[str, list[list[str]]] = field(default_factory=dict)
    saved_state: str = "null"
    decisions: Mapping[str, str] = field(default_factory=dict)
    kept: Mapping[str, int] = field(default_factory=dict)
    once: bool = False
    policy: Policy = field(default_factory=Policy)

    def to_json(self) -> str:
        """Write what its worker needs beside its place in the run."""
        return dump(
            {
                "v": 1,
                "title": self.title,
                "config": self.config,
                "inputs": dict(self.inputs),
                "streams": dict(self.streams),
                "saved_state": self.saved_state,
                "decisions": dict(self.decisions),
                "kept": dict(self.kept),
                "timeout": self.policy.timeout,
            }
        )

    def fingerprint(self, text: str = "") -> str:
        """Give the same hash (SHA-256) for the same work, whichever attempt; `text` is its JSON."""
        said = f"{self.type} {self.version} {text or self.to_json()}"
        return hashlib.sha256(said.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as its worker has it, under the epoch of the claim; `spec` is what was written.

    `identity` names the person whose authority it has, `scope` the team whose files it may read.
    `decisions` are those that earlier workers of the job made, `deaths` counts those in a row
    that died with it.
    """

    id: int
    epoch: int
    run: str
    path: str
    attempt: int
    type: str
    version: str
    spec: Mapping[str, Any]
    identity: str = ""
    scope: str = ""
    decisions: Mapping[str, str] = field(default_factory=dict)
    seconds_left: float | None = None
    deaths: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What is new of a job: where it stands, why it waits, what it said, how it ended.

    `epoch` counts its workers; `last` is the number of the last of the `messages`. The `outcome`
    comes with or after the last message.
    """

    job: int
    epoch: int
    state: JobState
    why: str = ""
    messages: tuple[Message, ...] = ()
    last: int = 0
    outcome: Message | None = None


class JobQueue(Protocol):
    """Where jobs are kept, as the owner of a run sees it; all raise StorageTrouble."""

    async def post(self, spec: JobSpec) -> int:
        """Post a job, or find the one that an earlier attempt had posted; give its id.

        Raises TaskAbandoned when a later attempt has posted.
        """

    async def news(self, read: Mapping[int, tuple[int, int]]) -> list[News]:
        """Give what is new of jobs: `read` says the epoch and number of what was read of each."""

    async def cancel(self, job: int, attempt: int) -> None:
        """Stop a job, if it is still that attempt's."""

    async def spoil(self, job: int) -> None:
        """Let nobody take the result of a job: it was refused."""


class JobLine(Protocol):
    """A worker's end: what one of its jobs says."""

    def say(self, message: Message) -> None:
        """Take a message."""

    async def room(self) -> None:
        """Wait while too much is not kept yet."""

    async def kept(self) -> None:
        """Wait until all that was said is kept."""
