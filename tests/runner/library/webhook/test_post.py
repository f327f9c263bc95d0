"""webhook.post against a receiver on this machine that checks signatures."""

import asyncio
import json

import pytest

from runner.outside.signing import signed
from runner.run.status import RunStatus
from tests.loopback import in_turn, leads_to, says, serving
from tests.outside import TOKEN, asked, asking

KEYED = {"credential": "rivers", "host": "localhost"}


async def post(server, config=KEYED, **rest):
    return await asked("webhook.post", server, config, url=f"{server.url}/hook", **rest)


def is_signed(message):
    """Check as a receiver does."""
    sent = {name: each for name, each in message.headers.items() if name.startswith("webhook-")}
    return sent == signed(TOKEN, sent["webhook-id"], int(sent["webhook-timestamp"]), message.body)


async def test_a_message_is_signed_for_its_receiver():
    async with serving(hook=says("thanks")) as server:
        run = await post(server, value={"level": 3.2}, type="river.rose")
    (message,) = server.asked
    told = json.loads(message.body)
    assert is_signed(message)
    assert (told["type"], told["data"]) == ("river.rose", {"level": 3.2})
    assert run.outputs == {"status": 200, "text": "thanks", "id": message.headers["webhook-id"]}


async def test_without_a_credential_the_value_is_posted_as_it_is():
    async with serving(hook=says()) as server:
        await post(server, {}, value=[1, None])
    assert server.asked[0].body == b"[1, null]"
    assert "webhook-signature" not in server.asked[0].headers


async def test_a_receiver_that_was_busy_gets_the_same_message_again():
    """Promise P6, P2."""
    busy = says("busy", "503 Busy", Retry_After="0")
    async with serving(hook=in_turn(busy, busy, says("thanks"))) as server:
        run = await post(server, value=1, type="river.rose")
    assert run.outputs["text"] == "thanks"
    assert len({each.body for each in server.asked}) == 1
    assert len({each.headers["webhook-id"] for each in server.asked}) == 1
    assert len({each.headers["idempotency-key"] for each in server.asked}) == 1
    assert all(map(is_signed, server.asked))


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (says("gone", "410 Gone"), "wants to be told no more"),
        (says("no", "400 Bad"), "answers 400 Bad: no"),
        (leads_to("http://localhost/other"), "leads on to http://localhost/other"),
    ],
)
async def test_a_receiver_that_does_not_take_it_is_asked_once(answer, sentence):
    async with serving(hook=answer) as server:
        run = await post(server, value=1)
    assert sentence in run.error.message
    assert len(server.asked) == 1


async def test_a_value_that_is_no_json_gets_a_sentence():
    async with serving(hook=says()) as server:
        run = await post(server, value={"a": b"x"})
    assert "cannot be written as JSON" in run.error.message


async def test_the_secret_signs_for_its_host_alone():
    async with serving(hook=says()) as server:
        run = await post(server, KEYED | {"host": "example.org"}, value=1)
    assert "is for example.org, not for localhost" in run.error.message
    assert server.connections == 0


async def test_the_secret_is_told_to_nobody(caplog):
    """Engine 2.3."""
    async with serving(hook=says(f"got {TOKEN}")) as server:
        run = await post(server, value=1)
    assert run.outputs["text"] == "got •••"
    assert TOKEN not in run.everything + caplog.text + repr(server.asked)


async def test_a_cancel_ends_it_at_once():
    """Promise P8."""
    came, never = asyncio.Event(), asyncio.Event()

    async def hook(_asked, _writer):
        came.set()
        await never.wait()

    async with serving(hook=hook) as server:
        run = asking("webhook.post", server, url=f"{server.url}/hook")
        under_way = await run.begin()
        await came.wait()
        run.executor.cancel("ada")
        await asyncio.wait_for(under_way, 1)
        never.set()
    assert run.status is RunStatus.CANCELLED
