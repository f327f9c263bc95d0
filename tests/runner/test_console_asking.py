"""Asking: the questions of a run on a terminal, and what happens where there is none."""

import asyncio
import io
import json
import os
import pty
import subprocess
import sys
from contextlib import contextmanager
from typing import Any

import pytest

from runner.console import Renderer, main
from runner.console.asking import Asking, Terminal, answer_of
from runner.graph.definition import GraphDefinition
from runner.run import events as happened
from tests.drive import definition_of
from tests.runner.test_console import ROOT

pytestmark = pytest.mark.usefixtures("counted_children")

FIELDS = [
    {"name": "colour", "type": "str"},
    {"name": "size", "type": "int", "default": 3},
    {"name": "sure", "type": "bool"},
    {"name": "note", "type": "str", "required": False},
]
FORM = {"title": "Which one?", "help": "Any.", "kind": "input", "fields": FIELDS, "shown": {"a": 1}}
APPROVAL = {"title": "Release?", "kind": "approval", "shown": "\x1b[2Jv1.2"}
ASK = {"id": "ask", "type": "flow.ask", "config": {"title": "Release?"}}


class Screen(io.StringIO):
    """What a terminal shows; `shown` is set by the first of it."""

    def __init__(self):
        super().__init__()
        self.shown = asyncio.Event()

    def write(self, text):
        self.shown.set()
        return super().write(text)


@contextmanager
def typing(text):
    """Give a terminal on which this is typed, what it shows, and where more is typed."""
    read, write = os.pipe()
    os.write(write, text.encode())
    out = Screen()
    try:
        yield Terminal(read, out), out, write
    finally:
        os.close(read)


async def answered(text, question):
    """Give the answer that somebody types, and what they were shown."""
    with typing(text) as (terminal, out, write):
        os.close(write)
        return await answer_of(terminal, "ask", question), out.getvalue()


async def test_a_form_is_asked_field_by_field_until_each_fits():
    answer, shown = await answered("blue\nmany\n\nmaybe\ny\n\n", FORM)

    assert answer == {"colour": "blue", "sure": True}
    assert "Which one?\nAny.\n" in shown
    assert '{"a":1}' in shown
    assert "Size (a whole number, 3 if empty): " in shown
    assert "wants a whole number, not the text 'many'" in shown
    assert "Type y or n." in shown


async def test_what_a_field_gets_is_read_as_its_type():
    answer, _ = await answered("007\n7\nno\n12\n", FORM)

    assert answer == {"colour": "007", "size": 7, "sure": False, "note": "12"}


@pytest.mark.parametrize(
    ("typed", "answer"),
    [("yes\nfine\n", {"approved": True, "note": "fine"}), ("n\n\n", {"approved": False})],
)
async def test_an_approval_takes_yes_or_no_and_a_note(typed, answer):
    given, shown = await answered(typed, APPROVAL)

    assert given == answer
    assert "\x1b" not in shown


async def test_the_end_of_what_is_typed_is_no_answer():
    with pytest.raises(EOFError):
        await answered("", FORM)


# ── following a run ─────────────────────────────────────────────────────────────────────────────


class Heard:
    """What an Asking did; `answers` come as (path, answer)."""

    def __init__(self, terminal):
        self.said: list[str] = []
        self.answers: list[tuple[str, Any]] = []
        self.given_up = 0
        self.came = asyncio.Event()
        renderer = Renderer(GraphDefinition(), io.StringIO())
        self.asking = Asking(
            terminal,
            renderer,
            say=self.said.append,
            answer=self._answer,
            give_up=self._give_up,
            grace=0.0,
        )

    def _answer(self, path, value):
        self.answers.append((path, value))
        self.came.set()

    def _give_up(self):
        self.given_up += 1
        self.came.set()

    def tell(self, *events):
        for event in events:
            self.asking.take(event)


def awaiting(path, reason="approval", until=""):
    return happened.TaskAwaiting(path, 1, reason, APPROVAL, until)


async def test_one_question_is_asked_after_the_other():
    with typing("y\n\nn\n\n") as (terminal, _, write):
        heard = Heard(terminal)
        heard.tell(awaiting("a"), awaiting("b"), happened.RunAwaiting("approval"))
        while len(heard.answers) < 2:
            await asyncio.wait_for(heard.came.wait(), 5)
            heard.came.clear()
        os.close(write)

    assert heard.answers == [("a", {"approved": True}), ("b", {"approved": False})]
    assert heard.given_up == 0


async def test_a_question_that_is_over_is_taken_back_and_the_next_one_asked():
    with typing("") as (terminal, out, write):
        heard = Heard(terminal)
        heard.tell(awaiting("a"), awaiting("b"))
        await asyncio.wait_for(out.shown.wait(), 5)
        heard.tell(happened.TaskFailed("a", 1, happened.TaskError(type="E", message="late")))
        os.write(write, b"y\n\n")
        await asyncio.wait_for(heard.came.wait(), 5)
        os.close(write)

    assert heard.answers == [("b", {"approved": True})]
    assert out.getvalue().count("Release?") == 2


async def test_without_a_terminal_a_sentence_says_what_is_awaited_and_the_run_ends():
    heard = Heard(None)
    heard.tell(awaiting("a"), happened.RunAwaiting("approval"))
    await asyncio.wait_for(heard.came.wait(), 5)

    assert heard.said == [
        "a awaits an approval: Release? (a terminal could give it).",
        "Nobody here can give what the run awaits: an approval. It is cancelled.",
    ]
    assert heard.given_up == 1


@pytest.mark.parametrize(
    "events",
    [
        (awaiting("b", "time", "2026-01-02T03:04:05+00:00"), happened.RunAwaiting("token")),
        (awaiting("b", "approval", "2026-01-02T03:04:05+00:00"), happened.RunAwaiting("token")),
        (happened.RunAwaiting("token"), happened.RunWoke()),
        (happened.RunAwaiting("token"), happened.RunCompleted({})),
    ],
)
async def test_a_run_that_goes_on_by_itself_is_left_alone(events):
    heard = Heard(None)
    heard.tell(awaiting("a", "token"), *events)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(heard.came.wait(), 0.05)

    assert heard.given_up == 0


async def test_a_terminal_that_closes_ends_a_run_that_only_a_person_could_continue():
    with typing("") as (terminal, _, write):
        heard = Heard(terminal)
        heard.tell(awaiting("a"), happened.RunAwaiting("approval"))
        os.close(write)
        await asyncio.wait_for(heard.came.wait(), 5)

    assert (heard.given_up, heard.answers) == (1, [])


async def test_a_line_typed_as_its_question_is_taken_back_answers_the_next_one():
    with typing("") as (terminal, out, write):
        heard = Heard(terminal)
        heard.tell(awaiting("a"), awaiting("b"))
        await asyncio.wait_for(out.shown.wait(), 5)
        os.write(write, b"y\n\n")
        # The loop has seen that there is something to read, and has not yet told anybody.
        await asyncio.sleep(0)
        heard.tell(happened.TaskFailed("a", 1, happened.TaskError(type="E", message="late")))
        await asyncio.wait_for(heard.came.wait(), 5)
        os.close(write)

    assert heard.answers == [("b", {"approved": True})]


async def test_a_terminal_that_hangs_up_gives_no_answer():
    ours, theirs = pty.openpty()
    os.close(theirs)
    with pytest.raises(EOFError):
        await answer_of(Terminal(ours, Screen()), "ask", APPROVAL)
    os.close(ours)


async def test_no_question_outlives_its_run():
    with typing("") as (terminal, _, write):
        heard = Heard(terminal)
        heard.tell(awaiting("a"))
        heard.asking.stop()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.wait(left, timeout=5)
        os.close(write)

    assert all(each.done() for each in left)


# ── whole runs ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def graph(tmp_path):
    """A definition in a file that asks for an approval."""
    path = tmp_path / "graph.json"
    path.write_text(definition_of([ASK], outputs={"approved": "ask.approved"}))
    return path


def test_a_run_that_only_a_person_could_continue_is_cancelled_where_there_is_none(graph):
    command = [sys.executable, "-m", "runner", str(graph)]
    done = subprocess.run(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip

    assert done.returncode == 130
    assert "ask awaits an approval: Release? (a terminal could give it).\n" in done.stderr
    assert done.stdout.endswith("■ run cancelled\n")


def test_a_person_at_a_terminal_is_asked(graph):
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "runner", str(graph), "--json"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, text=True
    ) as process:
        os.close(theirs)
        shown = b""
        for prompt, typed in ((b"Approve? [y/n] ", b"y\n"), (b"Note (may be empty): ", b"fine\n")):
            while prompt not in shown:
                shown += os.read(ours, 65536)
            os.write(ours, typed)
        assert process.stdout is not None
        printed = process.stdout.read().splitlines()
    os.close(ours)

    assert process.returncode == 0
    assert json.loads(printed[-1])["outputs"] == {"approved": "true"}


def test_a_workflow_in_a_file_is_used_as_a_task(tmp_path, capsys):
    """Engine 6.8."""
    inner, outer = tmp_path / "inner.json", tmp_path / "outer.json"
    keywords = {"id": "k", "type": "text.keywords", "inputs": {"question": "open a file"}}
    inner.write_text(definition_of([keywords], outputs={"words": "k.keywords"}, name="inner"))
    sub = {"id": "sub", "type": "flow.subgraph", "config": {"workflow": "inner"}}
    outer.write_text(definition_of([sub], outputs={"words": "sub.words"}))

    assert main([str(outer)]) == 2
    assert "There is no workflow 'inner'" in capsys.readouterr().err
    assert main([str(outer), "--workflow", str(inner), "--json"]) == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert json.loads(last["outputs"]["words"]) == ["open", "file"]
