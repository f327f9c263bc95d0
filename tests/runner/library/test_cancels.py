"""Tasks of the library that are cancelled: while they work, and before what they need has come."""

import asyncio
import sys
import threading
from importlib.metadata import MetadataPathFinder

import pytest

from runner import GraphBuilder, TaskGraphRunner
from runner.execution.artifacts import MemoryArtifacts, RunArtifacts
from runner.execution.host import Host
from runner.graph.registry import default_registry
from runner.library.text import template
from runner.library.text.rendering import rendered
from tests.runner.library.flowing import cancelled, fed

SECONDS = 10


class Barrier:
    """Holds a body in its thread, and nothing else, until a test lets it go on."""

    def __init__(self):
        self._came, self._open = threading.Event(), threading.Event()

    def wait(self):
        if threading.current_thread() is threading.main_thread():
            return
        self._came.set()
        assert self._open.wait(SECONDS)

    async def until_it_came(self):
        assert await asyncio.to_thread(self._came.wait, SECONDS)

    def let_go(self):
        self._open.set()


@pytest.fixture
def barrier():
    found = Barrier()
    yield found
    found.let_go()


class SlowArtifacts(MemoryArtifacts):
    """Keeps files in memory, and lets nobody read or write one before the barrier opens."""

    def __init__(self, barrier):
        super().__init__()
        self._barrier = barrier

    def create(self, scope):
        self._barrier.wait()
        return super().create(scope)

    def open(self, scope, digest):
        self._barrier.wait()
        return super().open(scope, digest)


@pytest.fixture
def slow(barrier, monkeypatch):
    """Give a host on which files, packages and templates are slow, and a file that it names."""
    file = RunArtifacts(MemoryArtifacts(), "").save(b"A river parts.", "a.txt", "text/plain")
    fill = rendered

    class SlowPackages(MetadataPathFinder):
        @classmethod
        def find_distributions(cls, *_):
            barrier.wait()
            return ()

    def slowly(*given, **settings):
        barrier.wait()
        return fill(*given, **settings)

    monkeypatch.setattr(sys, "meta_path", [SlowPackages, *sys.meta_path])
    monkeypatch.setattr(template, "rendered", slowly)
    return Host(artifacts=SlowArtifacts(barrier), is_watched=lambda _run: True), file


def begun(name, config, inputs, host=None):
    """Start a run of one task of the library."""
    it = default_registry().get(name)(config)
    graph = GraphBuilder("cancelled")
    drawn = graph.add("it", it, **inputs)
    for port in it.outputs:
        graph.output(port, getattr(drawn, port))
    return TaskGraphRunner(host=host).start(graph.as_task())


async def kinds_of(run):
    """Name what happened to the task `it`."""
    return [each.kind async for each in run.events() if getattr(each, "path", "") == "it"]


PACKAGE = {"name": "pydantic", "round": 1}


@pytest.mark.parametrize(
    ("name", "config", "inputs"),
    [
        ("text.template", {"template": "A {{ thing }}"}, {"thing": "river"}),
        ("file.read", {}, {"file": ...}),
        ("file.read_text", {}, {"file": ...}),
        ("file.write", {}, {"value": 1}),
        ("file.write_text", {}, {"text": "words"}),
        ("file.verify_package", {}, {"package": PACKAGE}),
        ("environment.records", {}, {}),
        ("environment.packages", {}, {}),
        ("environment.license_file", {}, {"package": PACKAGE}),
    ],
)
async def test_what_a_body_finds_after_a_cancel_does_not_count(slow, barrier, name, config, inputs):
    """Engine 5.8."""
    host, file = slow
    given = {port: file if value is ... else value for port, value in inputs.items()}
    run = begun(name, config, given, host)
    await barrier.until_it_came()
    run.cancel()
    barrier.let_go()
    await cancelled(run)
    kinds = await kinds_of(run)
    assert kinds[-1] == "TaskCancelled"
    assert "TaskCompleted" not in kinds


async def test_an_expression_without_end_ends_with_a_cancel():
    """Engine 5.8."""
    run = begun("data.transform", {"expression": "[0 for x in range(10**9)]"}, {"value": 1})
    async for event in run.events():
        if event.kind == "TaskStarted":
            break
    await cancelled(run)
    assert "TaskFailed" not in await kinds_of(run)


@pytest.mark.parametrize(
    ("name", "config", "port", "output"),
    [
        ("text.template", {"template": "{{ rows }}"}, "rows", "text"),
        ("data.transform", {}, "value", "result"),
        ("debug.log", {}, "value", "value"),
        ("file.write", {}, "value", "file"),
        ("environment.summary", {}, "results", "summary"),
    ],
)
async def test_what_waits_for_its_value_never_begins_after_a_cancel(name, config, port, output):
    """Engine 5.8."""
    it = default_registry().get(name)(config)
    run = fed(it, port, [{"name": "a"}], output)
    async for event in run.events():
        if event.kind == "TaskStarted":
            break
    await cancelled(run)
    assert "TaskStarted" not in await kinds_of(run)
