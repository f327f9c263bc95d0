"""python -m tests.durability.pages: many pages that watch one run, in a process of their own.

Reads one JSON object from standard input: host, port, path, cookie, how many pages, and which of
them stop reading, or flap. Prints "watching" once all are connected, and what each has seen when
the run has ended. A page does with frames what live.js does.
"""

import asyncio
import base64
import contextlib
import json
import os
import random
import re
import struct
import sys
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
SHORT, LONG = 126, 127
#: After so many characters or seconds a page says what it has taken.
ENOUGH = 131_072
OFTEN = 4.0
MADE_AT = re.compile(r"@(\d+\.\d+) ")


class Socket:
    """The client's side of one WebSocket: what RFC 6455 asks of it, and no more."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.closed_with = 0

    @classmethod
    async def open(cls, where: Mapping[str, Any], path: str) -> "Socket":
        """Connect as a browser does; raises ConnectionError when that is refused."""
        reader, writer = await asyncio.open_connection(where["host"], where["port"])
        address = f"{where['host']}:{where['port']}"
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET {path} HTTP/1.1", f"Host: {address}", f"Origin: http://{address}",
            "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {key}", f"Cookie: {where['cookie']}", "", "",
        ]  # fmt: skip
        writer.write("\r\n".join(lines).encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in answer.splitlines()[0]:
            writer.close()
            raise ConnectionError(answer.splitlines()[0].decode())
        return cls(reader, writer)

    async def messages(self) -> AsyncIterator[str]:
        """Give each text until the socket ends."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                kind, content = await self._frame()
                if kind == TEXT:
                    yield content.decode()
                elif kind == PING:
                    self._send(PONG, content)
                elif kind == CLOSE:
                    self.closed_with = int.from_bytes(content[:2])
                    self._send(CLOSE, content[:2])
                    return

    def say(self, text: str) -> None:
        """Send a text."""
        self._send(TEXT, text.encode())

    async def wait_for_end(self) -> None:
        """Wait, without reading, until the server ends the connection."""
        self._writer.transport.pause_reading()  # type: ignore[attr-defined]
        while True:
            await asyncio.sleep(0.5)
            # Nothing tells who does not read; what is written to a closed connection does.
            self._send(PONG, b"")
            if self._writer.transport.is_closing():
                return

    def drop(self) -> None:
        """End it without a word, as a network does."""
        self._writer.transport.abort()

    async def _frame(self) -> tuple[int, bytes]:
        first, length = await self._reader.readexactly(2)
        if length == SHORT:
            (length,) = struct.unpack("!H", await self._reader.readexactly(2))
        elif length == LONG:
            (length,) = struct.unpack("!Q", await self._reader.readexactly(8))
        return first & 15, await self._reader.readexactly(length)

    def _send(self, kind: int, content: bytes) -> None:
        size = len(content)
        head = bytes([128 | kind, 128 | size]) if size < SHORT else b""
        # The server must be given a mask; one of zeros changes nothing.
        head = head or bytes([128 | kind, 128 | SHORT]) + struct.pack("!H", size)
        self._writer.write(head + bytes(4) + content)


@dataclass
class Page:
    """What one page knows and shows."""

    seq: int = 0
    text: str = ""
    next: int = 0
    gaps: int = 0
    skipped: int = 0
    reloads: int = 0
    connections: int = 0
    frames: int = 0
    ended: bool = False
    closed: list[int] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)

    def receive(self, text: str) -> None:
        """Take a frame as live.js does."""
        frame = json.loads(text)
        if "ping" in frame:
            return
        self.frames += 1
        if "reload" in frame:
            self.reloads += 1
            return
        if frame["after"] > self.seq:
            self.gaps += 1
        self.seq = max(self.seq, frame["upto"])
        for chunk in frame.get("chunks", []):
            self._append(chunk)
        self.ended = frame["ended"]

    def _append(self, chunk: dict[str, Any]) -> None:
        if chunk["path"] != "t0":
            return
        known = self.next - chunk["first"]
        if known < 0:
            self.gaps += 1
        if known >= chunk["count"]:
            return
        self.next = chunk["first"] + chunk["count"]
        self.skipped += chunk.get("skipped", 0)
        news = "".join(chunk["items"][max(0, known) :])
        self.text += news
        now = time.time()
        self.delays += [now - float(made) for made in MADE_AT.findall(news)]


async def watch(page: Page, where: Mapping[str, Any], connected: asyncio.Event) -> None:
    """Follow the run to its end, connecting again whenever the socket ends."""
    while not page.ended:
        try:
            socket = await Socket.open(where, f"{where['path']}?after={page.seq}&view=tree")
        except (OSError, asyncio.IncompleteReadError):
            await asyncio.sleep(0.2)
            continue
        page.connections += 1
        connected.set()
        try:
            async with asyncio.timeout(random.uniform(*where["flaps"]) if where["flaps"] else None):
                await _follow(page, socket)
        except TimeoutError:
            pass
        page.closed.append(socket.closed_with)
        socket.drop()


async def _follow(page: Page, socket: Socket) -> None:
    taken = shown = told_at = 0.0
    async for text in socket.messages():
        page.receive(text)
        taken, shown = taken + 1, shown + len(text)
        if shown > ENOUGH or time.monotonic() - told_at > OFTEN:
            socket.say(json.dumps({"taken": int(taken)}))
            shown, told_at = 0.0, time.monotonic()
        if page.ended:
            return


async def stop_reading(page: Page, where: Mapping[str, Any], connected: asyncio.Event) -> None:
    """Connect, and read nothing any more."""
    socket = await Socket.open(where, f"{where['path']}?after=0&view=tree")
    connected.set()
    await socket.wait_for_end()
    page.ended = True


async def main(where: Mapping[str, Any]) -> list[Page]:
    """Let all pages watch until they have seen the end."""
    random.seed(where.get("seed", 1))
    pages = [Page() for _ in range(where["pages"])]
    begun = [asyncio.Event() for _ in pages]
    how = stop_reading if where["stops"] else watch
    async with asyncio.TaskGroup() as tasks:
        for number, (page, connected) in enumerate(zip(pages, begun, strict=True)):
            tasks.create_task(how(page, where, connected), name=f"page {number}")
            if number % 20 == 19:
                await connected.wait()
        for connected in begun:
            await connected.wait()
        sys.stdout.write("watching\n")
        sys.stdout.flush()
    return pages


if __name__ == "__main__":
    sys.stdout.write(json.dumps([asdict(page) for page in asyncio.run(main(json.load(sys.stdin)))]))
