"""Artifacts over the pipe of a process place: the child writes and reads block by block.

    {"ask": "create_artifact"}                                  →  a number
    {"ask": "write_artifact", "number": …, "block": base64}     →  null
    {"ask": "keep_artifact", "number": …, "name": …, …}         →  the artifact, encoded
    {"ask": "open_artifact", "artifact": encoded}               →  a number
    {"ask": "read_artifact", "number": …}                       →  base64, empty at the end
    {"ask": "close_artifact", "number": …}                      →  null

The child may be anywhere: it knows of no folder and no storage.
"""

import asyncio
import io
import itertools
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from typing import Any, BinaryIO, cast

from runner.execution.artifacts import BLOCK, ArtifactWriter, Content, artifact_of, blocks_of
from runner.execution.context import TaskContext
from runner.graph.artifact import Artifact
from runner.graph.values import decode, encode

type Asked = Callable[[Mapping[str, Any]], Awaitable[Any]]


class ChildArtifacts:
    """The parent's side: what one child has open, by number."""

    def __init__(self, context: TaskContext) -> None:
        self._context = context
        self._numbers = itertools.count(1)
        self._writers: dict[int, ArtifactWriter] = {}
        self._readers: dict[int, BinaryIO] = {}
        self.asked: Mapping[str, Asked] = {
            "create_artifact": self._create,
            "write_artifact": self._write,
            "keep_artifact": self._keep,
            "open_artifact": self._open,
            "read_artifact": self._read,
            "close_artifact": self._close,
        }

    def close(self) -> None:
        """Let go of all that the child left open."""
        for writer in self._writers.values():
            writer.discard()
        for reader in self._readers.values():
            reader.close()

    async def _create(self, _message: Mapping[str, Any]) -> int:
        number = next(self._numbers)
        self._writers[number] = await asyncio.to_thread(self._context.artifacts.create)
        return number

    async def _write(self, message: Mapping[str, Any]) -> None:
        writer = self._writers[message["number"]]
        await asyncio.to_thread(writer.write, b64decode(message["block"]))

    async def _keep(self, message: Mapping[str, Any]) -> str:
        writer = self._writers.pop(message["number"])
        name, media_type = message["name"], message["media_type"]
        return encode(await asyncio.to_thread(artifact_of, writer, name, media_type))

    async def _open(self, message: Mapping[str, Any]) -> int:
        number = next(self._numbers)
        artifact = decode(message["artifact"])
        self._readers[number] = await asyncio.to_thread(self._context.artifacts.open, artifact)
        return number

    async def _read(self, message: Mapping[str, Any]) -> str:
        block = await asyncio.to_thread(self._readers[message["number"]].read, BLOCK)
        return b64encode(block).decode()

    async def _close(self, message: Mapping[str, Any]) -> None:
        number = message["number"]
        if number in self._writers:
            self._writers.pop(number).discard()
        else:
            self._readers.pop(number).close()


class ParentArtifacts:
    """The child's side: saves and reads by asking its parent; every call blocks."""

    def __init__(self, ask: Callable[..., Future[Any]]) -> None:
        self._ask = ask

    def save(self, content: Content, name: str, media_type: str) -> Artifact:
        """Keep content; give it as a value."""
        number = self._ask("create_artifact").result()
        try:
            for block in blocks_of(content):
                for start in range(0, len(block), BLOCK):
                    part = b64encode(block[start : start + BLOCK]).decode()
                    self._ask("write_artifact", number=number, block=part).result()
        except BaseException:
            self._ask("close_artifact", number=number).result()
            raise
        kept = self._ask("keep_artifact", number=number, name=name, media_type=media_type)
        saved: Artifact = decode(kept.result())
        return saved

    def open(self, artifact: Artifact) -> BinaryIO:
        """Read content from its beginning; the parent compares it with its hash."""
        number = self._ask("open_artifact", artifact=encode(artifact)).result()
        # A raw reader under a buffer is all that a binary file is.
        return cast("BinaryIO", io.BufferedReader(_ParentReader(self._ask, number), BLOCK))


class _ParentReader(io.RawIOBase):
    """Reads what the parent has open."""

    def __init__(self, ask: Callable[..., Future[Any]], number: int) -> None:
        super().__init__()
        self._ask = ask
        self._number = number
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            answer = self._ask("read_artifact", number=self._number).result()
            self._rest = b64decode(answer)
        block, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(block)] = block
        return len(block)

    def close(self) -> None:
        # The buffer around it calls this once.
        super().close()
        self._ask("close_artifact", number=self._number).result()
