"""The test kit shows all that a task does, whatever becomes of it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from runner import Retry, task
from runner.errors import PlanError
from runner.testing import observe


@task(effect="none")
async def spell(word: str, context: Any) -> AsyncIterator[str]:
    """Give the letters of a word, one after the other."""
    for at, letter in enumerate(word, 1):
        context.progress(at / len(word), f"letter {at}")
        yield letter
        await asyncio.sleep(0)
    context.log.info("spelt %s", word)


@task(effect="none")
async def endless(context: Any) -> AsyncIterator[int]:
    """Count for ever."""
    number = 0
    while True:
        yield number
        number += 1
        await asyncio.sleep(0)


@task(effect="none", retry=Retry(attempts=3, delay=0.001))
async def stumbles(word: str) -> AsyncIterator[str]:
    """Fail after the first letter."""
    yield word[0]
    raise OSError("the line went dead")


async def test_outputs_chunks_progress_and_logs_are_seen():
    seen = await observe(spell, {"word": "river"})
    assert seen.outputs == {"result": "river"}
    assert seen.chunks == {"result": ("r", "i", "v", "e", "r")}
    assert seen.logs == ("spelt river",)
    assert seen.progress[-1] == (1.0, "letter 5")
    assert (seen.attempts, seen.error) == (1, "")


async def test_a_failure_is_something_to_look_at_with_what_came_before_it():
    seen = await observe(stumbles, {"word": "river"})
    assert seen.outputs == {}
    assert seen.chunks["result"][0] == "r"
    assert seen.attempts == 3
    assert "the line went dead" in seen.error


@pytest.mark.parametrize("after", [1, 5])
async def test_a_task_is_cancelled_after_so_many_chunks(after):
    seen = await asyncio.wait_for(observe(endless, cancel_after=after), 30)
    assert seen.chunks["result"][:after] == tuple(range(after))
    assert seen.error == "The run was cancelled."


async def test_a_task_that_is_cancelled_at_once_does_nothing():
    seen = await observe(endless, cancel_after=0)
    assert (seen.chunks, seen.attempts) == ({"result": ()}, 0)


async def test_inputs_that_do_not_fit_are_refused_before_anything_runs():
    with pytest.raises(PlanError, match="word"):
        await observe(spell, {"word": 3})
