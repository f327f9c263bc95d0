"""Window: what was sent to a page, and how much of it the page has not yet taken."""

import asyncio
import contextlib
from collections import deque

#: Bytes under way to one page; above, it is sent nothing until it has taken some.
UNSENT = 1024 * 1024
#: How long a page may take nothing at all before it is given up.
PATIENCE = 10.0


class Window:
    """A page says how many messages it has taken, counted from the opening of its socket."""

    def __init__(self) -> None:
        self.unsent = 0
        self._sizes: deque[int] = deque()
        self._taken = 0
        self._moved = asyncio.Event()

    def sent(self, size: int) -> None:
        """Count a message of so many bytes."""
        self._sizes.append(size)
        self.unsent += size

    def take(self, count: int) -> None:
        """Hear from the page that it has taken so many messages in all."""
        while self._sizes and self._taken < count:
            self._taken += 1
            self.unsent -= self._sizes.popleft()
            self._moved.set()

    async def room(self) -> bool:
        """Wait until there is room for one more; False when the page has stopped taking."""
        while self.unsent > UNSENT:
            self._moved.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._moved.wait(), PATIENCE)
            if not self._moved.is_set():
                return False
        return True
