"""What RunState keeps of each task, compound and item: statuses and counters."""

from collections import deque

from runner.graph.control import Map
from runner.graph.task_graph import PlannedTask
from runner.run.events import TaskError
from runner.run.status import TaskStatus


class TaskState:
    """Where one leaf task or map stands, and what it still waits for."""

    __slots__ = (
        "attempt", "error", "group", "item", "items_left", "pending_items", "planned",
        "provisional", "returned", "share", "status", "waiting", "width",
    )  # fmt: skip

    def __init__(self, planned: PlannedTask, share: float) -> None:
        self.planned = planned
        self.share = share
        self.status = TaskStatus.PENDING
        self.attempt = 0
        self.waiting = 0
        self.provisional = 0
        self.returned = False
        self.error: TaskError | None = None
        self.width: int | None = None
        self.items_left = 0
        self.item: Item | None = None
        self.group: Group | None = None
        self.pending_items: deque[Item] = deque()

    @property
    def is_map(self) -> bool:
        """Whether the task unfolds instead of running a body."""
        return isinstance(self.planned.task, Map)

    @property
    def limit(self) -> int:
        """How many items of a map may run at the same time."""
        task = self.planned.task
        return task.limit if isinstance(task, Map) else 0

    @property
    def is_pure(self) -> bool:
        """Whether it may run ahead of what is final."""
        return self.planned.task.effect == "none"


class Group:
    """A compound task: how many of its tasks are not over yet."""

    __slots__ = ("error", "left", "parent", "path", "started", "worst")

    def __init__(self, path: str, parent: "Group | None") -> None:
        self.path = path
        self.parent = parent
        self.left = 0
        self.started = False
        self.worst = TaskStatus.COMPLETED
        self.error: TaskError | None = None


class Item:
    """One item of a map: admitted under the map's limit, over when its tasks are."""

    __slots__ = ("left", "of", "paths")

    def __init__(self, of: TaskState) -> None:
        self.of = of
        self.paths: list[str] = []
        self.left = 0
