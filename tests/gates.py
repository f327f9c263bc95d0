"""Tasks whose end is the test's to decide."""

import asyncio
from typing import Any, ClassVar

from runner.graph.ports import Ports
from runner.graph.task import Effect, Task


class Gate(Task):
    """Ends when the test lets it; `Gate.opened` and `Gate.begun` are by path."""

    name = "test.gate"
    effect: ClassVar[Effect] = "none"
    opened: ClassVar[dict[str, asyncio.Event]] = {}
    begun: ClassVar[list[str]] = []

    class Inputs(Ports):
        """What it gives in the end."""

        value: int = 1
        after: Any = None

    class Outputs(Ports):
        """The value."""

        result: int

    async def execute(self, inputs: Any, context: Any) -> int:
        """Wait for the gate of this path."""
        self.begun.append(context.path)
        await self.opened.setdefault(context.path, asyncio.Event()).wait()
        return int(inputs.value)

    @classmethod
    def open(cls, *paths: str) -> None:
        """Let these end, now or as soon as they begin."""
        for path in paths:
            cls.opened.setdefault(path, asyncio.Event()).set()

    @classmethod
    def reset(cls) -> None:
        """Close all gates."""
        cls.opened.clear()
        cls.begun.clear()


class EffectGate(Gate):
    """A gate with an effect that can be had again."""

    name = "test.effect_gate"
    effect = "repeatable"


class OnceGate(Gate):
    """A gate with an effect that must not be had twice."""

    name = "test.once_gate"
    effect = "once"
