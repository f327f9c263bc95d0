"""P12: what is under way is cancelled before its workflow, team or person goes."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User

from runner.errors import DefinitionError
from tests import code_graphs
from workflows.code_library import load_code_workflows
from workflows.demo_library import demo_team, load_demos
from workflows.models import Origin, Run, Team, Workflow
from workflows.models.leaving import remove_person, remove_team, remove_workflow


@pytest.fixture
def two_runs(workflow, alice):
    """One run that is under way and one that is over."""
    over, active = (Run.objects.start(workflow.latest, alice, {}) for _ in range(2))
    Run.objects.filter(pk=over.pk).update(status="completed")
    Run.objects.filter(pk=active.pk).update(status="running")
    return over, active


def asked(run):
    return list(run.requests.values_list("kind", flat=True))


def test_a_workflow_that_goes_cancels_its_runs_and_keeps_what_was_done(two_runs, workflow, alice):
    """P12."""
    over, active = two_runs
    assert remove_workflow(workflow, alice) == 1
    assert (asked(active), asked(over)) == (["cancel"], [])
    assert not Workflow.objects.visible_to(alice).exists()
    assert Run.objects.visible_to(alice).count() == 2


def test_its_name_is_free_again(workflow, team, alice):
    remove_workflow(workflow, alice)
    again = Workflow.objects.create(team=team, name=workflow.name, title="Another")
    assert list(Workflow.objects.visible_to(alice)) == [again]


def test_the_page_of_its_runs_stays(two_runs, workflow, client_of, alice):
    remove_workflow(workflow, alice)
    for view in ("tree", "graph"):
        assert client_of(alice).get(f"/runs/{two_runs[0].pk}/?view={view}").status_code == 200
    assert client_of(alice).get(f"/workflows/{workflow.pk}/").status_code == 404


def test_a_workflow_that_code_brings_is_removed_in_the_code(workflow, alice):
    Workflow.objects.filter(pk=workflow.pk).update(origin=Origin.CODE, module="rivers.graphs")
    workflow.refresh_from_db()
    with pytest.raises(DefinitionError, match=r"is written in rivers\.graphs; remove it there"):
        remove_workflow(workflow, alice)


def test_a_team_that_goes_cancels_its_runs_and_nobody_sees_it(two_runs, team, alice):
    """P12."""
    assert remove_team(team, alice) == 1
    assert not Team.objects.visible_to(alice).exists()
    assert not Run.objects.visible_to(alice).exists()


def test_a_person_who_goes_cancels_their_runs_and_cannot_come_back(two_runs, alice, bob):
    """P12."""
    assert remove_person(alice, bob) == 1
    alice.refresh_from_db()
    assert (alice.is_active, alice.memberships.count()) == (False, 0)
    assert two_runs[1].requests.get().actor == bob


def test_a_demo_that_was_removed_or_changed_stays_so(alice):
    load_demos()
    first, second, _ = Workflow.objects.filter(team=demo_team()).order_by("name")
    remove_workflow(first, alice)
    second.revise(first.versions.get().definition, alice)
    assert load_demos() == []
    assert Workflow.objects.filter(name=first.name, removed_at=None).count() == 0
    assert second.latest == second.versions.get(number=2)


def test_code_fills_the_place_of_a_removed_workflow(team, alice):
    from runner.graph.registry import TaskRegistry

    mine = Workflow.objects.create(team=team, name="greeting", title="Mine")
    remove_workflow(mine, alice)
    registry = TaskRegistry()
    registry.register_module(code_graphs)
    assert load_code_workflows(registry).notices == ()
    assert Workflow.objects.get(name="greeting", team=team, removed_at=None).is_from_code


@pytest.mark.parametrize("kind", ["auth/user", "workflows/team", "workflows/workflow"])
def test_the_admin_lets_go_after_asking(kind, two_runs, workflow, team, alice, client_of):
    """P12."""
    staff = User.objects.create_superuser("root", password="x")
    row = {"auth/user": alice, "workflows/team": team, "workflows/workflow": workflow}[kind]
    form = {"action": "let_go", "_selected_action": [row.pk]}
    client = client_of(staff)
    first = client.post(f"/admin/{kind}/", form).content.decode()
    assert "and cancel their runs?" in first
    assert asked(two_runs[1]) == []
    said = client.post(
        f"/admin/{kind}/", {**form, "confirmed": "yes"}, follow=True
    ).content.decode()
    assert "1 run(s) are cancelled" in said
    assert asked(two_runs[1]) == ["cancel"]
    assert LogEntry.objects.filter(change_message__contains="1 run(s) cancelled").exists()


@pytest.mark.parametrize("kind", ["auth/user", "workflows/team", "workflows/workflow"])
def test_the_admin_deletes_nothing_that_runs_point_to(kind, workflow, team, alice, client_of):
    staff = User.objects.create_superuser("root", password="x")
    row = {"auth/user": alice, "workflows/team": team, "workflows/workflow": workflow}[kind]
    assert (
        client_of(staff).post(f"/admin/{kind}/{row.pk}/delete/", {"post": "yes"}).status_code == 403
    )
