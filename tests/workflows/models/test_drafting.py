"""Drafts: every act is kept, can be taken back, and never overwrites another one."""

import json

import pytest

from runner.errors import DefinitionError
from runner.graph.definition import GraphDefinition
from workflows.models import Origin, WorkflowDraft
from workflows.models.drafting import (
    OutdatedAct,
    act,
    draft_of,
    drawing_at,
    publish,
    redo,
    replace_draft,
    stack_of,
    undo,
)


def text_of(workflow):
    """The draft, byte for byte."""
    draft = WorkflowDraft.objects.get(workflow=workflow)
    return draft.definition, draft.layout


def add(workflow, person, kind="text.keywords", base=None, **more):
    """Add a task on top of what there is, or of an older draft."""
    base = draft_of(workflow).revision if base is None else base
    return act(workflow, person, base, {"op": "add", "type": kind, **more})


def ids(workflow):
    """The tasks of the draft."""
    definition = GraphDefinition.from_json(WorkflowDraft.objects.get(workflow=workflow).definition)
    return [task.id for task in definition.tasks]


def test_a_draft_begins_as_the_latest_version(workflow):
    draft, latest = draft_of(workflow), workflow.versions.get()
    assert draft.drawing.definition == GraphDefinition.from_json(latest.definition)
    assert (draft.revision, draft.base, draft.is_published) == (0, latest, True)


def test_every_act_is_the_next_revision_and_says_who_did_what(workflow, alice):
    made = add(workflow, alice)
    assert (made.revision, made.person, made.words) == (1, alice, "Add text.keywords")
    assert json.loads(made.asked) == {"op": "add", "type": "text.keywords"}
    assert ids(workflow) == ["a", "keywords"]


def test_an_act_that_changes_nothing_is_not_kept(workflow, alice):
    assert act(workflow, alice, 0, {"op": "title", "path": "a", "title": ""}) is None
    assert draft_of(workflow).revision == 0


def test_a_refused_act_leaves_everything_as_it_was(workflow, alice):
    before = text_of(workflow) if add(workflow, alice) else None
    with pytest.raises(DefinitionError, match="no task 'nobody'"):
        act(workflow, alice, 1, {"op": "remove", "ids": ["nobody"]})
    assert text_of(workflow) == before


def test_undo_and_redo_lead_to_the_same_bytes(workflow, alice):
    """R5."""
    states = [(draft_of(workflow).definition, draft_of(workflow).layout)]
    for at in ([0, 0], [200, 0], [400, 0]):
        add(workflow, alice, at=at)
        states.append(text_of(workflow))
    for expected in reversed(states[:-1]):
        assert undo(workflow, alice) is not None
        assert text_of(workflow) == expected
    for expected in states[1:]:
        assert redo(workflow, alice) is not None
        assert text_of(workflow) == expected
    assert redo(workflow, alice) is None


def test_what_can_be_undone_is_named_and_survives(workflow, alice):
    add(workflow, alice)
    undo(workflow, alice)
    stack = stack_of(workflow, alice)
    assert ([each.words for each in stack.done], stack.undone[0].words) == (
        [], "Undo: Add text.keywords",
    )  # fmt: skip
    add(workflow, alice, "text.split")
    assert stack_of(workflow, alice).undone == []


def test_a_person_undoes_acts_of_their_own_only(workflow, alice, bob):
    add(workflow, alice)
    add(workflow, bob, "text.split")
    undo(workflow, alice)
    assert ids(workflow) == ["a", "split"]
    assert undo(workflow, alice) is None


def test_an_undo_of_what_somebody_changed_since_is_refused_and_says_why(workflow, alice, bob):
    add(workflow, alice)
    act(workflow, bob, 1, {"op": "title", "path": "keywords", "title": "Words"})
    with pytest.raises(OutdatedAct, match="keywords has been changed since"):
        undo(workflow, alice)
    assert ids(workflow) == ["a", "keywords"]


def test_an_act_on_an_older_draft_is_done_on_the_newest_one(workflow, alice, bob):
    """R5."""
    add(workflow, alice)
    made = add(workflow, bob, "text.split", base=0)
    assert made.revision == 2
    assert ids(workflow) == ["a", "keywords", "split"]


def test_an_act_about_what_somebody_changed_meanwhile_is_refused_with_their_act(
    workflow, alice, bob
):
    """R5."""
    theirs = act(workflow, alice, 0, {"op": "title", "path": "a", "title": "Mine"})
    with pytest.raises(OutdatedAct, match="alice has changed the same meanwhile") as refusal:
        act(workflow, bob, 0, {"op": "title", "path": "a", "title": "Yours"})
    assert refusal.value.theirs == (theirs,)


def test_removing_a_compound_does_not_silently_remove_what_somebody_did_inside(
    workflow, alice, bob
):
    """R5."""
    act(workflow, alice, 0, {"op": "group", "ids": ["a"], "title": "Part"})
    act(workflow, bob, 1, {"op": "title", "path": "part/a", "title": "Better"})
    with pytest.raises(OutdatedAct):
        act(workflow, alice, 1, {"op": "remove", "ids": ["part"]})
    assert ids(workflow) == ["part"]


def test_an_act_that_no_longer_makes_sense_says_why(workflow, alice, bob):
    act(workflow, alice, 0, {"op": "remove", "ids": ["a"]})
    with pytest.raises(OutdatedAct, match="alice has changed the same meanwhile"):
        act(workflow, bob, 0, {"op": "title", "path": "a", "title": "x"})


@pytest.mark.parametrize("base", [-1, 7])
def test_a_draft_that_never_was_is_refused(workflow, alice, base):
    add(workflow, alice)
    with pytest.raises(OutdatedAct, match="load it again"):
        add(workflow, alice, base=base)


def test_the_draft_as_it_was_can_be_had_back(workflow, alice):
    first = draft_of(workflow).drawing
    for _ in range(3):
        add(workflow, alice)
    assert drawing_at(draft_of(workflow), 0).to_json() == first.to_json()


def test_publishing_makes_a_version_with_its_layout(workflow, alice):
    act(workflow, alice, 0, {"op": "remove", "ids": ["a"]})
    add(workflow, alice, "environment.records", at=[16, 32])
    version = publish(workflow, alice, "Better records")
    assert (version.number, version.note) == (2, "Better records")
    assert json.loads(version.layout) == {"positions": {"records": [16, 32]}}
    assert draft_of(workflow).is_published


def test_what_cannot_run_is_not_published(workflow, alice):
    act(workflow, alice, 0, {"op": "remove", "ids": ["a"]})
    add(workflow, alice)
    with pytest.raises(DefinitionError, match="needs its input question"):
        publish(workflow, alice)
    assert workflow.versions.count() == 1


def test_a_draft_replaced_as_a_whole_can_be_undone(workflow, alice):
    before = draft_of(workflow).drawing
    add(workflow, alice)
    replace_draft(workflow, alice, before, "Restore v1")
    assert ids(workflow) == ["a"]
    undo(workflow, alice)
    assert ids(workflow) == ["a", "keywords"]


def test_a_workflow_from_code_has_no_draft(workflow):
    workflow.origin = Origin.CODE
    with pytest.raises(DefinitionError, match="is written in code; copy it"):
        draft_of(workflow)
