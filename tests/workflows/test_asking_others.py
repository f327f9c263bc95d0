"""A task asks another machine with the credential that its person keeps, as far as the database."""

import asyncio
import json

import pytest
from django.apps import apps

from runner.execution.background import BackgroundRunner
from runner.execution.host import Host
from runner.graph.registry import default_registry
from tests.loopback import says, serving
from tests.workflows.test_store import in_thread
from workflows.credentials import DatabaseCredentials
from workflows.models import Run
from workflows.models.credential import keep_credential
from workflows.owners import new_owner
from workflows.store import DatabaseStore

pytestmark = pytest.mark.django_db(transaction=True)

OLD, NEW = "tok_old_16C7e42F292c6912E77", "tok_new_10c838347Ae178B4a99"


def drawn(url):
    config = {"credential": "rivers", "host": "localhost"}
    task = {"id": "ask", "type": "http.request", "config": config, "inputs": {"url": url}}
    outputs = [{"name": "text", "from": "ask.text"}]
    return json.dumps({"v": 1, "name": "demo", "tasks": [task], "outputs": outputs})


async def strict(message, writer):
    """Take the new token only, and tell whoever asks what they sent."""
    sent = message.headers["authorization"]
    status = "200 OK" if sent == f"Bearer {NEW}" else "401 No"
    await says(f"you sent {sent}", status)(message, writer)


class Rung(asyncio.Queue):
    """What was committed."""

    async def until(self, status, run):
        """Wait for a status of a run."""
        async with asyncio.timeout(20):
            while (await in_thread(lambda: Run.objects.get(pk=run))).status != status:
                await self.get()


def everything():
    """Give all rows of all tables as text, but for what is sealed."""
    models = apps.get_app_config("workflows").get_models()
    return repr([list(model._default_manager.values()) for model in models])


@pytest.fixture
async def doing(tmp_path):
    """Give a function that starts a background runner which may reach a server."""
    kept, rung = [], Rung()

    def start(server):
        credentials, store = DatabaseCredentials(), DatabaseStore(tmp_path)
        host = Host(
            network=server.network(),
            credentials=credentials,
            on_commit=lambda *what: rung.put_nowait(what),
        )
        runner = BackgroundRunner(store, default_registry(), new_owner(), host=host)
        runner.start()
        kept.extend([runner.stop, store.close, credentials.close])
        return runner, rung

    yield start
    for end in kept:
        await end()


async def test_a_token_that_is_not_taken_waits_for_its_person_and_is_kept_nowhere(
    doing, workflow, alice, caplog
):
    """Engine 2.3, 6.6."""
    await in_thread(lambda: keep_credential(alice, "rivers", OLD, hosts=["localhost"]))
    async with serving(page=strict) as server:
        version = await in_thread(lambda: workflow.revise(drawn(f"{server.url}/page"), alice))
        run = (await in_thread(lambda: Run.objects.start(version, alice, {}))).pk
        runner, rung = doing(server)
        await rung.until("awaiting", run)
        await in_thread(lambda: keep_credential(alice, "rivers", NEW, hosts=["localhost"]))
        runner.wake()
        await rung.until("completed", run)
    sent = [each.headers["authorization"] for each in server.asked]
    assert sent == [f"Bearer {OLD}", f"Bearer {NEW}"]
    kept = await in_thread(everything)
    assert "you sent Bearer •••" in kept
    for token in (OLD, NEW):
        assert token not in kept + caplog.text
