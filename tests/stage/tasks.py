"""The tasks of the stage: what a river is called says how its run goes.

The Amazon is still being written down, the Styx has a gauge that does not answer, all others come
to their end. They are installed by an entry point, as anybody's are. What is held goes on when the
file ANABRANCH_STAGE exists.
"""

import asyncio
import os
import random
from pathlib import Path
from typing import Any

from runner.graph.policy import Policy
from runner.graph.ports import Chunks, Ports, Stream
from runner.graph.task import Task, task

HELD = "Amazon"
BROKEN = "Styx"
GAUGES = ("Source", "Upper reach", "Weir", "Old bridge", "Confluence", "Estuary")
APPENDED = Stream(readiness="first-chunk", mode="append")
DIGEST = """\
The level of the {river} rose by eleven centimetres since yesterday and stands at the mean of the \
season. Below the weir the water parts into two arms; the northern one, an anabranch of nine \
kilometres, carried a third of the flow before both met again above the old bridge. No gauge came \
near its mark for a warning. Rain is expected on Thursday, first in the hills and by the evening \
on the plain, so that the estuary should be watched from Friday on.
"""
SPANISH = {
    "The": "El", "the": "el", "level": "nivel", "of": "de", "water": "agua", "and": "y",
    "river": "río", "into": "en", "two": "dos", "arms": "brazos", "before": "antes",
    "both": "ambos", "met": "unidos", "old": "viejo", "bridge": "puente", "Rain": "Lluvia",
    "is": "es", "expected": "prevista", "on": "el", "Thursday": "jueves", "first": "primero",
}  # fmt: skip


async def until_released() -> None:
    """Wait for the word of whoever set the stage."""
    while not Path(os.environ["ANABRANCH_STAGE"]).exists():  # noqa: ASYNC110, ASYNC240 - another process makes it
        await asyncio.sleep(0.1)


@task(name="stage.gauges", title="List the gauges", effect="none")
async def gauges(river: str, context: Any) -> list[str]:
    """Give the gauges along a river, from its source on."""
    context.log.info("%d gauges along the %s", len(GAUGES), river)
    return list(GAUGES)


@task(name="stage.read", title="Read the level", effect="none")
async def read(gauge: str, context: Any) -> dict[str, Any]:
    """Give what a gauge says."""
    chance = random.Random(gauge)
    for part in range(1, 4):
        await asyncio.sleep(0.02)
        context.progress(part / 4, f"reading {part} of 3")
    level = chance.randint(120, 340)
    context.log.info("%s stands at %d cm", gauge, level)
    if level > 300:
        context.log.warning("%s is above its mean by %d cm", gauge, level - 300)
    return {"gauge": gauge, "level": level, "trend": chance.choice(["rising", "falling", "steady"])}


class Write(Task):
    """Writes down how a river fares, word by word."""

    name = "stage.write"
    title = "Write"
    effect = "none"
    policy = Policy(idle_timeout=None)

    class Inputs(Ports):
        """The river, what its gauges said, and the seconds that the writing takes."""

        river: str
        levels: list[dict[str, Any]]
        seconds: float = 0.5

    class Outputs(Ports):
        """The text."""

        text: str

    @staticmethod
    def streaming():
        """Stream from the first word on."""
        return {"text": APPENDED}

    async def execute(self, inputs, context):
        """Write; the Amazon's is half written until somebody says more."""
        words = DIGEST.format(river=inputs.river).split(" ")
        for number, word in enumerate(words):
            if inputs.river == HELD and number == len(words) // 2:
                await until_released()
            context.progress(number / len(words), f"{number} of {len(words)} words")
            await context.push_chunk("text", f"{word} ")
            await asyncio.sleep(inputs.seconds / len(words))


class Translate(Task):
    """Translates while it is written; nobody has translated the Styx."""

    name = "stage.translate"
    title = "Translate"
    effect = "none"

    class Inputs(Ports):
        """The text to translate."""

        text: Chunks[str]
        river: str

    class Outputs(Ports):
        """The translation."""

        text: str

    @staticmethod
    def streaming():
        """Stream from the first word on."""
        return {"text": APPENDED}

    async def execute(self, inputs, context):
        """Translate word by word."""
        number = 0
        async for word in inputs.text:
            number += 1
            if inputs.river == BROKEN and number == 20:
                context.log.error("the dictionary has no entry for %r", word.strip())
                raise LookupError(f"The dictionary has no entry for {word.strip()!r}.")
            await context.push_chunk("text", f"{SPANISH.get(word.strip(), word.strip())} ")


@task(name="stage.publish", title="Publish", effect="repeatable")
async def publish(text: str, words: int, approved: bool = True) -> str:
    """Give the page that is published."""
    head = "# Approved" if approved else "# Not approved"
    return f"{head}\n\n{text}\n\n*{words} words*\n"


@task(name="stage.step", title="Step", effect="none", idle_timeout=None)
async def step(river: str, before: int, at: int, seconds: float = 0.0) -> int:
    """Carry water from one place to the next; far down the Amazon it takes its time."""
    if river == HELD and at > 80:
        await until_released()
    await asyncio.sleep(seconds)
    return before + 1


class Words(Task):
    """So many numbered words over so long."""

    name = "stage.words"
    title = "Words"
    effect = "none"
    policy = Policy(idle_timeout=None)

    class Inputs(Ports):
        """Of which river, how many words and in how many seconds."""

        river: str
        words: int = 200
        seconds: float = 1.0

    class Outputs(Ports):
        """The words."""

        text: str

    class Config(Ports):
        """Which word."""

        word: str = "drop"

    @staticmethod
    def streaming():
        """Stream from the first word on."""
        return {"text": APPENDED}

    async def execute(self, inputs, context):
        """Say one word after the other."""
        for number in range(inputs.words):
            if inputs.river == HELD and number == inputs.words // 2:
                await until_released()
            await context.push_chunk("text", f"{self.config.word}-{number} ")
            await asyncio.sleep(inputs.seconds / inputs.words)
