"""A task that says what nobody but the team may hear, wherever a task can say anything.

All of that begins with HUSH; what it says at the port `text` is for everybody. It goes on when the
file ANABRANCH_STAGE exists, where one is named.
"""

import asyncio
import os
from pathlib import Path

from pydantic import Field

from runner.graph.needs import Need
from runner.graph.policy import Policy
from runner.graph.ports import Ports, Stream
from runner.graph.task import Task

HUSH = "hush-"
ALOUD = "said-aloud"
HOST = "api.rivers.example"
APPENDED = Stream(readiness="first-chunk", mode="append")


class Speak(Task):
    """Says something aloud, and much besides."""

    name = "guest.speak"
    title = "Speak"
    effect = "repeatable"
    policy = Policy(idle_timeout=None)
    needs = (Need("rivers", hosts=(HOST,)),)

    class Inputs(Ports):
        """What it is given, and whether it fails in the end."""

        hidden: str = ""
        fails: bool = False

    class Outputs(Ports):
        """What is said aloud, what is a secret, and what was not allowed."""

        text: str
        key: str = Field(json_schema_extra={"secret": True})
        other: str

    @staticmethod
    def streaming():
        """Stream from the first word on."""
        return {"text": APPENDED, "key": APPENDED}

    async def execute(self, inputs, context):
        """Say everything, then wait to be let go on."""
        credential = (await context.auth.secret("rivers")).reveal(HOST)
        context.log.info("%slog of %s with %s", HUSH, inputs.hidden, credential)
        context.progress(0.5, f"{HUSH}progress")
        await context.push_chunk("key", f"{HUSH}key {credential} ")
        for number in range(5):
            await context.push_chunk("text", f"{ALOUD}-{number} ")
        released = Path(os.environ.get("ANABRANCH_STAGE", os.devnull))
        while not released.exists():  # noqa: ASYNC110, ASYNC240 - another process makes it
            await asyncio.sleep(0.05)
        await context.push_chunk("text", f"{ALOUD}-at-last ")
        # What is pushed just before a failure is not kept.
        await asyncio.sleep(0.6)
        if inputs.fails:
            raise LookupError(f"{HUSH}error about {inputs.hidden}")
        return {"other": f"{HUSH}other"}
