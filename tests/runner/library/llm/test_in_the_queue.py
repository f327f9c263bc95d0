"""A task that reaches another machine, carried out by a job queue runner."""

import json

from runner.execution.host import Host
from runner.execution.secrets import MemoryCredentials
from runner.graph.registry import default_registry
from runner.run.status import RunStatus
from tests.loopback import drips, head, says, serving
from tests.outside import TOKEN, asking
from tests.queued_jobs import QUEUE, MemoryJobs

ROUTE = "v1/chat/completions"


def chunk(text, finish=None):
    choices = [{"delta": {"content": text}, "finish_reason": finish}]
    return f"data: {json.dumps({'choices': choices})}\n\n".encode()


def queued(server, **policy):
    """Give a run of llm.chat whose body a job queue runner carries out."""
    lent = Host(network=server.network(), credentials=MemoryCredentials({("ada", "rivers"): TOKEN}))
    jobs = MemoryJobs(default_registry(), lent, identity="ada")
    config = {"base_url": f"{server.url}/v1", "model": "river-1", "credential": "rivers"}
    places = jobs.host().places
    return asking("llm.chat", server, config, places=places, policy=QUEUE | policy, prompt="Why?")


async def test_the_runner_has_its_own_network_and_masks_what_it_was_given(caplog):
    """Engine 2.3, 6.6."""

    async def mirror(message, writer):
        token = message.headers["authorization"].removeprefix("Bearer ")
        beginning = head(Content_Type="text/event-stream")
        await drips(chunk("I got "), chunk(token, "stop"), beginning=beginning)(message, writer)

    async with serving(**{ROUTE: mirror}) as server:
        run = await queued(server).end()
    assert run.outputs["text"] == "I got •••"
    assert TOKEN not in run.everything + caplog.text


async def test_what_the_other_side_asks_for_comes_back_from_the_runner():
    """Promise P6."""
    async with serving(**{ROUTE: says("busy", "429 Too Many", Retry_After="77")}) as server:
        run = queued(server)
        under_way = await run.begin()
        await run.until("TaskRetrying")
        retrying = run.of("TaskRetrying")
        run.executor.cancel("ada")
        await under_way
    assert (retrying.error.type, retrying.delay) == ("Unavailable", 77.0)
    assert run.status is RunStatus.CANCELLED


async def test_what_is_refused_there_is_not_tried_again():
    async with serving(**{ROUTE: says("no", "400 No")}) as server:
        run = await queued(server, retry={"attempts": 3}).end()
    assert run.error.message == "localhost answers 400 No: no"
    assert len(server.asked) == 1
