"""Workflows: who sees them, and how versions come about."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import Http404

from runner.errors import DefinitionError
from tests.nesting import nested
from workflows.access import workflow_for
from workflows.models import Team, Workflow, WorkflowVersion

pytestmark = pytest.mark.django_db


def test_a_member_sees_it_and_an_owner_may_edit(workflow, alice, bob):
    assert workflow_for(alice, workflow.pk, "edit") == workflow
    assert workflow_for(bob, workflow.pk) == workflow
    with pytest.raises(Http404):
        workflow_for(bob, workflow.pk, "edit")


@pytest.mark.parametrize("manager", [Workflow.objects, WorkflowVersion.objects])
def test_strangers_and_nobody_see_nothing(workflow, charlie, manager):
    assert not manager.visible_to(charlie).exists()
    assert not manager.visible_to(AnonymousUser()).exists()


def test_a_team_is_seen_by_its_members_only(team, alice, charlie):
    assert list(Team.objects.visible_to(alice)) == [team]
    assert team not in Team.objects.visible_to(charlie)


def test_a_changed_definition_is_a_new_version(workflow, alice):
    first = workflow.latest
    second = workflow.revise('{"v":1}', alice, "smaller")
    assert (first.number, second.number) == (1, 2)
    assert workflow.latest == second


def test_an_equal_definition_is_the_version_it_was(workflow, alice):
    latest = workflow.latest
    assert workflow.revise(latest.definition, alice) == latest
    assert workflow.versions.count() == 1


def test_a_workflow_without_versions_has_no_latest(team):
    assert Workflow.objects.create(team=team, name="empty", title="Empty").latest is None


@pytest.mark.parametrize("depth", [1, 32])
def test_graphs_nest_to_depth_32_when_saved(workflow, alice, depth):
    """Engine 2.7; T15."""
    assert workflow.revise(nested(depth).to_json(), alice).number == 2


def test_graphs_nested_deeper_are_not_saved(workflow, alice):
    """Engine 2.7; T15."""
    with pytest.raises(DefinitionError, match="nests graphs deeper than 32 levels"):
        workflow.revise(nested(33).to_json(), alice)
    assert workflow.versions.count() == 1


def test_what_is_no_definition_is_not_saved(workflow, alice):
    with pytest.raises(DefinitionError, match="is not JSON"):
        workflow.revise("{", alice)
