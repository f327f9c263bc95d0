"""Whose authority a run has: needs that are missing, secrets that nothing may show."""

import asyncio
import dataclasses
import json
from typing import Any, ClassVar

import pytest

from runner.errors import ExpiredCredential
from runner.execution.deciding import settle_decision
from runner.execution.host import Host
from runner.execution.masking import MASK
from runner.execution.memory import MemoryStore
from runner.execution.secrets import MemoryCredentials
from runner.execution.slots import Slots
from runner.graph.needs import Need
from runner.graph.ports import Ports, Stream
from runner.graph.task import Effect, Task
from runner.run.status import RunStatus
from tests import virtual_time
from tests.drive import definition_of, kinds_of, outputs_of
from tests.process_tasks import Signed, SignedBlocking
from tests.tasks import registry_of_tests
from tests.under_way import begin, submit_and_begin
from tests.virtual_time import virtual

TEXT = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
HOST = "api.github.com"
BEGUN: list[str] = []


@pytest.fixture(autouse=True)
def nothing_began():
    BEGUN.clear()


class Uses(Task):
    """Uses a credential; gives its length."""

    name = "test.uses"
    effect: ClassVar[Effect] = "repeatable"
    needs = (Need("github", hosts=(HOST,)),)

    class Outputs(Ports):
        result: int
        whose: str

    async def execute(self, inputs, context):
        BEGUN.append(context.path)
        secret = await context.auth.secret("github")
        return {"result": len(secret.reveal(HOST)), "whose": context.auth.identity}


class Expires(Uses):
    """Finds by itself that its credential is not taken, until it is another one."""

    name = "test.expires"

    async def execute(self, inputs, context):
        BEGUN.append(context.path)
        secret = await context.auth.secret("github")
        if secret.reveal(HOST) == TEXT:
            raise ExpiredCredential("github")
        return {"result": 1, "whose": context.auth.identity}


class Greedy(Uses):
    """Asks for what it did not declare."""

    name = "test.greedy"

    async def execute(self, inputs, context):
        await context.auth.secret("bank")


class Chatty(Task):
    """Says its secret wherever something can be said."""

    name = "test.chatty"
    effect = "repeatable"
    needs = (Need("github", hosts=(HOST,)),)

    class Inputs(Ports):
        fails: bool = False

    class Outputs(Ports):
        text: str
        nested: dict
        letters: str
        items: list[str]

    @staticmethod
    def streaming():
        return {
            "letters": Stream(readiness="first-chunk", mode="append"),
            "items": Stream(readiness="first-chunk", mode="append"),
        }

    async def execute(self, inputs, context):
        secret = (await context.auth.secret("github")).reveal(HOST)
        context.progress(0.5, f"with {secret}")
        context.log.info("the key is %s", secret)
        await context.decide("key", lambda: {"key": secret})
        for start in range(0, len(secret), 3):
            await context.push_chunk("letters", secret[start : start + 3])
        await context.push_chunk("items", f"<{secret}>")
        await context.save_state({"key": secret})
        answer = await context.ask({"kind": "input", "title": f"Is it {secret}?"})
        if inputs.fails:
            raise ValueError(f"{secret} was refused")
        return {"text": f"a {secret} z", "nested": {secret: [answer, secret]}}


class Shows(Task):
    """Says a text it was given: other tasks of the run say no secret either."""

    name = "test.shows"
    effect = "none"

    class Inputs(Ports):
        text: str
        after: object = None

    class Outputs(Ports):
        text: str

    async def execute(self, inputs, context):
        return inputs.text


def registry_of_needs():
    registry = registry_of_tests()
    for each in (Uses, Expires, Greedy, Chatty, Complains, Shows, Signed, SignedBlocking):
        registry.register(each)
    return registry


def credentials_of(text=TEXT):
    return MemoryCredentials({} if text is None else {("ada", "github"): text})


async def started(definition, credentials, **more):
    host = Host(now=virtual_time.now, credentials=credentials, slots=more.pop("slots", Slots({})))
    return await submit_and_begin(
        definition, registry=registry_of_needs(), host=host, identity="ada", **more
    )


def one(kind, **inputs):
    outputs = {"n": "it.result", "whose": "it.whose"}
    return definition_of([{"id": "it", "type": kind, "inputs": inputs}], outputs=outputs)


# ── needs ────────────────────────────────────────────────────────────────────────────────────────


@virtual
async def test_a_task_has_the_authority_of_whoever_started_the_run():
    """Engine 6.6, 6.7."""
    run = await started(one("test.uses"), credentials_of())
    assert outputs_of(await run.end()) == {"n": len(TEXT), "whose": "ada"}


@virtual
@pytest.mark.parametrize("state", ["missing", "expired"])
async def test_a_credential_that_is_not_there_is_waited_for_before_the_body_begins(state):
    """Engine 6.6."""
    credentials = credentials_of(None if state == "missing" else TEXT)
    if state == "expired":
        credentials.expire("ada", "github")
    slots = Slots({"process": 1})
    run = await started(one("test.uses"), credentials, slots=slots)
    awaiting = await run.until_event("RunAwaiting")
    assert (awaiting.reason, BEGUN, slots.held("process")) == ("token", [], 0)
    assert run.events("TaskAwaiting")[0].detail["credential"] == "github"
    credentials.renew("ada", "github", TEXT)
    run.executor.renew("bob")
    kept = await run.end()

    assert outputs_of(kept) == {"n": len(TEXT), "whose": "ada"}
    assert run.events("TaskAnswered")[0].actor == "bob"
    assert BEGUN == ["it"]


@virtual
async def test_a_renewal_that_does_not_help_lets_the_task_wait_on():
    """Engine 6.6."""
    credentials = credentials_of(None)
    run = await started(one("test.uses"), credentials)
    await run.until_event("TaskAwaiting")
    run.executor.renew("bob")
    await run.until_event("TaskAwaiting", times=2)
    assert BEGUN == []
    credentials.renew("ada", "github", TEXT)
    run.executor.renew("bob")
    assert (await run.end()).status is RunStatus.COMPLETED


@virtual
async def test_a_body_that_finds_its_credential_expired_begins_again_with_a_new_one():
    """Engine 6.6, 5.5."""
    credentials = credentials_of()
    run = await started(one("test.expires"), credentials)
    awaiting = await run.until_event("TaskAwaiting")
    assert awaiting.reason == "token"
    credentials.renew("ada", "github", "another-secret")
    run.executor.renew("bob")
    kept = await run.end()

    assert outputs_of(kept)["n"] == 1
    assert BEGUN == ["it", "it"]
    assert [each.attempt for each in run.events("TaskStarted", "it")] == [1, 2]


@virtual
@pytest.mark.parametrize("end", ["kill", "stop"])
@pytest.mark.parametrize("kind", ["test.uses", "test.expires"])
async def test_what_waits_for_a_credential_goes_on_in_another_process(kind, end):
    """Engine 6.6, 7.1."""
    run = await started(one(kind), credentials_of(None if kind == "test.uses" else TEXT))
    await run.until_event("TaskAwaiting")
    await getattr(run, end)()
    host = Host(credentials=credentials_of("another-secret"))
    run = await begin(run.store, run.run, registry_of_needs(), host)
    assert (await run.end()).status is RunStatus.COMPLETED


@virtual
async def test_nobody_else_is_told_that_a_credential_came():
    """Engine 6.6."""
    run = await started(definition_of([{"id": "hang", "type": "test.hang"}]), credentials_of())
    await run.until_event("TaskStarted")
    run.executor.renew("bob")
    run.executor.cancel("ada")
    assert "TaskAnswered" not in kinds_of(await run.end())


@virtual
async def test_what_a_type_does_not_declare_it_does_not_get():
    """Engine 6.6."""
    credentials = MemoryCredentials({("ada", "github"): TEXT, ("ada", "bank"): "money-money"})
    run = await started(one("test.greedy"), credentials)
    kept = await run.end()

    assert kept.status is RunStatus.FAILED
    assert "did not declare" in run.events("RunFailed")[0].error.message


@virtual
async def test_who_waits_for_a_credential_can_be_cancelled():
    """Engine 6.6, 5.8."""
    for kind, text in (("test.uses", None), ("test.expires", TEXT)):
        run = await started(one(kind), credentials_of(text))
        await run.until_event("TaskAwaiting")
        run.executor.cancel("ada")
        assert (await run.end()).status is RunStatus.CANCELLED


@pytest.mark.parametrize("type_", [Signed, SignedBlocking])
async def test_a_body_in_a_process_gets_its_secret_and_shows_it_nowhere(type_):
    """Engine 8.2, 6.6."""
    definition = definition_of(
        [{"id": "it", "type": type_.name}],
        outputs={"text": "it.text", "whose": "it.identity", "elsewhere": "it.elsewhere"},
    )
    run = await started_really(definition)
    kept = await run.end()

    given = outputs_of(kept)
    assert given == {"text": TEXT[::-1], "whose": "ada", "elsewhere": False}
    assert TEXT not in everything(run.store)


async def started_really(definition):
    host = Host(credentials=credentials_of())
    return await submit_and_begin(
        definition, registry=registry_of_needs(), host=host, identity="ada"
    )


# ── masks ────────────────────────────────────────────────────────────────────────────────────────


def everything(store):
    """Give all that a store keeps, as one JSON text."""
    runs = [
        {
            "events": [each.event.to_json() for each in run.entries],
            "chunks": [dataclasses.asdict(each) for each in run.chunks],
            "checkpoints": [each.to_json() for each in run.checkpoints.values()],
            "problem": run.problem,
        }
        for run in store.runs.values()
    ]
    return json.dumps([runs, [dataclasses.asdict(each) for each in store.cache.values()]])


@virtual
@pytest.mark.parametrize("fails", [False, True])
async def test_nothing_that_is_kept_shows_a_secret(fails):
    """Engine 6.6, 2.3."""
    chatty = {"id": "chatty", "type": "test.chatty", "inputs": {"fails": fails}}
    tasks: list[dict[str, Any]] = [chatty, {"id": "shows", "type": "test.shows"}]
    definition = definition_of(
        tasks, [("chatty.letters", "shows.text")], outputs={"text": "shows.text"}
    )
    run = await started(definition, credentials_of())
    await run.until_event("TaskAwaiting")
    run.executor.answer("chatty", {"it": f"is {TEXT}"}, "ada")
    kept = await run.end()

    text = everything(run.store)
    assert TEXT not in text
    assert text.count(json.dumps(MASK)[1:-1]) > 5
    assert kept.status is (RunStatus.FAILED if fails else RunStatus.COMPLETED)


@virtual
async def test_no_chunks_put_together_show_a_secret():
    """Engine 6.6, 4.1."""
    definition = definition_of([{"id": "chatty", "type": "test.chatty"}])
    run = await started(definition, credentials_of())
    await run.until_event("TaskAwaiting")
    run.executor.answer("chatty", "yes", "ada")
    kept = await run.end()

    letters = [
        json.loads(item) for batch in kept.chunks if batch.port == "letters" for item in batch.items
    ]
    assert TEXT not in "".join(letters)
    assert MASK in "".join(letters)


@virtual
async def test_what_a_person_decides_is_masked_as_well():
    """Engine 6.6, 7.3."""

    class Once(Uses):
        """Begins, and does not end."""

        name = "test.once"
        effect = "once"

        async def execute(self, inputs, context):
            BEGUN.append((await context.auth.secret("github")).name)
            await asyncio.Event().wait()

    registry = registry_of_needs()
    registry.register(Once)
    task = {"id": "it", "type": "test.once", "policy": {"timeout": 2}}
    host = Host(credentials=credentials_of())
    for given in (
        {"action": "complete", "outputs": {"result": 1, "whose": TEXT}},
        {"action": "fail", "message": f"{TEXT} is wrong"},
    ):
        store = MemoryStore()
        run = await submit_and_begin(
            definition_of([task]), registry=registry, host=host, identity="ada", store=store
        )
        await run.until_event("RunAwaiting")
        settle_decision(run.executor, "it", "ada", given)
        await run.end()
        assert TEXT not in everything(store)


@virtual
async def test_the_lines_of_a_task_show_no_secret_in_the_process_log_either(caplog):
    """Engine 6.5, 6.6."""
    caplog.set_level("INFO")
    run = await started(definition_of([{"id": "chatty", "type": "test.chatty"}]), credentials_of())
    await run.until_event("TaskAwaiting")
    await run.kill()

    assert "the key is" in caplog.text
    assert TEXT not in caplog.text


class Complains(Chatty):
    """Logs an error that shows its secret."""

    name = "test.complains"

    class Outputs(Ports):
        result: int

    @staticmethod
    def streaming():
        return {}

    async def execute(self, inputs, context):
        secret = (await context.auth.secret("github")).reveal(HOST)
        try:
            int(secret)
        except ValueError:
            context.log.exception("it went wrong")
        return {"result": 1}


@virtual
async def test_a_traceback_that_a_task_logs_shows_no_secret(caplog):
    """Engine 6.5, 6.6."""
    run = await started(definition_of([{"id": "it", "type": "test.complains"}]), credentials_of())
    await run.end()

    assert "ValueError" in caplog.text
    assert TEXT not in caplog.text


@virtual
@pytest.mark.parametrize("kind", ["test.uses", "test.expires"])
async def test_a_credential_that_comes_as_the_run_is_cancelled_starts_nothing(kind):
    """Engine 5.8, 6.6."""
    run = await started(one(kind), credentials_of(TEXT if kind == "test.expires" else None))
    await run.until_event("TaskAwaiting")
    began = len(BEGUN)
    run.executor.cancel("ada")
    run.executor.renew("ada")

    assert (await run.end()).status is RunStatus.CANCELLED
    assert len(BEGUN) == began
