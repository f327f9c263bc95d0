"""Whatever people do: an act can be taken back, and leaves nothing hanging in the air."""

import contextlib
import os

from hypothesis import given, settings
from hypothesis import strategies as st

from runner.editing.acts import carry_out, read_edit
from runner.editing.changes import applied, differences
from runner.editing.draft import Draft
from runner.errors import RunnerError
from runner.graph.dataflow import GRAPH_INPUTS
from tests import strategies
from tests.runner.editing.acting import REGISTRY, acts

#: How many random histories each property is tried on.
EXAMPLES = int(os.environ.get("EDIT_HISTORIES", "300"))
DRAFTS = strategies.definitions().map(Draft.from_json)


def done_in(draft, data):
    """Do a random act; None when it was refused, with one sentence."""
    edit = read_edit(data.draw(acts(draft)))
    with contextlib.suppress(RunnerError):
        return carry_out(edit, draft, REGISTRY)
    return None


def hangs(draft):
    """Name the ends that lead to no task."""
    for level, graph in draft.walk():
        known = {task.id for task in graph.tasks} | {GRAPH_INPUTS}
        ends = [end for flow in graph.dataflows for end in (flow.source, flow.target)]
        for end in [*ends, *(output.source for output in graph.outputs)]:
            if end.partition(".")[0] not in known:
                yield level, end


@settings(max_examples=EXAMPLES, deadline=None)
@given(DRAFTS, st.data())
def test_acts_taken_back_in_turn_leave_the_same_bytes(draft, data):
    """R5."""
    before, taken = draft.to_json(), []
    for _ in range(8):
        if done := done_in(draft, data):
            draft = done.draft
            taken.append(done.changes)
    for changes in reversed(taken):
        draft = applied(draft, [change.turned() for change in changes])
    assert draft.to_json() == before


@settings(max_examples=EXAMPLES, deadline=None)
@given(DRAFTS, st.data())
def test_an_act_is_the_same_as_its_changes(draft, data):
    """R5."""
    if done := done_in(draft, data):
        assert applied(draft, done.changes).to_json() == done.draft.to_json()
        assert bool(done.changes) == (draft.to_json() != done.draft.to_json())


@settings(max_examples=EXAMPLES, deadline=None)
@given(DRAFTS, st.data())
def test_no_act_leaves_anything_hanging(draft, data):
    """R5."""
    for _ in range(6):
        if done := done_in(draft, data):
            draft = done.draft
            assert list(hangs(draft)) == []
            assert Draft.from_json(draft.to_json()).to_json() == draft.to_json()


@settings(max_examples=EXAMPLES // 2, deadline=None)
@given(DRAFTS, DRAFTS)
def test_two_drafts_differ_by_what_leads_from_one_to_the_other(one, other):
    other = Draft.from_json(other.to_json())
    assert applied(one, differences(one, other)).to_json() == other.to_json()
