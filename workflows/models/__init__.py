"""What is kept, by aggregate."""

from workflows.models.run import Checkpoint, Chunk, Run, RunEvent, RunRequest, TaskRun
from workflows.models.team import Membership, Right, Role, Team
from workflows.models.workflow import Workflow, WorkflowVersion

__all__ = [
    "Checkpoint",
    "Chunk",
    "Membership",
    "Right",
    "Role",
    "Run",
    "RunEvent",
    "RunRequest",
    "TaskRun",
    "Team",
    "Workflow",
    "WorkflowVersion",
]
