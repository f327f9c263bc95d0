"""The socket of an open draft: it says when to look again, and who else is here.

Who is here is known to nobody but the pages: each says so to the others when it comes, moves and
goes, and again now and then, so that one that vanished without a word is forgotten soon.
"""

import asyncio
import contextlib
import json
import logging
import time
from dataclasses import dataclass
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from workflows import open_sockets
from workflows.access import still_edits
from workflows.consumers import FULL, RECHECK
from workflows.draft_bell import group_of
from workflows.live import BROKEN, NOT_FOUND, reading
from workflows.looks import Looks, person_in

logger = logging.getLogger(__name__)

#: How often a page says that it is still here, and for how long it is believed.
SIGN_OF_LIFE = 10.0
HERE_FOR = 3 * SIGN_OF_LIFE
#: The least time between two words of one page about where it is.
PAUSE = 0.2
LONGEST_MESSAGE = 4096
LONGEST_PATH = 2100
#: More people than this are not named.
MOST = 50


@dataclass(frozen=True, slots=True)
class Other:
    """Somebody else who has the draft open: the task they have chosen, and until when it counts."""

    name: str
    at: str
    until: float


class DraftConsumer(AsyncWebsocketConsumer):
    """One page that has a draft open."""

    async def connect(self) -> None:
        """Accept those who may edit the workflow; for all others there is no such thing."""
        self.workflow_id = str(self.scope["url_route"]["kwargs"]["id"])
        self.group = group_of(self.workflow_id)
        self.others: dict[str, Other] = {}
        self.shown: list[dict[str, str]] = []
        user = self.scope.get("user")
        self.name = user.get_username() if user is not None else ""
        self.at = ""
        self.moved = asyncio.Event()
        self.staying: asyncio.Task[None] | None = None
        if not await self._may_edit():
            await self.close(NOT_FOUND)
            return
        if open_sockets.count_of(person_in(self.scope)) >= settings.SOCKETS_A_PERSON:
            await self.close(FULL)
            return
        await self.accept()
        self.staying = asyncio.create_task(self._stay(), name=f"draft {self.workflow_id}")
        self.looks = Looks(self, self._may_edit, self.staying, who=person_in(self.scope))
        self.looks.begin()

    async def disconnect(self, code: int) -> None:
        """Say goodbye."""
        if self.staying is None:
            return
        self.looks.end()
        self.staying.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.staying
        # The layer may be away; then the others forget this page by themselves.
        with contextlib.suppress(Exception):
            await self.channel_layer.group_discard(self.group, self.channel_name)
            await self._tell("draft.gone")

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Hear which task the page has chosen; it may say nothing else."""
        with contextlib.suppress(AttributeError, RecursionError, TypeError, ValueError):
            at = json.loads((text_data or "")[:LONGEST_MESSAGE]).get("at", "")
            if isinstance(at, str) and at != self.at:
                self.at = at[:LONGEST_PATH]
                self.moved.set()

    async def _stay(self) -> None:
        """Say where this page is until it leaves, or may no longer be here."""
        code = BROKEN
        try:
            await self.channel_layer.group_add(self.group, self.channel_name)
            await self._tell("draft.here", asks=True)
            code = await self._go_on()
        except Exception as fault:
            logger.warning("a page of a draft loses its socket: %s", type(fault).__name__)
        await self.close(code)

    async def _go_on(self) -> int:
        check_at = time.monotonic() + RECHECK
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.moved.wait(), min(SIGN_OF_LIFE, RECHECK))
            self.moved.clear()
            if time.monotonic() >= check_at:
                check_at = time.monotonic() + RECHECK
                if not await self._may_edit():
                    return NOT_FOUND
            # Anew each time: the layer in memory forgets who was silent for too long.
            await self.channel_layer.group_add(self.group, self.channel_name)
            await self._tell("draft.here")
            await self._show()
            await asyncio.sleep(PAUSE)

    # ── what the others say ──────────────────────────────────────────────────────────────────

    async def draft_changed(self, message: dict[str, Any]) -> None:
        """Tell the page to look again."""
        await self.send(text_data=json.dumps({"revision": message["revision"]}))

    async def draft_here(self, message: dict[str, Any]) -> None:
        """Take note of somebody, and say in turn who is here to one who asks."""
        if message["page"] == self.channel_name:
            return
        if len(self.others) < MOST or message["page"] in self.others:
            until = time.monotonic() + HERE_FOR
            self.others[message["page"]] = Other(message["name"], message["at"], until)
        await self._show()
        if message["asks"]:
            await self._tell("draft.here")

    async def draft_gone(self, message: dict[str, Any]) -> None:
        """Forget somebody."""
        if self.others.pop(message["page"], None) is not None:
            await self._show()

    async def _tell(self, kind: str, *, asks: bool = False) -> None:
        message = {"type": kind, "page": self.channel_name, "name": self.name, "at": self.at}
        await self.channel_layer.group_send(self.group, message | {"asks": asks})

    async def _show(self) -> None:
        """Send who else is here, if it is not what the page knows."""
        now = time.monotonic()
        self.others = {page: each for page, each in self.others.items() if each.until > now}
        people = sorted(
            ({"name": each.name, "at": each.at} for each in self.others.values()
             if each.name != self.name),
            key=lambda each: (each["name"], each["at"]),
        )  # fmt: skip
        if people != self.shown:
            self.shown = people
            await self.send(text_data=json.dumps({"people": people}))

    async def _may_edit(self) -> bool:
        user = self.scope.get("user")
        if user is None or not user.is_authenticated:
            return False
        session = self.scope.get("session")
        return await reading(lambda: still_edits(session, user.pk, self.workflow_id))
