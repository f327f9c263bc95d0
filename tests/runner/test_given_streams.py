"""What a body gives as a stream: pushed, returned, attached, or nothing at all."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from runner.graph.ports import Chunks, Ports, Stream
from runner.graph.task import Task, task
from tests.drive import outputs_of
from tests.handshake import (
    FIRST,
    drive_written,
    events_of,
    steps_of,
)


class Give(Task):
    """Streams a list, and returns what its settings say."""

    name = "give.back"
    effect = "none"

    class Inputs(Ports):
        chunks: list[int] = []

    class Outputs(Ports):
        numbers: list[int]

    class Config(Ports):
        """What to return, and how the stream is declared."""

        back: list[int] | None = None
        close: bool = False

    streaming = staticmethod(lambda: {"numbers": FIRST})

    async def execute(self, inputs, context):
        for number in inputs.chunks:
            await context.push_chunk("numbers", number)
        if self.config.close:
            context.close_stream("numbers")
        return None if self.config.back is None else {"numbers": self.config.back}


async def given(chunks: list[int], **config: Any) -> Any:
    return await drive_written(
        {"give": {"type": "give.back", "inputs": {"chunks": chunks}, "config": config},
         "total": "test.total"},
        "give.numbers > total.numbers", Give,
        outputs={"numbers": "give.numbers", "total": "total.result"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("chunks", "config"),
    [
        ([1, 2], {}),
        ([1, 2], {"back": [1, 2]}),
        ([1, 2], {"close": True}),
        ([1, 2], {"close": True, "back": [1, 2]}),
        ([], {"back": [1, 2]}),
    ],
)
async def test_what_was_streamed_may_be_left_out_or_returned_as_it_was(chunks, config):
    """Engine 4.3, 4.4: completion closes open streams."""
    run = await given(chunks, **config)
    assert outputs_of(run) == {"numbers": [1, 2], "total": 3}


async def test_a_task_that_returns_something_else_than_it_streamed_fails_and_says_so():
    """Engine 4.4."""
    run = await given([1, 2], back=[1, 2, 3])
    (failed,) = events_of(run, "TaskFailed")
    assert "differs from what it streamed" in failed.error.message
    assert steps_of(run, "give")[-2:] == ["StreamSuperseded", "TaskFailed"]


async def test_an_empty_stream_is_an_empty_list():
    """Engine 4.3."""
    run = await given([])
    assert outputs_of(run) == {"numbers": [], "total": 0}
    assert "StreamOpened" not in steps_of(run, "give")


@task(name="no.words", effect="none")
async def no_words() -> AsyncIterator[str]:
    """A stream of texts that has none."""
    if False:
        yield ""


async def test_an_empty_stream_of_texts_is_an_empty_text():
    """Engine 4.3."""
    run = await drive_written({"none": "no.words"}, "", no_words, outputs={"text": "none.result"})
    assert outputs_of(run) == {"text": ""}


@task(name="late.word", effect="none")
async def late_word(context: Any) -> AsyncIterator[int]:
    """A chunk after the close."""
    yield 1
    context.close_stream("result")
    yield 2


async def test_a_chunk_after_the_close_raises_in_the_body():
    """Engine 4.3."""
    run = await drive_written({"late": "late.word"}, "", late_word)
    (failed,) = events_of(run, "TaskFailed")
    assert failed.error.type == "StreamClosedError"


class Snapshots(Task):
    """Snapshots of a text: the last one counts."""

    name = "snapshots.give"
    effect = "none"

    class Inputs(Ports):
        texts: list[str] = []

    class Outputs(Ports):
        text: str

    @staticmethod
    def streaming():
        return {"text": Stream(readiness="first-chunk", mode="replace")}

    async def execute(self, inputs, context):
        for text in inputs.texts:
            await context.push_chunk("text", text)


@task(name="snapshots.read", effect="none")
async def snapshots_read(texts: Chunks[str]) -> list[str]:
    """Each snapshot, then the aggregate."""
    return [*[each async for each in texts], await texts.final()]


async def test_of_snapshots_the_last_one_counts():
    """Engine 4.1."""
    run = await drive_written(
        {"snaps": {"type": "snapshots.give", "inputs": {"texts": ["a", "ab", "abc"]}},
         "read": "snapshots.read"},
        "snaps.text > read.texts", Snapshots, snapshots_read,
        outputs={"text": "snaps.text", "read": "read.result"},
    )  # fmt: skip
    assert outputs_of(run) == {"text": "abc", "read": ["a", "ab", "abc", "abc"]}


async def test_no_snapshot_at_all_is_an_error():
    """Engine 4.3."""
    run = await drive_written(
        {"snaps": "snapshots.give", "read": "snapshots.read"}, "snaps.text > read.texts",
        Snapshots, snapshots_read,
    )  # fmt: skip
    (failed,) = events_of(run, "TaskFailed")
    assert failed.error.message == "Give ended without a value for port text; return one."
    assert steps_of(run, "read")[-1] == "TaskUpstreamFailed"


@task(name="attach.it", effect="none")
async def feed(context: Any) -> AsyncIterator[int]:
    """Nothing of its own: an attached stream."""

    async def numbers() -> AsyncIterator[int]:
        for number in (5, 6):
            yield number

    await context.attach_stream("result", numbers())
    if False:
        yield 0


async def test_an_attached_iterator_gives_every_chunk_then_the_close():
    """Engine 4.1."""
    run = await drive_written({"feed": "attach.it"}, "", feed, outputs={"all": "feed.result"})
    assert outputs_of(run) == {"all": [5, 6]}
    assert steps_of(run, "feed")[-2:] == ["StreamClosed", "TaskCompleted"]


async def test_a_chunk_that_does_not_fit_its_port_fails_the_task():
    """Engine 2.3: validated at emission."""

    @task(name="wrong.chunk", effect="none")
    async def wrong() -> AsyncIterator[int]:
        yield "seven"  # type: ignore[misc] # that is the point

    run = await drive_written({"wrong": "wrong.chunk"}, "", wrong)
    (failed,) = events_of(run, "TaskFailed")
    assert failed.error.type == "ValueFault"


async def test_a_port_that_does_not_stream_takes_no_chunks():
    """Engine 4.1."""

    @task(name="no.stream", effect="none")
    async def plain(context: Any) -> int:
        await context.push_chunk("result", 1)
        return 1

    run = await drive_written({"plain": "no.stream"}, "", plain)
    (failed,) = events_of(run, "TaskFailed")
    assert "list that output in streaming()" in failed.error.message
