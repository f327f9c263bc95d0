"""What is kept, by aggregate."""

from workflows.models.artifact import RunContent, StoredContent
from workflows.models.audit import AuditEvent
from workflows.models.cache import CacheEntry
from workflows.models.credential import Credential
from workflows.models.drafting import DraftAct, WorkflowDraft
from workflows.models.invitation import Invitation
from workflows.models.job import Job, JobEvent, JobGroup, JobWorker
from workflows.models.kept import Checkpoint, Chunk, RunEvent, TaskDeaths, TaskRun
from workflows.models.mail import MailWish, SentMail
from workflows.models.pinned_output import PinnedOutput
from workflows.models.run import Run, RunRequest
from workflows.models.saved_filter import SavedFilter
from workflows.models.share import ShareLink, ShareToken
from workflows.models.team import Membership, Right, Role, Team
from workflows.models.tick import Tick
from workflows.models.tries import Tries
from workflows.models.trigger import Missed, Schedule, Webhook
from workflows.models.workflow import Origin, Workflow, WorkflowVersion

__all__ = [
    "AuditEvent",
    "CacheEntry",
    "Checkpoint",
    "Chunk",
    "Credential",
    "DraftAct",
    "Invitation",
    "Job",
    "JobEvent",
    "JobGroup",
    "JobWorker",
    "MailWish",
    "Membership",
    "Missed",
    "Origin",
    "PinnedOutput",
    "Right",
    "Role",
    "Run",
    "RunContent",
    "RunEvent",
    "RunRequest",
    "SavedFilter",
    "Schedule",
    "SentMail",
    "ShareLink",
    "ShareToken",
    "StoredContent",
    "TaskDeaths",
    "TaskRun",
    "Team",
    "Tick",
    "Tries",
    "Webhook",
    "Workflow",
    "WorkflowDraft",
    "WorkflowVersion",
]
