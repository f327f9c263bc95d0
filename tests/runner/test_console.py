"""The console: what it refuses, how it ends, and what a terminal gets."""

import asyncio
import hashlib
import json
import os
import pty
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from runner import console
from runner.console import exit_code_of, main, read_inputs
from runner.errors import InputsError
from runner.graph.definition import GraphDefinition
from tests.drive import definition_of
from tests.smtp_sink import taking_mail

pytestmark = pytest.mark.usefixtures("counted_children")

ROOT = Path(__file__).resolve().parents[2]
QUOTE = {"id": "answer", "type": "text.answer", "config": {"pace": 0}, "inputs": {"hits": []}}
FLOWS = [("$inputs.question", "answer.question")]
QUESTION = {"name": "question", "type": "str"}
ROUNDS = {"name": "rounds", "type": "int", "default": 1}
VERIFY = ROOT / "runner/library/demos/verify-this-installation.json"


@pytest.fixture
def graph(tmp_path):
    """A definition in a file: a question that gets an answer."""
    path = tmp_path / "graph.json"
    text = definition_of([QUOTE], FLOWS, inputs=[QUESTION, ROUNDS], outputs={"text": "answer.text"})
    path.write_text(text, encoding="utf-8")
    return path


def run_console(*arguments, **options):
    """Run `python -m runner` in a process of its own."""
    command = [sys.executable, "-m", "runner", *map(str, arguments)]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False, **options
    )


# ── exit codes, in a process of its own ─────────────────────────────────────────────────────────


def test_a_completed_run_leaves_with_0_and_its_outputs(graph):
    done = run_console(graph, "--input", "question=why?")

    assert done.returncode == 0
    assert "✓ run completed" in done.stdout
    assert done.stdout.endswith("\ntext:\nThe texts say nothing about this.\n")


def test_a_failed_run_leaves_with_1_and_its_reason(tmp_path):
    path = tmp_path / "graph.json"
    package = {"package": {"name": "no-such-package-here"}}
    path.write_text(definition_of([{"id": "it", "type": "file.verify_package", "inputs": package}]))
    done = run_console(path)

    assert done.returncode == 1
    assert "✗ it failed: There is no package 'no-such-package-here'" in done.stdout


def test_ctrl_c_cancels_the_run_and_leaves_with_130():
    command = [sys.executable, "-m", "runner", str(VERIFY), "--input", "rounds=500"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "✓ verify[" in line:
                break
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()

    assert process.returncode == 130
    assert rest.endswith("■ run cancelled\n")


#: A console whose second Ctrl+C counts at once, with a task that ignores the first.
DEAF = """
import asyncio, sys
from runner.console import command
from runner.graph.registry import TaskRegistry
from runner.graph.task import task

@task(name="test.deaf", effect="none")
async def deaf() -> int:
    print("begun", file=sys.stderr, flush=True)
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await asyncio.sleep(0.1)
        print("told", file=sys.stderr, flush=True)
    await asyncio.Event().wait()

registry = TaskRegistry()
registry.register(deaf)
command.default_registry = lambda: registry
command.SECOND_SIGNAL_SECONDS = 0
sys.exit(command.main(sys.argv[1:]))
"""


def test_a_second_ctrl_c_ends_what_does_not_hear_the_first(tmp_path):
    path = tmp_path / "graph.json"
    path.write_text(definition_of([{"id": "deaf", "type": "test.deaf"}]))
    command = [sys.executable, "-c", DEAF, str(path), "--json"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        heard = []
        for _ in range(2):
            heard.append(process.stderr.readline())
            process.send_signal(signal.SIGINT)
        said = process.stdout.read()
        heard += process.stderr

    assert (process.returncode, heard[:2]) == (130, ["begun\n", "told\n"])
    assert heard[2:] == ["Ended at once; what was still running was not waited for.\n"]
    assert "RunCancelling" in said
    assert "RunCancelled" not in said


#: A console to which Ctrl+C comes before it has begun to listen for it.
EARLY = """
import signal, sys
from runner.console import command

# As in a terminal: what is begun in the background of a shell does not hear Ctrl+C.
signal.signal(signal.SIGINT, signal.default_int_handler)

class Store(command.MemoryStore):
    def take(self, run, owner):
        signal.raise_signal(signal.SIGINT)
        return super().take(run, owner)

command.MemoryStore = Store
sys.exit(command.main(sys.argv[1:]))
"""


def test_a_ctrl_c_before_the_run_has_begun_leaves_with_130_and_no_trace(graph):
    command = [sys.executable, "-c", EARLY, str(graph), "--input", "question=why?"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (130, "")
    assert "completed" not in done.stdout


def test_the_runner_needs_no_django(graph):
    program = "import sys; sys.modules['django'] = None; import runner.__main__, runner.console"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def test_usage_is_explained_by_argparse():
    done = run_console()

    assert done.returncode == 2
    assert "usage: python -m runner" in done.stderr


async def test_a_run_in_a_terminal_sends_its_mail_by_the_server_of_the_operator(tmp_path):
    path = tmp_path / "graph.json"
    mail = {"to": ["ada@example.org"], "subject": "It rose", "text": "3.2 m"}
    path.write_text(definition_of([{"id": "say", "type": "email.send", "inputs": mail}]))
    async with taking_mail() as sink:
        servers = {
            "ANABRANCH_EMAIL_URL": f"smtp://127.0.0.1:{sink.port}",
            "ANABRANCH_EMAIL_FROM": "flows@example.org",
        }
        done = await asyncio.to_thread(run_console, path, env=os.environ | servers)
    (message,) = sink.messages
    assert (done.returncode, message["Subject"]) == (0, "It rose")


# ── what is refused ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("pairs", "sentence"),
    [
        ([], "question"),
        (["question=x", "rounds=many"], "wants a whole number, not the text 'many'"),
        (["question=x", "rounds=1.5"], "wants a whole number"),
        (["question=x", "colour=red"], "colour"),
        (["question"], "Write --input name=value, not 'question'."),
        (["question=x", "rounds=NaN"], "cannot be kept"),
    ],
)
def test_inputs_that_do_not_fit_get_one_sentence(graph, capsys, pairs, sentence):
    code = main([str(graph), *(part for pair in pairs for part in ("--input", pair))])
    said = capsys.readouterr()

    assert code == 2
    assert said.out == ""
    assert sentence in said.err
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "The definition is not JSON"),
        ("[]", "has to be an object"),
        ("{}", "version"),
        (definition_of([{"id": "a", "type": "text.anwser"}]), "Did you mean 'text.answer'?"),
    ],
)
def test_a_broken_definition_gets_one_sentence(tmp_path, capsys, text, sentence):
    path = tmp_path / "graph.json"
    path.write_text(text)

    assert main([str(path)]) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("name", ["nowhere.json", ".", "a\0b"])
def test_an_unreadable_file_gets_one_sentence(tmp_path, capsys, name):
    assert main([str(tmp_path / name)]) == 2
    assert "cannot be read: " in capsys.readouterr().err


def no_file(path):
    """Stand where no file is asked for."""
    raise AssertionError(path)


@pytest.fixture
def copying(tmp_path):
    """A definition in a file: a file that is read and written again."""
    path = tmp_path / "graph.json"
    tasks = [{"id": "r", "type": "file.read_text"}, {"id": "w", "type": "file.write_text"}]
    flows = [("$inputs.file", "r.file"), ("r.text", "w.text")]
    inputs = [{"name": "file", "type": "artifact"}]
    path.write_text(definition_of(tasks, flows, inputs=inputs, outputs={"copy": "w.file"}))
    return path


def test_a_file_is_named_by_its_path(copying, tmp_path, capsys):
    """Engine 2.2."""
    (tmp_path / "rivers.txt").write_text("rivers")
    files = tmp_path / "files"
    given = ["--input", f"file={tmp_path / 'rivers.txt'}", "--files", str(files)]
    assert main([str(copying), *given]) == 0
    digest = hashlib.sha256(b"rivers").hexdigest()
    assert digest[:12] in capsys.readouterr().out
    assert (files / "-" / digest[:2] / digest[2:]).read_bytes() == b"rivers"


def test_a_file_that_is_not_there_is_said(copying, tmp_path, capsys):
    assert main([str(copying), "--input", f"file={tmp_path / 'nothing'}"]) == 2
    assert "cannot be read: No such file" in capsys.readouterr().err


def test_text_stays_text_and_the_rest_is_read_as_json():
    ports = [
        QUESTION,
        ROUNDS,
        {"name": "words", "type": "list[str]"},
        {"name": "at", "type": "any"},
    ]
    definition = GraphDefinition.from_json(definition_of([], inputs=ports))
    pairs = ["question=007", "rounds=7", 'words=["a","b"]', "at=noon=12"]

    assert read_inputs(definition, pairs, no_file) == {
        "question": "007", "rounds": 7, "words": ["a", "b"], "at": "noon=12",
    }  # fmt: skip


def test_a_pair_without_equals_is_refused():
    with pytest.raises(InputsError, match="Write --input name=value"):
        read_inputs(GraphDefinition(), ["x"], no_file)


@pytest.mark.parametrize(
    ("status", "code"), [("completed", 0), ("failed", 1), ("quarantined", 1), ("cancelled", 130)]
)
def test_the_exit_code_says_how_a_run_ended(status, code):
    assert exit_code_of(status) == code


# ── what is printed ─────────────────────────────────────────────────────────────────────────────


def test_json_prints_one_object_an_event(graph, capsys):
    assert main([str(graph), "--input", "question=<b>🙂</b>", "--json"]) == 0
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert [each["seq"] for each in printed] == list(range(1, len(printed) + 1))
    assert printed[0]["kind"] == "RunStarted"
    assert printed[-1]["kind"] == "RunCompleted"
    assert datetime.fromisoformat(printed[0]["at"]).tzinfo is not None
    stored = [item for each in printed if each["kind"] == "ChunksStored" for item in each["items"]]
    assert "".join(stored) == "The texts say nothing about this."


def test_a_reader_who_leaves_does_not_stop_the_run(graph):
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "runner", str(graph), "--input", "question=x"]
    with os.fdopen(write, "w") as out:
        done = subprocess.run(
            command, cwd=ROOT, stdout=out, stderr=subprocess.PIPE, timeout=60, check=False
        )

    assert done.returncode == 0
    assert done.stderr == b""


def test_a_full_disk_loses_what_is_said_with_one_sentence_and_not_the_run(graph):
    command = [sys.executable, "-m", "runner", str(graph), "--input", "question=x"]
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        done = subprocess.run(
            command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, timeout=60, check=False
        )

    sentence = "error: What the run says cannot be written any more: No space left on device.\n"
    assert (done.returncode, done.stderr.decode()) == (1, sentence)


# ── a terminal ──────────────────────────────────────────────────────────────────────────────────


def read_all(descriptor):
    """Read what a process wrote to a terminal, until it closes it."""
    found = b""
    while True:
        try:
            piece = os.read(descriptor, 65536)
        except OSError:
            return found.decode()
        if not piece:
            return found.decode()
        found += piece


@pytest.mark.parametrize("colour", [True, False])
def test_a_terminal_gets_a_tree_and_colours_only_if_it_wants_them(graph, colour):
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    environment.pop("NO_COLOR", None)
    command = [sys.executable, "-m", "runner", str(graph), "--input", "question=x"]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=theirs, env=environment | ({} if colour else {"NO_COLOR": "1"})
    )
    os.close(theirs)
    shown = read_all(ours)
    os.close(ours)

    assert process.wait(30) == 0
    assert "completed" in shown
    assert "answer" in shown
    assert ("\x1b[32m" in shown) is colour


async def test_the_console_of_a_test_leaves_no_signal_handler():
    console.with_signals(lambda: None, close=lambda: None)
    loop = asyncio.get_running_loop()

    assert loop.remove_signal_handler(signal.SIGINT)
    assert loop.remove_signal_handler(signal.SIGTERM)
