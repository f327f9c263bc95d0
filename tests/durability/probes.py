"""Tasks that tell an observer, outside of the engine, that they began: an installed package's.

They come into a process by an entry point, like anybody's tasks, so that servers have them too.
The observer is the file ANABRANCH_OBSERVER: a line for each body, in one write, before its work
begins. What was written outlives the process; to sync it would only hold up the event loop.
"""

import asyncio
import base64
import logging
import os
import random
import sys
import threading
import time
import urllib.parse
from pathlib import Path
from typing import Any

from runner.graph.needs import Need
from runner.graph.ports import Chunks, Ports, Stream
from runner.graph.task import Task, task

PAUSE = threading.Event()
FIRST = Stream(readiness="first-chunk", mode="append")


def observe(context: Any) -> None:
    """Append who began: the life, the run, the path, the attempt, its key, and when."""
    words = (
        os.environ.get("ANABRANCH_LIFE", "-"),
        context.run,
        context.path,
        context.attempt,
        context.idempotency_key,
        f"{time.monotonic():.6f}",
    )
    file = os.open(os.environ["ANABRANCH_OBSERVER"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(file, (" ".join(map(str, words)) + "\n").encode())
    finally:
        os.close(file)


def seconds(context: Any, most: float) -> float:
    """Give how long an attempt takes: by chance, and the same whenever a seed is replayed."""
    return random.Random(f"{context.path} {context.attempt}").uniform(0.0, most)


@task(name="probe.pure", effect="none")
async def pure(values: list[int], context: Any, most: float = 0.02) -> int:
    """Add up without effect."""
    observe(context)
    await asyncio.sleep(seconds(context, most))
    return sum(values) + 1


@task(name="probe.acting", effect="repeatable")
async def acting(values: list[int], context: Any, most: float = 0.02) -> int:
    """Add up, and leave a line that somebody may count."""
    observe(context)
    await asyncio.sleep(seconds(context, most))
    return sum(values) + 1


@task(name="probe.blocking", effect="repeatable")
def blocking(values: list[int], context: Any, most: float = 0.02) -> int:
    """Add up in a thread."""
    observe(context)
    PAUSE.wait(seconds(context, most))
    return sum(values) + 1


@task(name="probe.listing", effect="none")
async def listing(width: int, context: Any) -> list[int]:
    """Give the numbers below a width."""
    observe(context)
    return list(range(width))


class Counting(Task):
    """The numbers below `count`, streamed; it saves its state and goes on from there."""

    name = "probe.counting"
    effect = "none"

    class Inputs(Ports):
        """How many, and the longest time between two."""

        count: int = 20
        most: float = 0.02

    class Outputs(Ports):
        """The numbers."""

        numbers: list[int]

    @staticmethod
    def streaming():
        """Stream from the first chunk on."""
        return {"numbers": FIRST}

    async def execute(self, inputs, context):
        """Count."""
        observe(context)
        chance = random.Random(context.path)
        begun = context.saved_state or 0
        if begun:
            context.resume_stream("numbers")
        for number in range(begun, inputs.count):
            await context.push_chunk("numbers", number)
            await asyncio.sleep(chance.uniform(0.0, inputs.most))
            if number % 5 == 0:
                await context.save_state(number + 1)


class Doubling(Task):
    """Each number of a stream, doubled, as a stream; it saves nothing."""

    name = "probe.doubling"
    effect = "none"

    class Inputs(Ports):
        """The stream to read."""

        numbers: Chunks[int]

    class Outputs(Ports):
        """The stream to write."""

        numbers: list[int]

    @staticmethod
    def streaming():
        """Stream from the first chunk on."""
        return {"numbers": FIRST}

    async def execute(self, inputs, context):
        """Double."""
        observe(context)
        async for number in inputs.numbers:
            await context.push_chunk("numbers", number * 2)


class Totalling(Task):
    """The sum of a stream."""

    name = "probe.totalling"
    effect = "none"

    class Inputs(Ports):
        """The stream to read."""

        numbers: Chunks[int]

    class Outputs(Ports):
        """The sum."""

        result: int

    async def execute(self, inputs, context):
        """Add up while it comes."""
        observe(context)
        return {"result": sum([number async for number in inputs.numbers])}


@task(name="probe.until_released", effect="repeatable", timeout=None, idle_timeout=None)
async def until_released(file: str, context: Any) -> int:
    """Work until somebody makes a file."""
    observe(context)
    while not Path(file).exists():  # noqa: ASYNC110, ASYNC240 - another process makes it
        await asyncio.sleep(0.02)
    return 1


@task(name="probe.deaf", effect="repeatable", timeout=None, idle_timeout=None)
def deaf(file: str, context: Any, lasts: float = 60.0) -> int:
    """Work in a thread until somebody makes a file, and hear nothing of a stop meanwhile."""
    observe(context)
    until = time.monotonic() + lasts
    while not Path(file).exists() and time.monotonic() < until:
        PAUSE.wait(0.02)
    return 1


@task(name="probe.huge", effect="repeatable", blocking=False)
def huge(megabytes: int, context: Any) -> str:
    """Build a text of so many megabytes."""
    observe(context)
    return "".join("x" * (1 << 20) for _ in range(megabytes))


class Leaking(Task):
    """Says the credential it is given wherever it can, in every usual form."""

    name = "probe.leaking"
    effect = "repeatable"
    needs = (Need("rivers", hosts=("api.rivers.example",)),)

    class Inputs(Ports):
        """Whether it fails in the end."""

        fails: bool = False

    class Outputs(Ports):
        """What it was given, and the same letter by letter."""

        texts: list[str]
        letters: str

    @staticmethod
    def streaming() -> dict[str, Stream]:
        """Cut what it says anywhere."""
        return {"letters": FIRST}

    async def execute(self, inputs: Any, context: Any) -> dict[str, Any]:
        """Print, log, report, stream and return it, or fail with it."""
        secret = (await context.auth.secret("rivers")).reveal("api.rivers.example")
        for text in forms_of(secret):
            print(text)  # noqa: T201
            print(text, file=sys.stderr)  # noqa: T201
            logging.getLogger("runner.probe").warning("somebody said %s", text)
            context.log.warning("it is %s", text)
            context.progress(0.5, text)
            for start in range(0, len(text), 5):
                await context.push_chunk("letters", text[start : start + 5])
            await context.push_chunk("letters", " ")
        if inputs.fails:
            raise ValueError(f"{forms_of(secret)} was refused")
        return {"texts": forms_of(secret)}


def forms_of(text: str) -> list[str]:
    """Give a text as it is, URL-, base64- and hex-encoded."""
    code = base64.b64encode(text.encode()).decode()
    return [text, urllib.parse.quote(text, safe=""), code, text.encode().hex()]
