"""A web server on this machine that answers as a test wants, and counts who asks."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from runner.execution.network import Network

type Handler = Callable[["Asked", asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that came in; headers by small names."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Server:
    """What is answered, by path, and what was asked."""

    routes: dict[str, Handler] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    open: int = 0
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def network(self, *hosts: str, **rest: Any) -> Network:
        """Give a network in which only this server, under these names, may be reached."""
        listed = frozenset((host, self.port) for host in hosts or ("localhost",))
        return Network(internal_hosts=listed, **rest)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        try:
            asked = await _read(reader)
            self.asked.append(asked)
            await self.routes[asked.path.partition("?")[0]](asked, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open -= 1
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Asked:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.lower(): value for name, _, value in (each.partition(": ") for each in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Asked(method, path, headers, body)


@asynccontextmanager
async def serving(host: str = "127.0.0.1", /, **routes: Handler) -> AsyncIterator[Server]:
    """Serve routes, named as paths without their slash, until the end of the block."""
    server = Server({f"/{name}": handler for name, handler in routes.items()})
    listening = await asyncio.start_server(server.serve, host, 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


def head(status: str = "200 OK", **headers: str) -> bytes:
    """Give the beginning of an answer; it ends when the connection does."""
    lines = [f"HTTP/1.1 {status}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def says(body: str | bytes = "", status: str = "200 OK", **headers: str) -> Handler:
    """Answer the same each time."""
    content = body.encode() if isinstance(body, str) else body
    headers = {"Content_Type": "text/plain"} | headers | {"Content_Length": str(len(content))}

    async def answer(_asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(head(status, **headers) + content)

    return answer


def says_json(value: Any, **headers: str) -> Handler:
    """Answer with JSON."""
    return says(json.dumps(value), Content_Type="application/json", **headers)


def leads_to(url: str, status: str = "302 Found") -> Handler:
    """Answer with a redirect."""
    return says("", status, Location=url)


def drips(*parts: bytes | asyncio.Event, beginning: bytes | None = None) -> Handler:
    """Answer part by part; an event is waited for."""

    async def answer(_asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(head(Content_Type="text/plain") if beginning is None else beginning)
        for part in parts:
            if isinstance(part, asyncio.Event):
                await part.wait()
            else:
                writer.write(part)
                await writer.drain()

    return answer


def in_turn(*handlers: Handler) -> Handler:
    """Answer differently each time; the last one stays."""
    left = list(handlers)

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(asked, writer)

    return answer
