"""Examining with a memory: the same verdicts as without, and nothing is made twice."""

import json
from dataclasses import replace

import pytest

from runner.graph.checking import examine
from runner.graph.definition import GraphDefinition
from runner.graph.registry import default_registry
from runner.graph.remembered import ByIdentity, Remembered

SPLIT = {"id": "s", "type": "text.split", "inputs": {"topics": {"a": "b"}}}
OUTPUT = {"outputs": [{"name": "p", "from": "s.passages"}]}
WORDS = {"id": "k", "type": "text.keywords"}
WORKED_OUT = {
    "id": "k",
    "type": "text.keywords",
    "inputs": {"question": {"$expression": "name + '?'"}},
}


def graph(*tasks, **more):
    return GraphDefinition.from_json(json.dumps({"v": 1, "tasks": list(tasks), **more}))


@pytest.fixture
def registry():
    return default_registry().remembering(Remembered())


def test_a_graph_is_examined_once(registry):
    drawn = graph(SPLIT)
    assert examine(drawn, registry) is examine(drawn, registry)


def test_of_a_changed_graph_only_the_new_task_is_made(registry):
    drawn = graph(SPLIT)
    before = examine(drawn, registry)
    after = examine(drawn.with_task(graph(WORDS).tasks[0]), registry)
    assert after.tasks["s"] is before.tasks["s"]
    assert [problem.task for problem in after.problems] == ["k"]


def test_what_is_wrong_with_a_task_is_said_each_time(registry):
    drawn = graph({"id": "s", "type": "text.split", "inputs": {"nothing": 1}})
    again = replace(drawn, title="Again")
    assert examine(drawn, registry).problems == examine(again, registry).problems
    assert len(examine(again, registry).problems) == 2


def test_an_expression_is_examined_with_the_inputs_there_are_now(registry):
    drawn = graph(WORKED_OUT, inputs=[{"name": "name", "type": "str"}])
    assert not examine(drawn, registry).problems
    assert examine(replace(drawn, inputs=()), registry).problems


def test_the_inside_of_a_compound_is_known_too(registry):
    inside = {"tasks": [SPLIT], **OUTPUT}
    drawn = graph({"id": "c", "type": "flow.graph", "graph": inside})
    before = examine(drawn, registry).tasks["c"]
    moved = replace(drawn.tasks[0], graph=replace(drawn.tasks[0].graph, title="Other"))
    after = examine(replace(drawn, tasks=(moved,)), registry).tasks["c"]
    assert after.title == "Other"
    assert after.inner_tasks()["s"] is before.inner_tasks()["s"]


def test_the_oldest_go_first_and_no_other_object_gets_their_place():
    kept: ByIdentity[list[int], int] = ByIdentity(2)
    things = [[number] for number in range(3)]
    for number, each in enumerate(things):
        kept.put(each, number)
    assert [kept.get(each) for each in things] == [None, 1, 2]
    assert kept.get([1]) is None
    kept.put(things[2], 5, weight=2)
    assert [kept.get(each) for each in things] == [None, None, 5]


def test_another_workflow_may_be_another_one_next_time():
    memory = Remembered()
    drawn = graph({"id": "w", "type": "flow.subgraph", "config": {"workflow": "other"}})
    for workflow, ports in ((graph(name="other"), set()), (graph(SPLIT, **OUTPUT), {"p"})):
        known = default_registry().with_workflows({"other": workflow}).remembering(memory)
        assert set(examine(drawn, known).tasks["w"].outputs) == ports
