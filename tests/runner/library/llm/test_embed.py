"""text.embed against a server on this machine, and offline."""

import asyncio
import json
import sys
from importlib.util import find_spec

import pytest

from runner.library.llm import embed
from runner.library.llm.embed import MISSING, OFFLINE
from runner.run.status import RunStatus
from tests.loopback import head, says, says_json, serving
from tests.outside import TOKEN, asked, asking

ROUTE = "v1/embeddings"
TEXTS = ["a", "bb", "ccc"]


def config(server, **more):
    return {"base_url": f"{server.url}/v1", "model": "river-1", **more}


async def lengths(message, writer):
    """Embed each text as its length, in the wrong order."""
    texts = json.loads(message.body)["input"]
    found = [{"index": at, "embedding": [len(text), 0.5]} for at, text in enumerate(texts)]
    await says_json({"data": found[::-1]})(message, writer)


async def test_vectors_are_in_the_order_of_the_texts():
    async with serving(**{ROUTE: lengths}) as server:
        run = await asked("text.embed", server, config(server, batch=2), texts=TEXTS)
    assert run.outputs["vectors"] == [[1.0, 0.5], [2.0, 0.5], [3.0, 0.5]]
    assert [len(json.loads(each.body)["input"]) for each in server.asked] == [2, 1]
    assert (run.outputs["model"], run.outputs["note"]) == ("river-1", "")


async def test_the_first_batch_is_there_before_the_last():
    """Engine 4.1."""
    go_on = asyncio.Event()

    async def slow(message, writer):
        if len(server.asked) > 1:
            await go_on.wait()
        await lengths(message, writer)

    async with serving(**{ROUTE: slow}) as server:
        run = asking("text.embed", server, config(server, batch=2), texts=TEXTS)
        under_way = await run.begin()
        await run.until("ChunksStored")
        assert len(run.chunks) >= 1
        assert run.status is RunStatus.RUNNING
        go_on.set()
        await under_way
    assert len(run.outputs["vectors"]) == 3


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (says_json({"data": [{"index": 0, "embedding": [1]}]}), "gives 1 vectors for 3 texts"),
        (says_json({"data": "x"}), "gives 0 vectors for 3 texts"),
        (says_json({"data": [1, {"embedding": 2}, {"embedding": [3]}]}), "gives 1 vectors for 3"),
        (says("no", "404 No"), "Is there a model 'river-1'"),
    ],
)
async def test_an_answer_that_is_none_gets_a_sentence(answer, sentence):
    async with serving(**{ROUTE: answer}) as server:
        run = await asked("text.embed", server, config(server), texts=TEXTS)
    assert sentence in run.error.message


async def test_the_token_is_told_to_nobody(caplog):
    """Engine 2.3."""
    async with serving(**{ROUTE: says(f"not {TOKEN}", "400 No")}) as server:
        run = await asked("text.embed", server, config(server, credential="rivers"), texts=TEXTS)
    assert server.asked[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in run.everything + caplog.text


async def test_a_cancel_ends_it_at_once():
    """Promise P8."""
    came, never = asyncio.Event(), asyncio.Event()

    async def hold(_message, writer):
        writer.write(head())
        came.set()
        await never.wait()

    async with serving(**{ROUTE: hold}) as server:
        run = asking("text.embed", server, config(server), texts=TEXTS)
        under_way = await run.begin()
        await came.wait()
        run.executor.cancel("ada")
        await asyncio.wait_for(under_way, 1)
        never.set()
    assert run.status is RunStatus.CANCELLED


@pytest.mark.skipif(find_spec("wordllama") is not None, reason="wordllama is installed")
async def test_without_a_service_and_a_package_it_is_left_out_with_one_sentence():
    async with serving() as server:
        run = await asked("text.embed", server, texts=TEXTS)
    assert run.outputs == {"vectors": [], "model": "", "note": MISSING}
    assert run.of("TaskLogged").message == MISSING


PACKAGE = """
from pathlib import Path

class WordLlama:
    def embed(self, texts):
        return [(len(text), 0.5) for text in texts]

    @classmethod
    def load(cls, *, cache_dir, disable_download):
        assert cache_dir == Path(__file__).parent
        assert disable_download
        return cls()
"""


async def test_the_package_is_asked_for_its_own_weights_and_never_for_a_download(
    tmp_path, monkeypatch
):
    """Of a stand-in, as the package is rarely installed."""
    (tmp_path / "wordllama.py").write_text(PACKAGE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "wordllama", None)
    del sys.modules["wordllama"]
    embed._model.cache_clear()
    async with serving() as server:
        run = await asked("text.embed", server, {"batch": 2}, texts=TEXTS)
    embed._model.cache_clear()
    del sys.modules["wordllama"]
    assert run.outputs["vectors"] == [[1.0, 0.5], [2.0, 0.5], [3.0, 0.5]]
    assert run.outputs["model"] == OFFLINE


async def test_offline_near_meanings_have_near_vectors():
    pytest.importorskip("wordllama", reason="install wordllama to make vectors offline")
    async with serving() as server:
        run = await asked(
            "text.embed", server, texts=["a river", "a stream of water", "the tax office"]
        )
    river, stream, tax = run.outputs["vectors"]
    nearness = [sum(a * b for a, b in zip(river, other, strict=True)) for other in (stream, tax)]
    assert run.outputs["model"] == OFFLINE
    assert (len(river), nearness[0] > nearness[1]) == (256, True)
