"""How much a port may give: all of the limit, and not a byte more (engine 4.9)."""

from collections.abc import AsyncIterator

import pytest

from runner.execution.host import Host
from runner.graph.registry import TaskRegistry
from runner.graph.task import task
from tests.drive import definition_of, drive, outputs_of
from tests.handshake import events_of, steps_of

LIMIT = 60
#: The quotes of a text are part of its JSON.
QUOTES = 2
#: Of three bytes.
SIGN = "€"


@task(name="limit.give", effect="none")
async def give(text: str, times: int) -> str:
    """Give a text so many times over, as one value."""
    return text * times


@task(name="limit.stream", effect="none")
async def stream(text: str, times: int) -> AsyncIterator[str]:
    """Stream a text so many times."""
    for _ in range(times):
        yield text


async def gave(kind, text, times, **limits):
    """Run the task alone under limits, three attempts allowed."""
    registry = TaskRegistry()
    registry.register(give)
    registry.register(stream)
    inputs = {"text": text, "times": times}
    policy = {"retry": {"attempts": 3}}
    drawn = [{"id": "big", "type": kind, "inputs": inputs, "policy": policy}]
    definition = definition_of(drawn, outputs={"all": "big.result"})
    return await drive(definition, registry=registry, host=Host(**limits))


def refusal_of(run):
    """Give the error of the one attempt: a size limit is never tried again (engine 5.5)."""
    (failed,) = events_of(run, "TaskFailed")
    assert failed.error.type == "SizeLimit"
    assert steps_of(run, "big").count("TaskStarted") == 1
    return failed.error.message


@pytest.mark.parametrize(("text", "size"), [("x", 1), (SIGN, 3)])
async def test_a_value_may_have_as_many_bytes_as_the_limit(text, size):
    """S16."""
    times = (LIMIT - QUOTES) // size
    run = await gave("limit.give", text, times, output_bytes=times * size + QUOTES)
    assert outputs_of(run) == {"all": text * times}


@pytest.mark.parametrize(("text", "size"), [("x", 1), (SIGN, 3)])
async def test_a_value_of_one_byte_more_fails_with_a_clear_error(text, size):
    """S16."""
    times = (LIMIT - QUOTES) // size
    run = await gave("limit.give", text, times, output_bytes=times * size + QUOTES - 1)
    assert "gave more than" in refusal_of(run)


@pytest.mark.parametrize(("text", "size"), [("x", 1), (SIGN, 3)])
async def test_a_stream_may_have_as_many_bytes_as_the_limit(text, size):
    """S16."""
    run = await gave("limit.stream", text, 4, stream_bytes=4 * (size + QUOTES), output_bytes=1)
    assert outputs_of(run) == {"all": text * 4}


@pytest.mark.parametrize(("text", "size"), [("x", 1), (SIGN, 3)])
async def test_a_stream_of_one_byte_more_fails_with_a_clear_error(text, size):
    """S16."""
    run = await gave("limit.stream", text, 4, stream_bytes=4 * (size + QUOTES) - 1)
    assert "streamed more than" in refusal_of(run)
