"""Tasks that every release since the first can run, for databases that older code wrote.

A body notes its name in the file ANABRANCH_OBSERVER. With ANABRANCH_DIES the one that is held
ends its process, in the middle of the run.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

from runner import task

#: Long enough for what was done before to be kept.
SECONDS = 2.0


def _note(name: str) -> None:
    with open(os.environ["ANABRANCH_OBSERVER"], "a", encoding="ascii") as file:  # noqa: PTH123
        file.write(f"{name}\n")


@task(name="older.listing", effect="none")
async def listing(width: int) -> list[int]:
    """Count from 0."""
    _note("listing")
    return list(range(width))


@task(name="older.add", effect="none")
async def add(number: int) -> int:
    """Add 1."""
    _note("add")
    return number + 1


@task(name="older.total", effect="none")
async def total(numbers: list[int]) -> int:
    """Add numbers up."""
    _note("total")
    return sum(numbers)


@task(name="older.words", effect="none")
async def words(count: int) -> AsyncIterator[str]:
    """Stream so many words."""
    _note("words")
    for number in range(count):
        yield f"word-{number} "


@task(name="older.hold", effect="repeatable")
async def hold(number: int) -> int:
    """Add 1, or die."""
    _note("hold")
    if os.environ.get("ANABRANCH_DIES"):
        await asyncio.sleep(SECONDS)
        os.kill(os.getpid(), signal.SIGKILL)
    return number + 1


@task(name="older.last", effect="none")
async def last(number: int, text: str) -> str:
    """Put both together."""
    _note("last")
    return f"{number} {text}"
