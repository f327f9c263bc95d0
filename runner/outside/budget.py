"""Budget: the time that the other side may take, in all; what is done here meanwhile is not its."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass

from runner.errors import Unavailable


@dataclass(slots=True)
class Budget:
    """Seconds that are left for `host` to answer."""

    host: str
    seconds: float
    spent: float = 0.0

    async def spend[T](self, awaitable: Awaitable[T]) -> T:
        """Wait for the other side; raises Unavailable when its time is up."""
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            async with asyncio.timeout(max(0.0, self.seconds - self.spent)):
                return await awaitable
        except TimeoutError as fault:
            raise Unavailable(
                f"{self.host} took longer than {self.seconds:g} seconds; try again later, or "
                "give it more time."
            ) from fault
        finally:
            self.spent += clock() - began
