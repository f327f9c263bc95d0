"""Bodies of calls: bytes, or a file that is read while it is sent."""

import asyncio
from collections.abc import AsyncIterator

from runner.graph.artifact import Artifact

_BLOCK = 1 << 18


def sized(body: bytes | Artifact) -> dict[str, str]:
    """Give the header that says how long a file is; that of bytes is known without it."""
    return {"Content-Length": str(body.size)} if isinstance(body, Artifact) else {}


def content_of(body: bytes | Artifact) -> bytes | AsyncIterator[bytes] | None:
    """Give what the client sends; None for nothing."""
    return _blocks(body) if isinstance(body, Artifact) else body or None


async def _blocks(file: Artifact) -> AsyncIterator[bytes]:
    content = await asyncio.to_thread(file.open)
    try:
        while block := await asyncio.to_thread(content.read, _BLOCK):
            yield block
    finally:
        content.close()
