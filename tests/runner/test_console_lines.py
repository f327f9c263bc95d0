"""Lines: what is printed of each event, where nothing can be redrawn."""

import io
from datetime import UTC, datetime, timedelta

import pytest

from runner.console import Renderer
from runner.execution.store import Entry
from runner.graph.definition import GraphDefinition
from runner.run import events as happened
from tests.drive import definition_of

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
#: Graphs in which the same event means different things.
TWO = {"tasks": [{"id": "slow", "type": "t"}, {"id": "fast", "type": "t", "title": "The fast one"}]}
CONTROLS = [
    {"id": kind, "type": f"flow.{kind}", "graph": TWO}
    for kind in ("map", "reduce", "while", "fallback", "first_of")
] + [{"id": kind, "type": f"flow.{kind}"} for kind in ("branch", "merge", "subgraph")]


def told(*said, definition=None, **options):
    """Give what a renderer prints for events."""
    out = io.StringIO()
    renderer = Renderer(definition or GraphDefinition(name="g"), out, **options)
    for number, event in enumerate(said, start=1):
        renderer.show(Entry(number, AT, event))
    renderer.close()
    return out.getvalue()


def failure(message):
    return happened.TaskError(type="ValueError", message=message)


def line_of(event, definition=None):
    """Give the one line of an event, without its time."""
    (line,) = told(event, definition=definition).splitlines()
    return line.partition(" ")[2]


def test_each_change_gets_a_line_with_its_glyph():
    lines = told(
        happened.RunStarted(),
        happened.TaskStarted("a", 1),
        happened.TaskProgressed("a", 1, 0.5, "half"),
        happened.TaskLogged("a", 1, "INFO", "by the way"),
        happened.TaskFailed("a", 1, failure("no\nluck")),
        happened.TaskUpstreamFailed("b", "a"),
        happened.RunFailed(failure("no luck"), "a"),
    ).splitlines()

    assert [line.partition(" ")[2] for line in lines] == [
        "▶ run running",
        "▶ a running",
        "  a INFO: by the way",
        "✗ a failed: no luck",
        "⊘ b upstream failed by a",
        "✗ run failed: no luck",
    ]


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (happened.RunResumed(2), "▶ run running, resumed"),
        (happened.RunResumed(2, reopened=True), "▶ run running, reopened"),
        (happened.RunInterrupted("the server stopped"), "! run interrupted: the server stopped"),
        (happened.RunPaused("bob"), "? run paused by bob"),
        (happened.RunContinued("bob"), "▶ run running again, continued by bob"),
        (happened.RunContinued(""), "▶ run running again, continued"),
        (happened.RunAwaiting("approval"), "? run awaiting an approval"),
        (happened.RunWoke(), "▶ run running again"),
        (happened.RunCancelling("bob"), "◌ run cancelling by bob"),
        (happened.RunCompleted({}), "✓ run completed"),
        (happened.RunCompleted({}, 1), "✓ run completed, 1 handled error"),
        (happened.RunCompleted({}, 2), "✓ run completed, 2 handled errors"),
    ],
)
def test_a_change_of_the_run_says_by_whom_and_why(event, line):
    """Engine 5.1."""
    assert line_of(event) == line


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (happened.TaskQueued("a", "2 of 2 are taken"), "… a queued: 2 of 2 are taken"),
        (happened.TaskStarted("a", 2), "▶ a running, attempt 2"),
        (happened.StreamOpened("a", "text", 1), "≈ a streaming text"),
        (
            happened.TaskRetrying("a", 1, failure("busy"), 1.25),
            "↻ a retrying, attempt 2 in 1.2 s: busy",
        ),
        (
            happened.TaskRetrying("c/a", 1, failure("busy"), 0.0, "c"),
            "↻ c/a retrying, attempt 2 at once (granted to c): busy",
        ),
        (
            happened.TaskAwaiting("a", 1, "input", {"title": "Which?"}),
            "? a awaiting an answer: Which?",
        ),
        (
            happened.TaskAwaiting("a", 1, "token", {"message": "There is no key."}),
            "? a awaiting a credential: There is no key.",
        ),
        (
            happened.TaskAwaiting("a", 1, "decision"),
            "? a awaiting a decision whether to start it again",
        ),
        (
            happened.TaskAnswered("a", 1, "decision", "bob"),
            "▶ a running again, after a decision by bob",
        ),
        (happened.TaskAnswered("a", 1, "time"), "▶ a running again"),
        (
            happened.TaskDropped("a", 1, "b"),
            "· a pending again: what it read of b no longer counts",
        ),
        (happened.TaskDropped("a", 1, "pause"), "· a pending, held back by the pause"),
        (happened.TaskCached("a", 1), "= a cached, from the cache"),
        (happened.TaskCached("a", 1, source="run"), "= a cached, from another run"),
        (happened.TaskFailed("a", 1, failure("no"), handled=True), "✗ a failed, handled: no"),
        (
            happened.TaskSkipped("a", "nothing was taken for x"),
            "– a skipped: nothing was taken for x",
        ),
        (happened.TaskUpstreamFailed("a", ""), "⊘ a upstream failed"),
        (
            happened.TaskStuck("a", 1),
            "  a is stuck: it ignores that it was stopped",
        ),
        (happened.StateSaved("a", 1, 1200), "  a saved its state, 1,200 B"),
        (happened.StreamResumed("a", "text", 2, 3), "  a goes on with text after 3 chunks"),
        (happened.StreamSuperseded("a", "text", 1), "  a begins text anew"),
        (happened.DecisionMade("a", 1, "answer", '{"x":1}'), "  a decided answer: {'x': 1}"),
    ],
)
def test_a_change_of_a_task_says_why(event, line):
    """Engine 5.2."""
    assert line_of(event) == line


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (happened.TaskExpanded("map", 0, 2), "▶ map has 2 items"),
        (happened.TaskExpanded("reduce", 0, 1), "▶ reduce has 1 item"),
        (happened.TaskExpanded("while", 2, True), "▶ while begins turn 3"),
        (happened.TaskExpanded("fallback", 1, 1), "▶ fallback tries The fast one"),
        (happened.TaskExpanded("first_of", 0, 2), "▶ first_of has 2 alternatives"),
        (happened.TaskExpanded("subgraph", 0, 0), "▶ subgraph unfolds"),
        (happened.TaskExpanded("subgraph/unknown", 0, 0), "▶ subgraph/unknown unfolds"),
        (happened.TaskDecided("branch", ["yes", "no"]), "▶ branch takes yes and no"),
        (happened.TaskDecided("branch", []), "▶ branch takes no branch"),
        (happened.TaskDecided("merge", 0), "▶ merge takes its dataflow 1"),
        (happened.TaskDecided("first_of", 0), "▶ first_of is won by slow"),
        (happened.TaskDecided("first_of", 2), "▶ first_of is won by alternative 3"),
        (happened.TaskDecided("map", 3), "▶ map has 3 items in all"),
        (happened.TaskDecided("subgraph/unknown", 3), "▶ subgraph/unknown decided 3"),
    ],
)
def test_a_decision_is_said_in_the_words_of_its_control(event, line):
    """Engine 1.3."""
    assert line_of(event, GraphDefinition.from_json(definition_of(CONTROLS))) == line


@pytest.mark.parametrize(
    ("reason", "said"), [("time", "awaiting {}"), ("approval", "awaiting an approval, until {}")]
)
def test_a_wait_says_until_when(reason, said):
    """Engine 5.6."""
    until = AT + timedelta(seconds=5)
    here = f"{until.astimezone():%Y-%m-%d %H:%M:%S}"

    assert line_of(happened.TaskAwaiting("a", 1, reason, until=until.isoformat())) == (
        f"? a {said.format(here)}"
    )


def test_what_would_move_the_cursor_is_not_printed():
    escape = happened.RunCompleted({"text": '"\\u001b[2J\\u009b1m<b>"'})
    printed = told(happened.TaskLogged("a", 1, "INFO", "\x1b[31mred"), escape)

    assert "\x1b" not in printed
    assert "\x9b" not in printed
    assert "<b>" in printed


def test_outputs_that_are_no_text_are_printed_as_json():
    assert told(happened.RunCompleted({"count": "[1,2]"})).endswith("\ncount:\n[1,2]\n")
