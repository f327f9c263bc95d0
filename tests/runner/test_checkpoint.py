"""Checkpoints as versioned JSON, and back."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import UnreadableCheckpoint
from runner.graph.values import encode
from runner.run.checkpoint import SavedState, TaskCheckpoint
from runner.run.events import TaskError

NAMES = st.text(min_size=1, max_size=20)
COUNTS = st.integers(0, 1 << 40)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 53), 1 << 53) | st.just("ää <&> 🙂"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.just("key"), inner, max_size=3),
    max_leaves=6,
)
CHECKPOINTS = st.builds(
    TaskCheckpoint,
    path=NAMES,
    attempt=COUNTS,
    seq=COUNTS,
    outputs=st.dictionaries(NAMES, VALUES.map(encode), max_size=3),
    streams=st.dictionaries(NAMES, COUNTS, max_size=3),
    done=st.booleans(),
    rounds=st.lists(VALUES, max_size=2).map(tuple),
    decisions=st.dictionaries(NAMES, VALUES, max_size=2),
    saved=st.none()
    | st.builds(
        SavedState,
        attempt=COUNTS,
        value=VALUES.map(encode),
        outputs=st.dictionaries(NAMES, COUNTS, max_size=2),
        inputs=st.dictionaries(NAMES, st.tuples(NAMES, NAMES, COUNTS, COUNTS), max_size=2),
    ),
    error=st.none() | st.just(TaskError(type="ValueError", message="no", task="one")),
    handled=st.booleans(),
    not_taken=st.lists(NAMES, max_size=2).map(tuple),
    cached=st.booleans(),
    failures=COUNTS,
    last_error=st.none() | st.just(TaskError(type="OSError", message="before")),
)
KEPT = json.loads(TaskCheckpoint(path="one", attempt=1, seq=2).to_json())


FULL = TaskCheckpoint(
    path="one", attempt=2, seq=3, done=False, outputs={"result": "1"}, streams={"numbers": 4},
    rounds=(2, True), decisions={"at": "noon"}, handled=True, not_taken=("no",), cached=True,
    ended="skipped", error=TaskError(type="ValueError", message="no", task="one"), failures=2,
    last_error=TaskError(type="OSError", message="before"),
    saved=SavedState(
        attempt=1, value='{"n":1}', outputs={"numbers": 3}, inputs={"rows": ("two", "out", 1, 5)}
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    "kept",
    [
        FULL,
        TaskCheckpoint(path="one", attempt=1, seq=2),
        replace(FULL, error=TaskError(type="OSError", message="no file called '\udcff'")),
    ],
    ids=["full", "empty", "half a character"],
)
def test_nothing_of_a_checkpoint_is_lost(kept):
    """Engine 7.1: a file name that is no UTF-8 comes as half a character."""
    assert TaskCheckpoint.from_json(kept.to_json()) == kept


@given(CHECKPOINTS)
def test_a_checkpoint_is_read_back_as_it_was_kept(kept):
    assert TaskCheckpoint.from_json(kept.to_json()) == kept


@pytest.mark.parametrize(("width", "rounds"), [(3, (3,)), (None, ())])
def test_a_checkpoint_of_the_first_version_is_read(width, rounds):
    """Promise P11: the version before is read for at least one release."""
    first = KEPT | {"v": 1, "outputs": {}, "streams": {}, "width": width, "done": False}

    kept = TaskCheckpoint.from_json(json.dumps(first))

    assert (kept.rounds, kept.done) == (rounds, False)


def changed(**fields):
    return json.dumps(KEPT | fields)


BROKEN = {
    "nothing": "",
    "half": "{",
    "null": "null",
    "a list": "[]",
    "empty": "{}",
    "a text": '"text"',
    "too deep": "[" * 100_000,
    "a later version": changed(v=4),
    "a path that is no text": changed(path=1),
    "an attempt that is no number": changed(attempt="1"),
    "no number": changed(seq=None),
    "done that is no truth value": changed(done="yes"),
    "half an output": changed(outputs={"result": "{"}),
    "an output that only Python takes for a number": changed(outputs={"result": "NaN"}),
    "an output that is not encoded": changed(outputs={"result": 1}),
    "outputs without values": changed(outputs=["result"]),
    "a count that is no number": changed(streams={"result": "3"}),
    "a width that is no number": changed(v=1, width="3"),
    "a saved state without value": changed(saved={"attempt": 1, "inputs": {}, "outputs": {}}),
    "failures that are no number": changed(failures="2"),
    "an end that there is not": changed(ended="exploded"),
    "decisions without names": changed(decisions=[1]),
    "a field too many": changed(surplus=1),
    "a field too few": json.dumps({name: KEPT[name] for name in KEPT if name != "path"}),
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_broken_checkpoint_is_unreadable(text):
    with pytest.raises(UnreadableCheckpoint):
        TaskCheckpoint.from_json(text)
