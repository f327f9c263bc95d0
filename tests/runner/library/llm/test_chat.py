"""llm.chat against a server on this machine that speaks as OpenAI's does, and without any."""

import asyncio
import json

import pytest

from runner.errors import ValueFault
from runner.library.llm.chat import OFFLINE, Chat
from runner.run.status import RunStatus
from tests.loopback import drips, head, in_turn, leads_to, says, says_json, serving
from tests.outside import TOKEN, asked, asking

PASSAGES = [{"topic": "files", "text": "A file is opened by open()."}]


def config(server, **more):
    return {"base_url": f"{server.url}/v1/", "model": "river-1", **more}


def chunk(text=None, finish=None, **more):
    choices = [{"delta": {"content": text}, "finish_reason": finish}]
    return f"data: {json.dumps({'model': 'river-1b', 'choices': choices, **more})}\n\n".encode()


def streams(*parts):
    return drips(*parts, beginning=head(Content_Type="text/event-stream"))


USAGE = b'data: {"choices": [], "usage": {"total_tokens": 12}}\n\n'
DONE = b"data: [DONE]\n\n"
WHOLE = (chunk("A river "), chunk("parts."), chunk(finish="stop"), USAGE, DONE)
ROUTE = "v1/chat/completions"


async def test_an_answer_streams_with_what_it_took():
    async with serving(**{ROUTE: streams(*WHOLE)}) as server:
        run = await asked("llm.chat", server, config(server, temperature=0), prompt="Why?")
    assert run.outputs == {
        "text": "A river parts.", "model": "river-1b", "finish": "stop", "usage": {"total_tokens": 12},
    }  # fmt: skip
    sent = json.loads(server.asked[0].body)
    assert sent["messages"] == [{"role": "user", "content": "Why?"}]
    assert (sent["model"], sent["temperature"], sent["stream"]) == ("river-1", 0, True)
    assert "max_tokens" not in sent
    assert "authorization" not in server.asked[0].headers


async def test_the_first_words_are_there_before_the_last():
    """Engine 4.1."""
    go_on = asyncio.Event()
    async with serving(**{ROUTE: streams(chunk("A river "), go_on, *WHOLE[1:])}) as server:
        run = asking("llm.chat", server, config(server), prompt="Why?")
        under_way = await run.begin()
        await run.until("ChunksStored")
        assert run.chunks == ["A river "]
        go_on.set()
        await under_way
    assert run.outputs["text"] == "A river parts."


async def test_messages_come_before_the_prompt_and_passages_with_the_system():
    async with serving(**{ROUTE: streams(*WHOLE)}) as server:
        said = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
        await asked(
            "llm.chat",
            server,
            config(server),
            system="Be short.",
            messages=said,
            prompt="c",
            passages=PASSAGES,
        )
    system, *rest = json.loads(server.asked[0].body)["messages"]
    assert rest == [*said, {"role": "user", "content": "c"}]
    assert system["content"].startswith("Be short.\n\nAnswer from these passages")
    assert "From “files”:\nA file is opened by open()." in system["content"]


async def test_a_service_that_does_not_stream_is_understood():
    whole = {"choices": [{"message": {"content": "A river."}, "finish_reason": "stop"}]}
    async with serving(**{ROUTE: says_json(whole)}) as server:
        run = await asked("llm.chat", server, config(server), prompt="Why?")
    assert (run.outputs["text"], run.outputs["model"]) == ("A river.", "river-1")


async def test_an_answer_without_words_is_an_empty_text():
    whole = {"choices": [{"message": {"content": None}, "finish_reason": "stop"}]}
    async with serving(**{ROUTE: says_json(whole)}) as server:
        run = await asked("llm.chat", server, config(server), prompt="Why?")
    assert (run.outputs["text"], run.outputs["finish"]) == ("", "stop")


async def test_without_a_base_url_passages_are_quoted_and_it_says_so():
    async with serving() as server:
        run = await asked(
            "llm.chat", server, {"words": 4}, prompt="open a file?", passages=PASSAGES
        )
    assert run.outputs["text"] == "From “files”:\nA file is opened"
    assert run.outputs["model"] == OFFLINE
    assert "by no model" in run.of("TaskLogged").message
    assert "StreamOpened" in run.kinds


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ({}, "give a prompt, or messages"),
        ({"messages": [{"role": "assistant", "content": "a"}]}, "give a prompt, or messages"),
        ({"messages": [{"content": "a"}]}, "Message 1 has no role and content"),
        ({"prompt": "Why?"}, "give it in the setting model"),
    ],
)
async def test_what_cannot_be_asked_gets_a_sentence(inputs, sentence):
    async with serving() as server:
        run = await asked("llm.chat", server, config(server, model=""), **inputs)
    assert sentence in run.error.message
    assert (run.error.type, server.connections) == ("Refused", 0)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (says_json({"error": {"message": "no such model"}}), "stopped: no such model"),
        (says('{"error": "x"}', "404 Not Found"), "Is there a model 'river-1', and does the base URL"),
        (says("", "401 No"), "Name a credential in the setting credential"),
        (says("", "403 No"), "May the credential use the model 'river-1'?"),
        (says("<html>"), "localhost does not answer as OpenAI's service"),
        (says_json([1]), "does not answer as OpenAI's service"),
        (says_json({"a": 1}), "no part of an answer"),
        (streams(b"data: {\n\n"), "does not answer as OpenAI's service does"),
        (leads_to("http://localhost/v2"), "set the base URL to where it leads"),
    ],
)  # fmt: skip
async def test_what_the_service_says_instead_names_the_fix(answer, sentence):
    async with serving(**{ROUTE: answer}) as server:
        run = await asked("llm.chat", server, config(server), prompt="Why?")
    assert sentence in run.error.message


async def test_a_connection_that_breaks_off_is_tried_again_and_the_words_stay_shown():
    """Promise P6."""
    cut = streams(chunk("A river "))
    async with serving(**{ROUTE: in_turn(cut, streams(*WHOLE))}) as server:
        run = await asked("llm.chat", server, config(server), prompt="Why?")
    error = run.of("TaskRetrying").error
    assert error.type == "Unavailable"
    assert "broke off before the end of its answer. 8 characters had come" in error.message
    assert run.chunks[0] == "A river "
    assert run.outputs["text"] == "A river parts."


async def test_the_token_goes_to_the_service_and_is_told_to_nobody(caplog):
    """Engine 2.3, 6.6."""

    async def mirror(message, writer):
        token = message.headers["authorization"].removeprefix("Bearer ")
        await streams(chunk(token[:9]), chunk(token[9:], "stop"), DONE)(message, writer)

    async with serving(**{ROUTE: mirror}) as server:
        run = await asked("llm.chat", server, config(server, credential="rivers"), prompt="Why?")
    assert server.asked[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert run.outputs["text"] == "•••"
    assert TOKEN not in run.everything + caplog.text


async def test_a_token_that_is_not_taken_waits_for_its_renewal():
    """Engine 6.6."""
    async with serving(**{ROUTE: in_turn(says("", "401 No"), streams(*WHOLE))}) as server:
        run = asking("llm.chat", server, config(server, credential="rivers"), prompt="Why?")
        under_way = await run.begin()
        await run.until("TaskAwaiting")
        assert "renew it" in run.of("TaskAwaiting").detail["message"]
        run.executor.renew("ada")
        await asyncio.wait_for(under_way, 10)
    assert run.outputs["text"] == "A river parts."


def test_the_token_is_for_the_host_of_the_base_url():
    """Engine 6.6."""
    chat = Chat({"base_url": "https://API.example.org/v1", "credential": "rivers"})
    assert [(need.name, need.hosts) for need in chat.needs] == [("rivers", ("api.example.org",))]
    for url in ("", "ftp://example.org"):
        with pytest.raises(ValueFault, match="say in its setting base_url where it may go"):
            Chat({"credential": "rivers", "base_url": url})


async def test_a_cancel_ends_it_at_once():
    """Promise P8."""
    never = asyncio.Event()
    async with serving(**{ROUTE: streams(chunk("A river "), never)}) as server:
        run = asking("llm.chat", server, config(server), prompt="Why?")
        under_way = await run.begin()
        await run.until("ChunksStored")
        run.executor.cancel("ada")
        await asyncio.wait_for(under_way, 1)
        never.set()
    assert run.status is RunStatus.CANCELLED
