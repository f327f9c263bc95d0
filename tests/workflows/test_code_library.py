"""Graphs written in code are workflows of every team, follow their code, and are not edited."""

from io import StringIO

import pytest
from django.core.management import call_command

from runner.errors import DefinitionError
from runner.graph.building import GraphBuilder
from runner.graph.registry import TaskRegistry
from tests import code_graphs
from workflows.code_library import load_code_workflows
from workflows.models import Team, Workflow

pytestmark = pytest.mark.django_db


def registry_with(*graphs):
    """Give a registry with these graphs, as if a module `rivers.graphs` held them."""
    made = TaskRegistry()
    for graph in graphs:
        made.update(graph.registry)
        made.register_graph(graph.definition, "rivers.graphs")
    return made


def changed_greeting():
    """Give a graph of the same name that says something else."""
    graph = GraphBuilder("greeting", title="Better")
    graph.output("loud", graph.add("loud", code_graphs.shout, text="hello").result)
    return graph


def test_every_team_has_the_graph(team, charlie):
    loaded = load_code_workflows(registry_with(code_graphs.greeting))
    assert loaded.changed == ("greeting",)
    assert {each.team for each in Workflow.objects.all()} == set(Team.objects.all())
    assert {each.module for each in Workflow.objects.all()} == {"rivers.graphs"}
    kept = Workflow.objects.filter(team=team).get()
    assert (kept.title, kept.is_from_code) == ("Greeting from code", True)
    assert kept.versions.get().definition == code_graphs.greeting.definition.to_json()


def test_only_a_changed_definition_is_a_new_version(team):
    load_code_workflows(registry_with(code_graphs.greeting))
    assert load_code_workflows(registry_with(code_graphs.greeting)).changed == ()
    assert load_code_workflows(registry_with(changed_greeting())).changed == ("greeting",)
    kept = Workflow.objects.get()
    last = kept.versions.get(number=2)
    assert (kept.title, last.note, kept.latest) == ("Better", "from rivers.graphs", last)


def test_nobody_edits_it(team, alice):
    load_code_workflows(registry_with(code_graphs.greeting))
    kept = Workflow.objects.get()
    with pytest.raises(DefinitionError, match="is written in code; copy it"):
        kept.revise(changed_greeting().definition.to_json(), alice)
    assert kept.versions.count() == 1


def test_a_teams_own_workflow_keeps_its_name(team, alice):
    mine = Workflow.objects.create(team=team, name="greeting", title="Mine")
    mine.revise(changed_greeting().definition.to_json(), alice)
    loaded = load_code_workflows(registry_with(code_graphs.greeting))
    (notice,) = loaded.notices
    assert notice.startswith(
        "Rivers has a workflow 'greeting' of its own; the one in rivers.graphs"
    )
    mine.refresh_from_db()
    assert (mine.title, mine.versions.count(), mine.is_from_code) == ("Mine", 1, False)


def test_the_workflow_of_a_graph_that_is_gone_stays_and_is_marked(team):
    load_code_workflows(registry_with(code_graphs.greeting))
    (notice,) = load_code_workflows(registry_with()).notices
    assert notice == "The graph 'greeting' of Rivers is gone from rivers.graphs."
    kept = Workflow.objects.get()
    assert (kept.module, kept.is_from_code, kept.versions.count()) == ("", True, 1)
    assert load_code_workflows(registry_with()).notices == ()


def test_a_graph_that_comes_back_is_followed_again(team):
    for graphs in ([code_graphs.greeting], [], [code_graphs.greeting]):
        load_code_workflows(registry_with(*graphs))
    assert Workflow.objects.get().module == "rivers.graphs"


def test_a_copy_says_the_same_and_is_the_teams_own(team, alice):
    load_code_workflows(registry_with(code_graphs.greeting))
    kept = Workflow.objects.get()
    version = kept.versions.get()
    first, second = (kept.copy(version, alice) for _ in range(2))
    assert [first.name, second.name] == ["greeting-copy", "greeting-copy-2"]
    assert first.versions.get().digest == version.digest
    assert first.created_by == alice
    assert first.revise(changed_greeting().definition.to_json(), alice).number == 2


def test_the_command_says_what_it_did(team, monkeypatch):
    monkeypatch.setattr(
        "workflows.code_library.default_registry", lambda: registry_with(code_graphs.greeting)
    )
    said = StringIO()
    call_command("load_code_workflows", stdout=said)
    assert said.getvalue() == "loaded greeting\n"
