"""SubGraph and enclosed graphs: ports from elsewhere, unfolding, and how deep it may go."""

from dataclasses import replace

import pytest

from runner.errors import RunnerError, ValueFault
from runner.graph.building import GraphBuilder
from runner.graph.definition import GraphDefinition
from runner.graph.planning import plan, unfold
from runner.graph.registry import TaskRegistry
from runner.graph.subgraph import Enclosed, SubGraph
from runner.graph.task_graph import ERROR_PORT, OutputOf
from tests.planned import control, control_of, planned, problems, read, unfolded, written
from tests.tasks import Emit, registry_of_tests

DOUBLING = written(
    {"double": "test.double"}, "$inputs.numbers > double.numbers",
    inputs={"numbers": "any"}, outputs={"numbers": "double.numbers"}, title="Doubling",
)  # fmt: skip


def knowing(**workflows) -> TaskRegistry:
    """Give the tests' registry with workflows."""
    return registry_of_tests().with_workflows(
        {name: read(graph) for name, graph in workflows.items()}
    )


def using(name="doubling"):
    return written(
        {"emit": "test.emit", "sub": control("subgraph", workflow=name), "on": "test.double"},
        "emit.numbers > sub.numbers; sub.numbers > on.numbers",
    )


def test_a_sub_graph_has_the_ports_of_its_workflow():
    """Engine 6.8, 8.1."""
    sub = SubGraph({"workflow": "doubling"}, knowing(doubling=DOUBLING))
    assert (sub.title, [*sub.inputs], sub.outputs["numbers"].type) == (
        "Doubling", ["numbers"], list[int],
    )  # fmt: skip
    assert (sub.decides_on, sub.decide({}, 0), sub.decide({}, 1)) == (frozenset(), 0, None)


def test_a_sub_graph_unfolds_in_the_run_and_streams_pass_through_it():
    """Engine 4.6."""
    graph = planned(using(), registry=knowing(doubling=DOUBLING))
    assert [*graph.tasks] == ["emit", "sub", "on"]
    assert graph.tasks["sub"].first_chunk == {"numbers"}
    assert graph.tasks["on"].first_chunk == {"numbers"}
    found = unfolded(graph, "sub", 0)
    inside = found.tasks["sub/double"]
    assert (inside.depth, inside.parent, inside.first_chunk) == (1, "sub", frozenset({"numbers"}))
    (scope,) = found.scopes
    assert (scope.name, scope.paths) == ("sub", ("sub/double",))
    settled = control_of(graph.tasks["sub"]).settle(graph.tasks["sub"], [scope.outputs], [0])
    assert settled == {"numbers": OutputOf("sub/double", "numbers")}


RECURSIVE = written(
    {"again": control("subgraph", workflow="itself"), "add": "test.add"},
    "$inputs.n > again.n; again.n > add.values",
    inputs={"n": "int"}, outputs={"n": "add.result"},
)  # fmt: skip


def test_a_workflow_may_name_itself_and_has_ports_of_any_type_there():
    """Engine 6.8."""
    registry = knowing(itself=RECURSIVE)
    assert problems(RECURSIVE, registry) == []
    sub = SubGraph({"workflow": "itself"}, registry)
    assert sub.outputs["n"].type is int
    assert sub.graph_inside().tasks["again"].outputs["n"].type is not int


def test_recursion_ends_loudly_at_depth_32():
    """Engine 6.8."""
    graph = planned(RECURSIVE, {"n": 1}, registry=knowing(itself=RECURSIVE))
    task = graph.tasks["again"]
    for depth in range(1, 33):
        task = unfold(task, 0).tasks[f"{task.path}/again"]
        assert task.depth == depth
    with pytest.raises(RunnerError, match="nests workflows deeper than 32 levels"):
        unfold(task, 0)


def test_workflows_that_name_each_other_can_be_examined():
    ping = replace(read(RECURSIVE), name="ping")
    pong = ping.with_changed_task("again", config={"workflow": "ping"})
    registry = registry_of_tests().with_workflows({"itself": pong, "ping": ping})
    assert ping.check(registry) == []
    assert unfold(plan(ping, {"n": 1}, registry).tasks["again"], 0).tasks.keys() == {
        "again/again", "again/add",
    }  # fmt: skip


def test_a_chain_of_workflows_too_long_to_look_at_is_a_problem():
    links = {
        f"w{index}": written({"next": control("subgraph", workflow=f"w{index + 1}")})
        for index in range(400)
    }
    (problem,) = problems(links["w0"], knowing(**links))
    assert "nests others too deep" in problem


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("other", "There is no workflow 'other' that can be used here."),
        ("borken", "There is no workflow 'borken' that can be used here. Did you mean 'broken'?"),
        ("broken", "The workflow 'broken' cannot run: Task a: There is no task type 'no'."),
    ],
)
def test_a_workflow_that_cannot_be_used_is_a_problem(name, said):
    graph = written({"sub": control("subgraph", workflow=name)})
    (problem,) = problems(graph, knowing(broken=written({"a": "no"})))
    assert problem == f"Task sub: {said}"


def test_a_sub_graph_takes_no_graph():
    with pytest.raises(ValueFault, match="has its graph already"):
        SubGraph.build({"workflow": "a"}, GraphDefinition(), knowing())


def test_a_sub_graph_in_code_reads_back_the_same():
    registry = knowing(doubling=DOUBLING)
    graph = GraphBuilder("using", registry=registry)
    emit = graph.add("emit", Emit)
    sub = graph.add("sub", SubGraph({"workflow": "doubling"}, registry), numbers=emit.numbers)
    graph.output("numbers", sub.numbers)
    text = graph.definition.to_json()
    assert GraphDefinition.from_json(text).to_json() == text
    assert plan(graph.definition, {}, graph.registry).tasks["sub"].title == "Doubling"


# ── graphs that end as a whole ──────────────────────────────────────────────────────────────────

INSIDE = written({"a": "test.fail"}, outputs={"numbers": "a.numbers"}, fail_fast=True)


def test_a_compound_whose_error_is_handled_ends_as_a_whole():
    """Engine 2.7, 3.3: its outputs are taken only if all of it completes."""
    graph = planned(
        written({"in": control("graph", INSIDE), "m": "flow.merge"}, "in.[error] > m.values",
                outputs={"numbers": "in.numbers"})
    )  # fmt: skip
    whole = graph.tasks["in"]
    assert isinstance(whole.task, Enclosed)
    assert (whole.handles_error, whole.task.fail_fast, graph.compounds) == (True, True, {})
    assert graph.outputs["numbers"] == OutputOf("in", "numbers")
    assert graph.tasks["m"].dependencies == ("in",)
    found = unfolded(graph, "in", 0)
    assert (*found.tasks, found.tasks["in/a"].depth) == ("in/a", 0)
    assert [*whole.task.inner_tasks()] == ["a"]
    assert whole.output(ERROR_PORT).type == dict[str, str]


def test_a_workflow_that_cannot_run_any_more_says_so_when_it_unfolds():
    """Engine 6.8."""
    graph = planned(using(), registry=knowing(doubling=DOUBLING))
    control_of(graph.tasks["sub"]).registry = knowing(doubling=written({"a": "no"}))
    with pytest.raises(RunnerError, match="The workflow 'doubling' cannot run"):
        unfolded(graph, "sub", 0)
