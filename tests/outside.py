"""Runs one task of the library, which may reach a server of the test's own."""

import asyncio
from typing import Any

from runner.execution.artifacts import MemoryArtifacts
from runner.execution.host import Host
from runner.execution.memory import MemoryRun, MemoryStore
from runner.execution.secrets import MemoryCredentials
from runner.graph.registry import default_registry
from runner.graph.values import decode, encode
from runner.run.status import RunStatus
from tests.drive import definition_of, executor_of
from tests.loopback import Server

SECONDS = 20
TOKEN = "tok_16C7e42F292c6912E7710c838347Ae178B4a"


#: What else a host lends.
_LENT = ("network", "mailer", "artifacts", "places")


class Asking:
    """One run of one task by ada, who keeps the credential "rivers"; on its way, or over."""

    def __init__(self, type_name: str, config: dict[str, Any], **given: Any) -> None:
        """What is lent and `policy` are what they say; the rest are inputs."""
        own = {name: given.pop(name) for name in _LENT if name in given}
        policy = given.pop("policy", {})
        drawn = {"id": "it", "type": type_name, "config": config, "policy": policy}
        ports = default_registry().get(type_name)(config).outputs
        definition = definition_of(
            [drawn],
            [(f"$inputs.{name}", f"it.{name}") for name in given],
            inputs=[{"name": name, "type": "any"} for name in given],
            outputs={port: f"it.{port}" for port in ports},
        )
        self.credentials = MemoryCredentials({("ada", "rivers"): TOKEN})
        self.artifacts: MemoryArtifacts = own.setdefault("artifacts", MemoryArtifacts())
        self.host = Host(
            credentials=self.credentials,
            chance=lambda: 0.0,
            is_watched=lambda _run: True,
            on_commit=self._hear,
            **own,
        )
        self._store = MemoryStore()
        self._run = self._store.submit(definition, encode(given), identity="ada")
        self._heard = asyncio.Event()

    @property
    def kept(self) -> MemoryRun:
        """What was kept of the run."""
        return self._store.runs[self._run]

    async def begin(self) -> asyncio.Task[None]:
        """Start the run."""
        (stored,) = await self._store.claim("test", 1)
        self.executor = executor_of(self._store, stored, default_registry(), self.host)
        return asyncio.create_task(self.executor.run())

    async def end(self) -> "Asking":
        """Run it to its end."""
        await asyncio.wait_for(await self.begin(), SECONDS)
        self.executor.state.check()
        return self

    async def until(self, kind: str) -> None:
        """Wait for an event of a kind."""
        async with asyncio.timeout(SECONDS):
            while kind not in self.kinds:
                self._heard.clear()
                await self._heard.wait()

    def _hear(self, _run: str, _seq: int) -> None:
        self._heard.set()

    # ── what it gave ─────────────────────────────────────────────────────────────────────────

    @property
    def status(self) -> RunStatus:
        return self.kept.status

    @property
    def kinds(self) -> list[str]:
        return [each.event.kind for each in self.kept.entries]

    def of(self, kind: str) -> Any:
        """Give the last event of a kind."""
        return [each.event for each in self.kept.entries if each.event.kind == kind][-1]

    @property
    def outputs(self) -> dict[str, Any]:
        return {port: decode(text) for port, text in self.of("RunCompleted").outputs.items()}

    @property
    def error(self) -> Any:
        return self.of("TaskFailed").error

    @property
    def chunks(self) -> list[Any]:
        """All chunks of all attempts, in order."""
        return [decode(text) for batch in self.kept.chunks for text in batch.items]

    def content(self, file: Any) -> bytes:
        """Read a file that the run saved."""
        return self.artifacts.open(self.kept.scope, file.digest).read()

    @property
    def everything(self) -> str:
        """All that was kept of the run, as text."""
        return repr((self.kept.entries, self.kept.chunks, self.kept.checkpoints))


async def asked(type_name: str, server: Server, config: Any = None, **rest: Any) -> Asking:
    """Run a task to its end; it may reach the server as `localhost`."""
    return await asking(type_name, server, config, **rest).end()


def asking(type_name: str, server: Server, config: Any = None, **rest: Any) -> Asking:
    """Give a run of a task that may reach the server."""
    return Asking(type_name, config or {}, network=rest.pop("network", server.network()), **rest)
