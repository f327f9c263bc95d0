"""Sockets: join, send what was missed, then what happens; leave."""

import asyncio
import contextlib
import json
import logging
import random
import time
from typing import Any
from urllib.parse import parse_qs

from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError

from workflows import open_sockets
from workflows.access import still_sees
from workflows.frames import VIEWS
from workflows.live import (
    BROKEN,
    NOT_FOUND,
    Source,
    TeamSource,
    catch_up,
    join,
    leave,
    reading,
)
from workflows.looks import Looks, person_in
from workflows.outbox import Outbox
from workflows.packing import Frame, frame_of
from workflows.window import Window

logger = logging.getLogger(__name__)

TOO_SLOW = 4409
#: So many pages are open that there is no room for one more now.
FULL = 1013
ENDED = 1000
PING = 2.0
#: With all that may delay a look, nobody watches for more than 30 s without the right to.
RECHECK = 18.0
LONGEST_MESSAGE = 4096


class RunConsumer(AsyncWebsocketConsumer):
    """One page that watches one run."""

    # Its feed tells it of the run; a channel of its own would only cost it.
    channel_layer_alias = "none"
    views: tuple[str, ...] = VIEWS

    async def connect(self) -> None:
        """Accept those who may see the run; for all others there is no such thing."""
        self.id = str(self.scope["url_route"]["kwargs"]["id"])
        self.watching: asyncio.Task[None] | None = None
        if not await self._may_watch():
            await self.close(NOT_FOUND)
            return
        if self._is_full():
            await self.close(FULL)
            return
        self.window = Window()
        await self.accept()
        self.watching = asyncio.create_task(self._watch(), name=f"watch {self.id}")
        self.looks = Looks(self, self._may_watch, self.watching, who=self._who())
        self.looks.begin()

    async def disconnect(self, code: int) -> None:
        """Let go of everything."""
        if self.watching is not None:
            self.looks.end()
            self.watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.watching

    async def dispatch(self, message: Any) -> None:
        """Take what a page says at once.

        Channels would first look after connections to the database, in one thread for all pages;
        with a thousand of them it does nothing else. What reads here does so by `reading`.
        """
        if message["type"] == "websocket.receive":
            await self.websocket_receive(message)
        else:
            await super().dispatch(message)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Hear how many messages the page has taken; it may say nothing else."""
        with contextlib.suppress(
            ArithmeticError, AttributeError, RecursionError, TypeError, ValueError
        ):
            self.window.take(int(json.loads((text_data or "")[:LONGEST_MESSAGE]).get("taken", 0)))

    async def _watch(self) -> None:
        """Follow the run until something ends it; a page is never left alone with a dead socket."""
        outbox = Outbox(*self._asked())
        source = self._source()
        try:
            await join(source, outbox)
            code = await self._follow(source.key, outbox)
        except ObjectDoesNotExist:
            code = NOT_FOUND
        except DatabaseError:
            # The feed says so, once for all pages; this one asks again.
            code = BROKEN
        except Exception:
            logger.exception("a page can no longer follow run %s", source.run_id)
            code = BROKEN
        finally:
            await leave(source.key, outbox)
        await self.close(code)

    async def _follow(self, key: str, outbox: Outbox) -> int:
        """Send what happens; give the code to close with."""
        # Those who came together must not all ask the database together.
        check_at = time.monotonic() + random.uniform(RECHECK / 2, RECHECK)  # noqa: S311
        while not outbox.closed_with:
            if time.monotonic() >= check_at:
                check_at = time.monotonic() + RECHECK
                if not await self._may_watch():
                    return NOT_FOUND
            for frame in await self._next(key, outbox):
                if not await self._send(frame):
                    return TOO_SLOW
                outbox.known = frame.upto
                if frame.ended:
                    return ENDED
        return outbox.closed_with

    async def _next(self, key: str, outbox: Outbox) -> list[Frame]:
        """Give the frames to send next; a sign of life where there are none."""
        if outbox.is_behind:
            return await catch_up(key, outbox)
        return [await outbox.next(PING) or frame_of({"ping": True}, outbox.known)]

    async def _send(self, frame: Frame) -> bool:
        """Send a frame when the page has room for it; False when it has stopped taking any."""
        if not await self.window.room():
            return False
        self.window.sent(frame.size)
        await self.send(text_data=frame.text)
        return True

    def _is_full(self) -> bool:
        return open_sockets.count_of(self._who()) >= settings.SOCKETS_A_PERSON

    async def _may_watch(self) -> bool:
        user = self.scope.get("user")
        if user is None or not user.is_authenticated:
            return False
        session = self.scope.get("session")
        return await reading(lambda: still_sees(session, user.pk, self.id))

    def _source(self) -> Source:
        """Say what is read for this page."""
        return TeamSource(self.id)

    def _who(self) -> str:
        """Say whose rights it is looked at again for."""
        return person_in(self.scope)

    def _asked(self) -> tuple[str, int]:
        query = parse_qs(self.scope.get("query_string", b"").decode("ascii", "replace"))
        view = query.get("view", ["tree"])[0]
        after = query.get("after", ["0"])[0]
        number = int(after) if after.isascii() and after.isdigit() and len(after) < 18 else 0
        return (view if view in self.views else "tree"), number
