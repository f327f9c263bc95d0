"""Bodies in processes of their own: the same words as anywhere, and they can be killed."""

import asyncio
import contextlib
import os
import select
import socket
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest

from runner.errors import MissingCredential, ProcessDied, RunnerError, StreamFailed, ValueFault
from runner.execution.context import TaskContext
from runner.execution.masking import Masker
from runner.execution.places import Places
from runner.execution.process_context import Line
from runner.execution.process_messages import BodyFailed
from runner.execution.process_place import ProcessPlace
from runner.execution.secrets import Auth, MemoryCredentials
from runner.execution.stream import Stream, kept_stream
from runner.graph.ports import Port
from runner.graph.task import task
from tests import process_tasks as tasks
from tests.drive import definition_of, drive, outputs_of
from tests.tasks import registry_of_tests

pytestmark = pytest.mark.usefixtures("counted_children")

SECONDS = 30
TEXT = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
OUT = Port(name="numbers", type=list[int], readiness="first-chunk", mode="append")
INTO = Port(name="numbers", type=int, reads_stream=True)


class Desk:
    """Keeps what a body says."""

    def __init__(self, kind):
        self.ports = kind(None).outputs
        self.streams: dict[str, Stream] = {}
        self.lines: list[tuple[str, str]] = []
        self.fractions: list[tuple[float, str]] = []
        self.read = 0
        self.lags: list[int] = []
        self.begun = asyncio.Event()
        self.full = asyncio.Event()

    def open_stream(self, path, port):
        if port not in self.ports or not self.ports[port].streams:
            raise RunnerError(f"{path} cannot push chunks to {port}.")
        return self.streams.setdefault(port, Stream(path, self.ports[port], 1))

    def take(self, stream, chunk):
        stream.append(stream.write(chunk))
        self.lags.append(len(stream.chunks) - self.read)
        self.begun.set()
        if len(stream.chunks) >= 64:
            self.full.set()
        return True

    async def throttle(self, stream):
        await stream.throttle()

    def close_stream(self, stream):
        stream.close()

    def progressed(self, path, attempt, fraction, message):
        self.fractions.append((fraction, message))
        self.begun.set()

    def mask(self, text):
        return text

    def logged(self, path, attempt, level, message):
        self.lines.append((level, message))


class Body:
    """A body of a type that runs in a process, and what it says."""

    def __init__(self, kind, inputs=None, config=None, *, grace=SECONDS, **attributes):
        self.desk = Desk(kind)
        desk: Any = self.desk
        said = {
            name: staticmethod(each) if callable(each) else each
            for name, each in ({"saved_state": None} | attributes).items()
        }
        context = type("Context", (TaskContext,), said)(desk, "run-1", "one", 1)
        self.context: Any = context
        running = ProcessPlace(grace=grace).run(kind(config), inputs or {}, context)
        self.running = asyncio.create_task(running)

    async def returned(self):
        return await asyncio.wait_for(self.running, SECONDS)

    async def begun(self):
        await asyncio.wait_for(self.desk.begun.wait(), SECONDS)
        return [int(each) for each in self.desk.fractions[0][1].split()]

    async def cancel(self):
        self.running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.returned()


def has_ended(pid):
    """Wait until a process is over."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([watched], [], [], SECONDS)[0])
    finally:
        os.close(watched)


async def test_a_body_runs_in_a_process_of_its_own():
    """Engine 8.2."""
    returned = await Body(tasks.Where).returned()

    assert returned["pid"] != os.getpid()
    assert has_ended(returned["pid"])


async def test_values_settings_and_models_travel_both_ways():
    """Engine 2.2, 2.3."""
    inputs = {"rows": [tasks.Row(name="abc")], "raw": b"\0\xff"}

    returned = await Body(tasks.Sized, inputs, {"factor": 2}).returned()

    expected = {"rows": [tasks.Row(name="abc", size=6)], "raw": b"\xff\0", "factor": 2}
    assert returned == expected


@pytest.mark.parametrize(
    ("kind", "number", "value"),
    [(tasks.apart, 1, 2), (tasks.apart, 13, None), (tasks.by_port, 1, {"number": 1})],
)
async def test_a_function_gives_back_its_bare_value(kind, number, value):
    """Engine 2.1."""
    returned = await Body(kind, {"number": number}).returned()

    assert kind(None).collect(returned) == {"result": value}


@pytest.mark.parametrize("kind", [tasks.Doubled, tasks.DoubledBlocking])
async def test_chunks_travel_both_ways_while_the_body_runs(kind):
    """Engine 4.1, 4.3."""
    source = Stream("emit", OUT, 1)
    body = Body(kind, {"numbers": source.reader(INTO, elastic=True)})
    for number in range(100):
        source.append(str(number))
        if number == 0:
            await asyncio.wait_for(body.desk.begun.wait(), SECONDS)
    source.close()

    assert await body.returned() == {"count": 100}
    assert body.desk.streams["numbers"].chunks == [str(2 * number) for number in range(100)]
    assert body.desk.streams["numbers"].closed
    assert body.desk.fractions == [(0.5, "half")]


async def test_a_body_waits_while_its_reader_lags():
    """Engine 4.5."""
    chunks = [str(number) for number in range(500)]
    source = kept_stream("emit", OUT, 1, chunks).reader(INTO, elastic=True)
    body = Body(tasks.Doubled, {"numbers": source})
    slow = body.desk.open_stream("one", "numbers").reader(INTO, elastic=False)
    await asyncio.wait_for(body.desk.full.wait(), SECONDS)
    async for number in slow:
        body.desk.read += 1
        assert number == 2 * (body.desk.read - 1)

    assert await body.returned() == {"count": 500}
    assert 64 <= max(body.desk.lags) <= 2 * 64


async def test_a_whole_stream_may_be_taken_at_its_end():
    """Engine 4.3."""
    reader = kept_stream("emit", OUT, 1, ["1", "2", "3"]).reader(INTO, elastic=True)

    assert await Body(tasks.TotalApart, {"numbers": reader}).returned() == {"result": 6}


async def test_a_broken_stream_breaks_the_body():
    """Engine 4.7."""
    source = Stream("emit", OUT, 1)
    body = Body(tasks.Doubled, {"numbers": source.reader(INTO, elastic=True)})
    source.append("1")
    await asyncio.wait_for(body.desk.begun.wait(), SECONDS)
    source.fail()

    with pytest.raises(StreamFailed, match="The stream of port numbers of emit broke off"):
        await body.returned()


async def test_a_failure_comes_back_with_its_type_message_and_trace():
    """Engine 6.4."""
    body = Body(tasks.Failing, {"way": "value"})

    with pytest.raises(BodyFailed, match="invalid literal for int") as failed:
        await body.returned()
    assert type(failed.value).__name__ == "ValueError"
    assert failed.value.trace in "".join(traceback.format_exception_only(failed.value))
    assert 'int("no number")' in failed.value.trace
    assert "runner/execution" not in failed.value.trace
    assert body.desk.lines == [("WARNING", "about to fail: value")]


@pytest.mark.parametrize(
    ("way", "kind", "said"),
    [
        ("leave", ProcessDied, r"The process of Failing ended without a result \(exit code 3\)"),
        ("abort", ProcessDied, r"ended without a result \(killed by SIGABRT\)"),
        ("exit", BodyFailed, "enough"),
        ("nonsense", RunnerError, "The process of a task said something that is no message"),
        ("too much", RunnerError, "A value of more than 80 MiB cannot go to or from the process"),
        ("port", ValueFault, "Failing returned a value for 'nowhere'"),
        ("unread", RunnerError, "one cannot push chunks to result"),
        ("cancel", RunnerError, "The task's body was cancelled from inside"),
    ],
)
async def test_however_a_body_ends_it_becomes_a_sentence(way, kind, said):
    """Engine 6.4, 8.2."""
    with pytest.raises(kind, match=said):
        await Body(tasks.Failing, {"way": way}).returned()


def test_whoever_asks_a_parent_that_has_cancelled_waits_for_no_answer():
    here, there = socket.socketpair()
    with there:
        line = Line(here.detach())
        before = line.ask("push_chunk", port="out", chunk="1")
        line.give_up()
        after = line.ask("push_chunk", port="out", chunk="2")
        assert (before.cancelled(), after.cancelled()) == (True, True)
        line._incoming.close()
        line._socket.close()


async def test_a_body_takes_no_more_memory_than_its_task_may():
    """Engine 8.2."""
    assert await Body(tasks.hungry, {"mebibytes": 64}).returned() == 64 << 20
    with pytest.raises(
        RunnerError, match=r"Hungry needs more than 256 MiB of memory; give it less"
    ):
        await Body(tasks.hungry, {"mebibytes": 512}).returned()


async def test_a_blocked_body_is_killed_on_cancel_with_all_that_it_started():
    """Engine 5.8, 8.2."""
    body = Body(tasks.Stuck, grace=0.5)
    pids = await body.begun()

    await body.cancel()

    assert len(pids) == 2
    assert all(map(has_ended, pids))


@pytest.mark.parametrize(("kind", "words"), [(tasks.Tidy, "tidied up"), (tasks.Polite, "stopped")])
async def test_a_cancelled_body_may_tidy_up_first(kind, words, tmp_path):
    """Engine 5.8."""
    body = Body(kind, {"mark": str(tmp_path / "mark")})
    (pid,) = await body.begun()

    await body.cancel()

    assert has_ended(pid)
    assert (tmp_path / "mark").read_text() == words


def test_a_child_ends_when_its_parent_is_killed():
    """Engine 8.2."""
    code = (
        "import asyncio; from tests.runner import test_process_place as t\n"
        "from runner.execution import process_place; from tests import measured\n"
        "process_place.ENVIRONMENT = measured.ENVIRONMENT\n"
        "async def main():\n"
        "    body = t.Body(t.tasks.Stuck)\n"
        "    print(*await body.begun(), flush=True)\n"
        "    await body.returned()\n"
        "asyncio.run(main())"
    )
    root = Path(__file__).parents[2]
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=root)
    with parent:
        assert parent.stdout is not None
        child, sleeper = map(int, parent.stdout.readline().split())
        parent.kill()

    assert has_ended(child)
    os.kill(sleeper, 9)


@pytest.mark.parametrize("kind", [tasks.Signed, tasks.SignedBlocking])
async def test_a_secret_comes_by_a_request_and_is_nowhere_else(kind):
    """Engine 6.6, 8.2."""
    masker = Masker()
    auth = Auth("alice", kind.needs, MemoryCredentials({("alice", "github"): TEXT}), masker)

    returned = await Body(kind, auth=auth).returned()

    assert returned == {"text": TEXT[::-1], "identity": "alice", "elsewhere": False}
    assert TEXT not in masker.mask(TEXT)


async def test_a_missing_credential_is_known_by_its_name_here_too():
    """Engine 6.6."""
    auth = Auth("alice", tasks.Signed.needs, MemoryCredentials(), Masker())

    with pytest.raises(MissingCredential, match="'github' is missing") as missing:
        await Body(tasks.Signed, auth=auth).returned()
    assert missing.value.name == "github"


async def test_a_child_knows_nothing_of_the_environment(monkeypatch):
    """Engine 8.2."""
    monkeypatch.setenv("ANABRANCH_KEY", TEXT)

    returned = await Body(tasks.Where).returned()

    assert not any(TEXT in each for each in (*returned["environment"], *returned["arguments"]))


@pytest.mark.parametrize("kind", [tasks.Counting, tasks.CountingBlocking])
@pytest.mark.parametrize("is_awaited", [True, False])
async def test_saved_state_travels_both_ways(kind, is_awaited):
    """Engine 7.4."""
    said: list[Any] = []

    async def save_state(value):
        said.append(value)

    async def resume_later(port):
        said.append(port)

    resume = resume_later if is_awaited else said.append
    body = Body(kind, saved_state=4, save_state=save_state, resume_stream=resume)

    assert await body.returned() == {"result": 5}
    assert said == ["numbers", 5]
    assert body.desk.streams["numbers"].chunks == ["5"]


async def test_what_a_body_prints_disturbs_nothing():
    """Engine 8.2."""
    assert await Body(tasks.Loud).returned() == {"result": ""}


async def test_a_type_that_cannot_be_imported_is_refused():
    """Engine 8.2."""

    @task(name="test.local")
    def local() -> int:
        return 1

    with pytest.raises(RunnerError, match="Local cannot run in a process of its own: its type"):
        await Body(local).returned()


async def test_no_more_processes_than_allowed_work_at_once():
    """Engine 8.2."""
    place = ProcessPlace(1)
    desk: Any = Desk(tasks.Where)
    running = [place.run(tasks.Where(None), {}, TaskContext(desk, "r", "p", 1)) for _ in range(2)]

    first, second = await asyncio.wait_for(asyncio.gather(*running), SECONDS)

    assert first["pid"] != second["pid"]


async def test_a_task_type_names_its_place():
    """Engine 8.2."""
    desk: Any = Desk(tasks.Where)

    found = await Places().run(tasks.Where(None), {}, TaskContext(desk, "run-1", "one", 1))

    assert found["pid"] != os.getpid()


async def test_a_run_streams_through_a_process():
    """Engine 4.6, 8.2."""
    registry = registry_of_tests()
    for kind in (tasks.Doubled, tasks.TotalApart):
        registry.register(kind)
    definition = definition_of(
        [
            {"id": "emit", "type": "test.emit", "inputs": {"count": 5}},
            {"id": "double", "type": "test.doubled-apart"},
            {"id": "total", "type": "test.total-apart"},
        ],
        [("emit.numbers", "double.numbers"), ("double.numbers", "total.numbers")],
        outputs={"total": "total.result", "count": "double.count"},
    )

    run = await drive(definition, registry=registry)

    assert outputs_of(run) == {"total": 20, "count": 5}


async def test_a_run_says_which_line_of_a_body_in_a_process_failed():
    """Engine 6.4, 8.2."""
    registry = registry_of_tests()
    registry.register(tasks.Failing)
    failing = {"id": "it", "type": tasks.Failing.name, "inputs": {"way": "value"}}
    run = await drive(definition_of([failing]), registry=registry)

    last: Any = run.entries[-1].event
    assert (last.kind, last.error.type) == ("RunFailed", "ValueError")
    assert 'int("no number")' in last.error.trace


async def test_an_answer_that_nobody_waits_for_any_more_disturbs_nothing():
    """Engine 8.2."""
    second, answered = asyncio.Event(), asyncio.Event()

    async def save_state(value):
        if value == "first":
            await second.wait()
            answered.set()
        else:
            second.set()
            await answered.wait()

    assert await Body(tasks.Impatient, save_state=save_state).returned() == {"result": 1}


async def test_what_a_dead_child_had_asked_for_is_given_up():
    """Engine 8.2."""
    ends: list[str] = []

    async def save_state(value):
        try:
            await asyncio.Event().wait()
        finally:
            ends.append(value)

    with pytest.raises(ProcessDied, match="exit code 3"):
        await Body(tasks.Leaving, save_state=save_state).returned()
    await asyncio.sleep(0)
    assert ends == ["asked"]
