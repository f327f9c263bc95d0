"""Checkpoints as versioned JSON, and back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import UnreadableCheckpoint
from runner.graph.values import encode
from runner.run.checkpoint import TaskCheckpoint

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
    width=st.none() | COUNTS,
    done=st.booleans(),
)
KEPT = json.loads(TaskCheckpoint(path="one", attempt=1, seq=2).to_json())


@given(CHECKPOINTS)
def test_a_checkpoint_is_read_back_as_it_was_kept(kept):
    assert TaskCheckpoint.from_json(kept.to_json()) == kept


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
    "a later version": changed(v=2),
    "a path that is no text": changed(path=1),
    "an attempt that is no number": changed(attempt="1"),
    "no number": changed(seq=None),
    "done that is no truth value": changed(done="yes"),
    "half an output": changed(outputs={"result": "{"}),
    "an output that is not encoded": changed(outputs={"result": 1}),
    "outputs without values": changed(outputs=["result"]),
    "a count that is no number": changed(streams={"result": "3"}),
    "a width that is no number": changed(width="3"),
    "a field too many": changed(surplus=1),
    "a field too few": json.dumps({name: KEPT[name] for name in KEPT if name != "path"}),
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_broken_checkpoint_is_unreadable(text):
    with pytest.raises(UnreadableCheckpoint):
        TaskCheckpoint.from_json(text)
