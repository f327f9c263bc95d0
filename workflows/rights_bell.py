"""The bell of rights: has every open socket of a person look again whether it may go on.

Like the doorbell it carries no content, and may be lost: a socket looks now and then anyway.
"""

import logging
from collections.abc import Iterable
from functools import partial
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

logger = logging.getLogger(__name__)

#: Where every server process listens.
GROUP = "doorbell"


def ring_for(people: Iterable[Any]) -> None:
    """Ring for people (by key) whose rights or sessions have changed, once that is kept."""
    keys = sorted({str(each) for each in people})
    if keys:
        transaction.on_commit(partial(_ring, keys))


def _ring(people: list[str]) -> None:
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        async_to_sync(layer.group_send)(GROUP, {"type": "doorbell.rings", "people": people})
    # Each layer has its own kinds of trouble; the act is kept, and sockets look by themselves.
    except Exception as fault:
        logger.warning("open pages hear later of changed rights: %s", type(fault).__name__)
