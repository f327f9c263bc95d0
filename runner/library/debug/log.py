"""A value put into the log of a run."""

from typing import Annotated, Any, Literal

from pydantic import Field

from runner.graph.ports import Ports
from runner.graph.task import Task
from runner.graph.values import encode

LONGEST_SHOWN = 4_000
LEVELS = {"info": 20, "warning": 30, "error": 40}


class Log(Task):
    """Writes a value to the log of the task and passes it on as it came.

    The log has the value as JSON, cut after `longest` characters, under the label if there is
    one. It waits for the whole value; what streams into it is passed on at its end.
    """

    name = "debug.log"
    title = "Log"
    effect = "none"

    class Inputs(Ports):
        """What to look at."""

        value: Any

    class Outputs(Ports):
        """The same value."""

        value: Any

    class Config(Ports):
        """How the line looks."""

        label: Annotated[str, Field(max_length=200, title="Label")] = ""
        level: Annotated[Literal["info", "warning", "error"], Field(title="Level")] = "info"
        longest: Annotated[int, Field(ge=1, le=100_000, title="Characters at most")] = LONGEST_SHOWN

    async def execute(self, inputs: Any, context: Any) -> dict[str, Any]:
        """Log it and pass it on."""
        text = inputs.value if isinstance(inputs.value, str) else encode(inputs.value)
        cut = text if len(text) <= self.config.longest else f"{text[: self.config.longest]}…"
        label = f"{self.config.label}: " if self.config.label else ""
        context.log.log(LEVELS[self.config.level], "%s%s", label, cut)
        return {"value": inputs.value}
