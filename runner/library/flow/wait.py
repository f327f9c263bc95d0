"""A wait: for a time."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import Field

from runner.graph.ports import Ports
from runner.graph.task import Task

_LONGEST = 366 * 24 * 3600


class Wait(Task):
    """Goes on with a value later: after some seconds, or at a moment."""

    name = "flow.wait"
    title = "Wait"

    class Inputs(Ports):
        """What to go on with, and the moment; without one the seconds count."""

        value: Any = None
        until: datetime | None = None

    class Outputs(Ports):
        """The value, and the moment that was waited for (UTC)."""

        value: Any
        until: datetime

    class Config(Ports):
        """How long to wait."""

        seconds: Annotated[float, Field(ge=0, le=_LONGEST, title="Seconds")] = 0.0

    async def execute(self, inputs: Any, context: Any) -> dict[str, Any]:
        """Wait; the moment is decided once, so that a resume waits no longer."""
        moment = inputs.until or datetime.now(UTC) + timedelta(seconds=self.config.seconds)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        until = await context.decide("until", moment.astimezone(UTC))
        await context.wait_until(until)
        return {"value": inputs.value, "until": until}
