"""Workflows used by other workflows: in a draft as in a run, the latest version or one for good."""

import json
from typing import Any

import pytest

from runner.errors import DefinitionError
from workflows.models import Team, Workflow, WorkflowDraft
from workflows.models.drafting import act, draft_of, publish


def version(title, result):
    """A workflow without inputs that gives a number."""
    task = {"id": "make", "type": "data.transform", "config": {"expression": result}}
    return json.dumps(
        {"v": 1, "name": "rivers", "title": title, "dataflows": [], "tasks": [
            task | {"inputs": {"value": 1}}],
         "outputs": [{"name": "length", "from": "make.result"}]}
    )  # fmt: skip


@pytest.fixture
def rivers(team, alice):
    """A workflow with two versions."""
    made = Workflow.objects.create(team=team, name="rivers", title="Rivers")
    made.revise(version("First", "value + 1"), alice)
    made.revise(version("Second", "value + 2"), alice)
    return made


@pytest.fixture
def using(team, alice):
    """Give the draft of a workflow that uses what a reference means."""

    def use(reference):
        made = Workflow.objects.create(team=team, name="delta", title="Delta", created_by=alice)
        draft_of(made)
        edits: tuple[dict[str, Any], ...] = (
            {"op": "add", "type": "flow.subgraph"},
            {"op": "task", "path": "subgraph", "config": {"workflow": reference}},
        )
        for base, edit in enumerate(edits):
            act(made, alice, base, edit)
        return made

    return use


def problems(workflow):
    drawing = WorkflowDraft.objects.get(workflow=workflow).drawing
    return [each.sentence for each in drawing.definition.check(workflow.registry)]


@pytest.mark.parametrize(
    ("reference", "title"), [("rivers", "Second"), ("rivers@1", "First"), ("rivers@2", "Second")]
)
def test_a_draft_knows_the_workflows_of_its_team_and_can_be_published(
    rivers, using, alice, reference, title
):
    made = using(reference)
    assert problems(made) == []
    act(made, alice, 2, {"op": "output", "name": "length", "source": "subgraph.length"})
    published = publish(made, alice)
    pinned = Workflow.objects.pinned(published, alice)
    assert {name: json.loads(text)["title"] for name, text in pinned.items()} == {reference: title}


@pytest.mark.parametrize("reference", ["rivers@3", "rivers@0", "rivers@x", "rivers@", "gone", "@"])
def test_what_means_no_version_is_said_and_keeps_a_draft_from_being_published(
    rivers, using, alice, reference
):
    made = using(reference)
    assert f"There is no workflow '{reference}'" in problems(made)[0]
    with pytest.raises(DefinitionError):
        publish(made, alice)
    assert made.versions.count() == 0


def test_what_other_teams_drew_and_what_was_removed_cannot_be_used(rivers, using, charlie):
    made = using("rivers")
    Workflow.objects.filter(pk=rivers.pk).update(team=Team.objects.get(slug="hills"))
    made = Workflow.objects.get(pk=made.pk)
    assert "There is no workflow 'rivers'" in problems(made)[0]


def test_the_names_that_can_be_used_are_those_with_a_version(rivers, using):
    made = using("rivers")
    assert list(made.registry.workflows) == ["rivers"]
    assert len(made.registry.workflows) == 1
