"""Sockets: join, send what was missed, then what happens; leave."""

import asyncio
import contextlib
import json
import time
from typing import Any
from urllib.parse import parse_qs

from channels.generic.websocket import AsyncWebsocketConsumer

from workflows.access import still_sees
from workflows.frames import VIEWS
from workflows.live import Outbox, catch_up, join, leave, reading

NOT_FOUND = 4404
TOO_SLOW = 4409
PING = 2.0
RECHECK = 30.0
UNSENT = 1024 * 1024
LONGEST_MESSAGE = 4096


class RunConsumer(AsyncWebsocketConsumer):
    """One page that watches one run."""

    async def connect(self) -> None:
        """Accept those who may see the run; for all others there is no such thing."""
        self.run_id = str(self.scope["url_route"]["kwargs"]["id"])
        self.watching: asyncio.Task[None] | None = None
        if not await self._may_watch():
            await self.close(NOT_FOUND)
            return
        await self.accept()
        self.acknowledged = asyncio.Event()
        self.unsent = 0
        self.watching = asyncio.create_task(self._watch(), name=f"watch {self.run_id}")

    async def disconnect(self, code: int) -> None:
        """Let go of everything."""
        if self.watching is not None:
            self.watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.watching

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Take note of how much the browser has used up; it may say nothing else."""
        with contextlib.suppress(
            ArithmeticError, AttributeError, RecursionError, TypeError, ValueError
        ):
            used = int(json.loads((text_data or "")[:LONGEST_MESSAGE]).get("used", 0))
            self.unsent = max(0, self.unsent - max(0, used))
            self.acknowledged.set()

    async def _watch(self) -> None:
        view, after = self._asked()
        outbox = Outbox(view)
        upto = await join(self.run_id, outbox)
        try:
            missed = await catch_up(self.run_id, after, upto, view)
            for text in missed.texts.get(view, []):
                await self._send(text)
            await self.close(await self._follow(outbox, ended=missed.ended))
        finally:
            await leave(self.run_id, outbox)

    async def _follow(self, outbox: Outbox, *, ended: bool) -> int:
        """Send what happens until something ends it; give the code to close with."""
        check_at = time.monotonic() + RECHECK
        while not ended:
            if outbox.overflowed:
                return TOO_SLOW
            if time.monotonic() >= check_at:
                check_at = time.monotonic() + RECHECK
                if not await self._may_watch():
                    return NOT_FOUND
            ended = await self._send_next(outbox)
        return 1000

    async def _send_next(self, outbox: Outbox) -> bool:
        """Send one frame, or a sign of life; tell whether it was the run's last."""
        if self.unsent > UNSENT:
            self.acknowledged.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.acknowledged.wait(), PING)
            return False
        try:
            text, ended = await asyncio.wait_for(outbox.frames.get(), PING)
        except TimeoutError:
            text, ended = '{"ping":true}', False
        await self._send(text)
        return ended

    async def _send(self, text: str) -> None:
        self.unsent += len(text)
        await self.send(text_data=text)

    async def _may_watch(self) -> bool:
        user = self.scope.get("user")
        if user is None or not user.is_authenticated:
            return False
        return await reading(lambda: _is_signed_in(self.scope) and still_sees(user.pk, self.run_id))

    def _asked(self) -> tuple[str, int]:
        query = parse_qs(self.scope.get("query_string", b"").decode("ascii", "replace"))
        view = query.get("view", ["tree"])[0]
        after = query.get("after", ["0"])[0]
        number = int(after) if after.isascii() and after.isdigit() and len(after) < 18 else 0
        return (view if view in VIEWS else "tree"), number


def _is_signed_in(scope: Any) -> bool:
    """Whether the session the socket was opened with still exists."""
    session = scope.get("session")
    key = getattr(session, "session_key", None)
    return key is None or bool(session.exists(key))
