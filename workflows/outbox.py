"""What is on its way to one page: frames, bounded, so that a slow page costs nothing."""

import asyncio
import contextlib
from collections import deque

from workflows.packing import Frame

#: Bytes that wait for one page; the texts are shared by all pages that show the same.
OUTBOX = 1024 * 1024


class Outbox:
    """Frames on their way to one page; bounded, so that a slow page costs nothing.

    A page that is behind is kept nothing for: it is caught up from the database, from the number
    it knows. So begins every page, and so goes on who was too slow.
    """

    def __init__(self, view: str, after: int) -> None:
        self.view = view
        self.known = after
        self.is_behind = True
        self.closed_with = 0
        self._frames: deque[Frame] = deque()
        self._size = 0
        self._stirred = asyncio.Event()

    def put(self, frames: list[Frame]) -> None:
        """Take the next frames of the feed, all or none of them."""
        if self.is_behind:
            return
        self._frames.extend(frames)
        self._size += sum(frame.size for frame in frames)
        if self._size > OUTBOX:
            self.fall_behind()
        self._stirred.set()

    def fall_behind(self) -> None:
        """Keep nothing: what is missing will be read again."""
        self.is_behind = True
        self._frames.clear()
        self._size = 0
        self._stirred.set()

    def close(self, code: int) -> None:
        """Send the page away."""
        self.closed_with = code
        self._stirred.set()

    async def next(self, patience: float) -> Frame | None:
        """Wait for a frame; None when there is none, or something else to do."""
        if not self._frames and not self.is_behind and not self.closed_with:
            self._stirred.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stirred.wait(), patience)
        if not self._frames:
            return None
        frame = self._frames.popleft()
        self._size -= frame.size
        return frame
