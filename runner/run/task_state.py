"""What RunState keeps of each task, dataflow, compound and scope: statuses and counters."""

from collections import deque
from enum import Enum
from typing import Any, ClassVar

from runner.graph.control import Again, Control
from runner.graph.policy import Policy
from runner.graph.task_graph import ERROR_PORT, PlannedScope, PlannedTask
from runner.run.events import TaskError
from runner.run.status import TaskStatus


class Until(Enum):
    """What a dataflow's target waits for before it may start."""

    FINAL = "the producer is final"
    AHEAD = "the producer has returned"
    FIRST = "the first chunk has come"
    NEVER = "nothing: the tasks inside wait for it themselves"


class Link:
    """One dataflow at work: `opened` once its target may go on.

    `into` is the target's input port; "" for a gate, which only tells whether a compound runs.
    """

    __slots__ = ("into", "opened", "port", "target", "until")

    def __init__(self, port: str, target: "TaskState", into: str, until: Until) -> None:
        self.port = port
        self.target = target
        self.into = into
        self.until = until
        self.opened = until is Until.NEVER


class TaskState:
    """Where one task stands, what it waits for, and who reads what it gives."""

    __slots__ = (
        "attempt", "choice", "control", "decided", "empty", "error", "failures", "forgiven", "group", "links",
        "not_taken", "open_ports", "planned", "provisional", "reason", "returned", "rounds", "scope",
        "scopes", "scopes_left", "scopes_waiting", "share", "status", "streams_items", "waiting",
    )  # fmt: skip

    def __init__(self, planned: PlannedTask, share: float) -> None:
        self.planned = planned
        self.share = share
        self.status = TaskStatus.PENDING
        self.attempt = 0
        #: How many its own policy has forgiven.
        self.failures = 0
        #: Whether it counts no longer in the progress: nobody needs what it did not give.
        self.forgiven = False
        self.waiting = 0
        self.provisional = 0
        self.returned = False
        #: What it awaits, while it does.
        self.reason = ""
        self.error: TaskError | None = None
        self.links: list[Link] = []
        self.open_ports: frozenset[str] = NO_PORTS
        self.not_taken: frozenset[str] | None = NO_PORTS
        self.group: Group | None = None
        self.scope: Scope | None = None
        self.control = planned.task if isinstance(planned.task, Control) else None
        if self.control is not None:
            self.rounds: list[Any] = []
            self.decided = False
            #: Who won a race, or how many items a map along a stream has.
            self.choice: Any = None
            self.scopes: list[Scope] = []
            self.scopes_left = 0
            self.scopes_waiting: deque[Scope] = deque()
            #: Compounds with nothing in them, which end once it is known which items there are.
            self.empty: list[Group] = []
            self.streams_items = any(port.streams for port in self.control.outputs.values())

    @property
    def unfolds(self) -> bool:
        """Whether the task runs other tasks instead of a body."""
        return self.control is not None and not self.control.routes

    @property
    def races(self) -> bool:
        """Whether the first of its scopes to complete ends the others."""
        return self.control is not None and self.control.races

    @property
    def has_unfolded(self) -> bool:
        """Whether there are tasks inside it that count in its place."""
        return self.control is not None and not self.control.routes and bool(self.rounds)

    @property
    def is_filled_inside(self) -> bool:
        """Whether its share of the progress is filled by the tasks inside it.

        How many turns a loop takes, or alternatives are tried, is not known before.
        """
        control = self.control
        if control is None or control.again_after != "never" or control.races or self.grows:
            return False
        return bool(self.scopes)

    def goes_again_after(self, outcome: Again) -> bool:
        """Whether it decides once more when a scope ended so."""
        return self.control is not None and self.control.again_after == outcome

    @property
    def grows(self) -> bool:
        """Whether it unfolds chunk by chunk, along a stream that has not ended."""
        control = self.control
        return control is not None and control.item_stream in self.planned.first_chunk

    def gives(self, port: str) -> bool:
        """Whether an output port carries something, as far as is known."""
        if port == ERROR_PORT:
            return self.status is TaskStatus.FAILED
        return self.not_taken is not None and port not in self.not_taken


class Group:
    """A compound task: how many of its tasks are not over yet."""

    __slots__ = ("ended", "error", "fail_fast", "failures", "left", "parent", "path", "policy",
                 "skipped", "started", "worst")  # fmt: skip
    #: What is tried again is a task inside it.
    attempt: ClassVar[int] = 1

    def __init__(
        self, path: str, parent: "Group | None", policy: Policy, *, fail_fast: bool
    ) -> None:
        self.path = path
        self.parent = parent
        self.policy = policy
        self.fail_fast = fail_fast
        self.failures = 0
        self.left = 0
        self.started = False
        #: Whether all of its tasks that are over were skipped, also those that had begun.
        self.skipped = True
        #: Whether its end was kept by an earlier process.
        self.ended = False
        self.worst = TaskStatus.COMPLETED
        self.error: TaskError | None = None


class Scope:
    """One item, turn or alternative of a control task: over when all its tasks are."""

    __slots__ = ("error", "index", "left", "owner", "planned")

    def __init__(self, owner: TaskState, index: int, planned: PlannedScope) -> None:
        self.owner = owner
        self.index = index
        self.planned = planned
        self.left = len(planned.paths)
        self.error: TaskError | None = None


NO_PORTS: frozenset[str] = frozenset()
