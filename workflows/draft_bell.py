"""The bell of a draft: tells every page that has it open, in any process, that it has changed.

As with runs it only says "look again", by the number of the newest revision: a channel layer may
drop what it carries, and a page that hears nothing looks anyway a little later.
"""

import logging
from functools import partial
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction
from django.db.models.signals import post_save

from workflows.models import WorkflowDraft

logger = logging.getLogger(__name__)


def group_of(workflow_id: UUID | str) -> str:
    """Name the group of all pages that have a draft open."""
    return f"draft.{workflow_id}"


def hang() -> None:
    """Ring from now on whenever a draft has been written."""
    post_save.connect(_written, sender=WorkflowDraft, dispatch_uid="draft bell")


def _written(instance: WorkflowDraft, *, created: bool, **_signal: Any) -> None:
    if created:
        return
    transaction.on_commit(partial(_ring, str(instance.workflow_id), instance.revision))


def _ring(workflow_id: str, revision: int) -> None:
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        message = {"type": "draft.changed", "revision": revision}
        async_to_sync(layer.group_send)(group_of(workflow_id), message)
    # Each layer has its own kinds of trouble; the act is kept, and pages look by themselves.
    except Exception as fault:
        logger.warning("a draft's pages hear later of a change: %s", type(fault).__name__)
