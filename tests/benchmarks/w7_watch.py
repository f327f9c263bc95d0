"""W7, the delivery of it: frames into the outboxes of 50 pages and out to their sockets.

The floor is a queue for each page and the same texts. What the network and the browser take is
measured from outside, in tests/durability/test_watching.py.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from tests.benchmarks.database import own_database
from tests.benchmarks.measuring import FLOOR, Row, rows_of

PAGES = 50
FRAMES = 400
TEXT = '{"after": 1, "upto": 2, "chunks": ["' + "x" * 200 + '"]}'


def rows(rounds: int) -> list[Row]:
    """Measure how many frames a second reach the sockets, and what one event costs 50 pages."""
    own_database()
    rates = rows_of(
        "W7 delivery",
        {
            FLOOR: lambda: PAGES * FRAMES / asyncio.run(queues(PAGES, FRAMES)),
            "ours": lambda: PAGES * FRAMES / asyncio.run(outboxes(PAGES, FRAMES)),
        },
        rounds,
        unit="frames/s",
        goals={"ours": "≥ 40,000"},
    )
    return rates + rows_of(
        "W7 one event",
        {
            FLOOR: lambda: asyncio.run(queues(PAGES, 1)) * 1e3,
            "ours": lambda: asyncio.run(outboxes(PAGES, 1)) * 1e3,
        },
        rounds,
        unit="ms",
        goals={"ours": "≤ 3 ms"},
    )


async def queues(pages: int, frames: int) -> float:
    """Give how long it takes by bare queues."""
    boxes: list[asyncio.Queue[str]] = [asyncio.Queue() for _ in range(pages)]

    async def take(box: asyncio.Queue[str]) -> None:
        for _ in range(frames):
            await box.get()

    def put() -> None:
        for box in boxes:
            box.put_nowait(TEXT)

    return await _timed([take(box) for box in boxes], put, frames)


async def outboxes(pages: int, frames: int) -> float:
    """Give how long it takes by the product's consumers, from the outbox to `send`."""
    from workflows.outbox import Outbox
    from workflows.packing import Frame

    boxes = [Outbox("tree", 0) for _ in range(pages)]
    for box in boxes:
        box.is_behind = False
    frame, last = (
        Frame(text=TEXT, size=len(TEXT), upto=2, ended=is_end) for is_end in (False, True)
    )
    left = [frames]

    def put() -> None:
        left[0] -= 1
        news = [frame if left[0] else last]
        for box in boxes:
            box.put(news)

    return await _timed([_page()._follow("bench", box) for box in boxes], put, frames)


def _page() -> Any:
    """Give a consumer whose socket takes everything at once, and says so."""
    from workflows.consumers import RunConsumer
    from workflows.window import Window

    page = RunConsumer()
    page.window = Window()
    page.id = "bench"
    sent = [0]

    async def send(_message: Any) -> None:
        sent[0] += 1
        page.window.take(sent[0])

    page.base_send = send
    return page


async def _timed(takers: list[Any], put: Callable[[], None], frames: int) -> float:
    """Put a frame into each box and let the loop turn, again and again, until all are taken."""
    tasks = [asyncio.ensure_future(taker) for taker in takers]
    await asyncio.sleep(0)
    began = time.perf_counter()
    for _ in range(frames):
        put()
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    return time.perf_counter() - began
