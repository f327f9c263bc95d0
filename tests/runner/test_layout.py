"""Layout: handled errors, what may be not taken, several streams, and nesting."""

import pytest

from runner.errors import PlanError
from runner.graph.planning import unfold
from runner.graph.task_graph import ERROR_PORT, Otherwise, OutputOf, Several, producers
from tests.planned import control, planned, problems, written

ANY = {"a": "any", "b": "any"}
#: Two tasks that need an input each, one that needs none, one that needs both.
BODY = written(
    {"one": "test.number", "free": "test.number", "two": "test.number", "sum": "test.add"},
    "$inputs.a > one.value; $inputs.b > two.value; one.result > sum.values; "
    "two.result > sum.values",
    inputs=ANY, outputs={"sum": "sum.result"},
)  # fmt: skip


def inside(**inputs):
    return {**control("graph", BODY), "inputs": inputs}


def gates(graph):
    return {path: each.gates for path, each in graph.tasks.items() if each.gates}


# ── errors that are handled ─────────────────────────────────────────────────────────────────────


def test_an_error_port_is_a_source_like_any_other():
    """Engine 3.3."""
    graph = planned(
        written({"emit": "test.emit", "on": "test.double", "fault": "test.fault"},
                "emit.numbers > on.numbers; emit.[error] > fault.fault",
                outputs={"error": "on.[error]"})
    )  # fmt: skip
    handled = {path: each.handles_error for path, each in graph.tasks.items()}
    assert handled == {"emit": True, "on": True, "fault": False}
    assert graph.tasks["fault"].sources == {"fault": OutputOf("emit", ERROR_PORT)}
    assert graph.outputs == {"error": OutputOf("on", ERROR_PORT)}
    assert graph.dependants["emit"] == ("on", "fault")


def test_an_error_never_streams():
    """Engine 3.3."""
    graph = planned(written({"emit": "test.emit", "m": "flow.merge"}, "emit.[error] > m.values"))
    assert graph.tasks["m"].first_chunk == set()


@pytest.mark.parametrize(
    ("flows", "said"),
    [
        ("n.[error] > add.values", "Port values of Add wants a list of whole numbers, but port"),
        ("n.result > add.[error]", "Task add has no input '[error]'; it has values."),
        ("$inputs.[error] > add.values", "test has no input '[error]'."),
        ("x.[error] > add.values", "There is no task 'x' for 'x.[error]'."),
    ],
)
def test_an_error_port_is_checked_like_any_other(flows, said):
    """Engine 3.1."""
    (problem,) = problems(written({"n": "test.number", "add": "test.add"}, flows))
    assert said in problem


def test_a_graph_says_whether_it_fails_fast():
    """Engine 5.4."""
    fast = control("graph", {**BODY, "fail_fast": True})
    graph = planned(written({"in": {**fast, "inputs": {"a": 1, "b": 1}}}))
    assert (graph.fail_fast, graph.compounds["in"].fail_fast) == (False, True)
    assert planned(written({"n": "test.number"}, fail_fast=True)).fail_fast


# ── what may be not taken ───────────────────────────────────────────────────────────────────────


def test_a_compound_whose_input_may_be_not_taken_holds_all_its_tasks_back():
    """Engine 3.4: the compound is skipped as a whole."""
    graph = planned(written({"n": "test.number", "in": inside(b=1)}, "n.[error] > in.a"))
    error = OutputOf("n", ERROR_PORT)
    assert gates(graph) == {f"in/{each}": (error,) for each in ("one", "free", "two", "sum")}
    assert graph.tasks["in/one"].sources["value"] == Otherwise(error, "1")


def test_what_a_task_needs_itself_is_no_gate_of_it():
    body = written({"up": "test.shout"}, "$inputs.a > up.text", inputs={"a": "any"})
    graph = planned(written({"n": "test.number", "in": control("graph", body)}, "n.[error] > in.a"))
    assert graph.tasks["in/up"].sources["text"] == OutputOf("n", ERROR_PORT)
    assert gates(graph) == {}


def test_there_is_no_gate_where_an_input_is_always_taken():
    graph = planned(written({"n": "test.number", "in": inside(b=1)}, "n.result > in.a"))
    assert gates(graph) == {}


def test_gates_of_nested_compounds_add_up_and_reach_what_follows():
    outer = written({"deep": control("graph", BODY)}, "$inputs.a > deep.a; $inputs.b > deep.b",
                    inputs=ANY, outputs={"sum": "deep.sum"})  # fmt: skip
    graph = planned(
        written({"n": "test.number", "m": "test.number", "in": control("graph", outer),
                 "next": inside(b=1)},
                "n.[error] > in.a; m.[error] > in.b; in.sum > next.a")
    )  # fmt: skip
    assert graph.tasks["in/deep/free"].gates == (
        OutputOf("n", ERROR_PORT),
        OutputOf("m", ERROR_PORT),
    )
    assert graph.tasks["next/free"].gates == (OutputOf("in/deep/sum", "result"),)


def test_what_follows_a_branch_is_gated_too():
    """Engine 3.4."""
    when = {"port": "value", "is": "==", "value": 1}
    route = control("branch", branches=[{"name": "yes", "if": when}])
    graph = planned(written({"n": "test.number", "route": route, "in": inside(b=1)},
                            "n.result > route.value; route.yes > in.a"))  # fmt: skip
    assert graph.tasks["in/free"].gates == (OutputOf("route", "yes"),)


EACH = control("map", BODY, over=["a"])


def test_a_control_waits_for_required_inputs_that_pass_through_it():
    """Engine 3.4."""
    graph = planned(
        written({"n": "test.number", "each": {**EACH, "inputs": {"a": [1]}}}, "n.[error] > each.b")
    )
    assert graph.tasks["each"].gates == (OutputOf("n", ERROR_PORT),)
    assert gates(unfold(graph.tasks["each"], 1)) == {}


def test_an_input_says_what_it_falls_back_to():
    """Engine 3.4: only a required input that is not taken skips a task."""
    given = {"type": "test.number", "inputs": {"value": 7}}
    graph = planned(
        written({"n": "test.number", "fault": "test.fault", "one": "test.number",
                 "add": "test.add", "given": given, "sure": "test.number"},
                "n.[error] > fault.fault; n.result > one.value; n.result > add.values; "
                "n.result > given.value; one.result > sure.value")
    )  # fmt: skip
    result = OutputOf("n", "result")
    assert graph.tasks["one"].sources["value"] == Otherwise(result, "1")
    assert graph.tasks["given"].sources["value"] == Otherwise(result, "7")
    assert graph.tasks["add"].sources["values"] == Otherwise(Several((result,)), "[]")
    assert graph.tasks["sure"].sources["value"] == OutputOf("one", "result")
    assert graph.dependants["n"] == ("fault", "one", "add", "given")
    assert [*producers(graph.tasks["add"].sources.values())] == [result]


def test_inside_an_unfolding_an_optional_input_may_be_not_taken():
    """Engine 3.4."""
    body = written({"n": "test.number"}, "$inputs.b > n.value", inputs={"a": "any"})
    body["inputs"].append({"name": "b", "type": "int", "required": False})
    each = {**control("map", body, over=["a"]), "inputs": {"a": [1]}}
    graph = planned(written({"n": "test.number", "each": each}, "n.result > each.b"))
    found = unfold(graph.tasks["each"], 1)
    assert found.tasks["each[0]/n"].sources["value"] == Otherwise(OutputOf("n", "result"), "1")


def test_a_compound_that_lets_an_input_through_is_skipped_with_it_as_a_whole():
    """Engine 3.4: what passes a skipped compound is not taken."""
    body = {**BODY, "outputs": [{"name": "b", "from": "$inputs.b"}]}
    graph = planned(
        written({"n": "test.number", "in": {**control("graph", body), "inputs": {"b": 1}},
                 "on": "test.number"},
                "n.[error] > in.a; in.b > on.value")
    )  # fmt: skip
    assert graph.tasks["in"].gates == (OutputOf("n", ERROR_PORT),)
    assert graph.tasks["on"].sources["value"] == Otherwise(OutputOf("in", "b"), "1")


def test_an_input_may_pass_through_compounds_in_compounds():
    inner = written({}, inputs={"x": "any"}, outputs={"x": "$inputs.x"})
    outer = written({"deep": control("graph", inner)}, "$inputs.x > deep.x", inputs={"x": "any"},
                    outputs={"x": "deep.x"})  # fmt: skip
    outer["inputs"].append({"name": "need", "type": "any"})
    graph = planned(
        written({"n": "test.number", "in": {**control("graph", outer), "inputs": {"x": 1}}},
                "n.[error] > in.need", outputs={"x": "in.x"})
    )  # fmt: skip
    assert graph.outputs["x"] == OutputOf("in", "x")


def test_a_map_gives_its_lists_whatever_its_items_give():
    """Engine 4.10: null keeps the items aligned."""
    when = {"port": "value", "is": "==", "value": 1}
    route = control("branch", branches=[{"name": "yes", "if": when}])
    body = written({"route": route}, "$inputs.item > route.value", inputs={"item": "int"},
                   outputs={"yes": "route.yes"})  # fmt: skip
    each = {**control("map", body, over=["item"]), "inputs": {"item": [1]}}
    loop = {**control("graph", body), "inputs": {"item": 1}}
    graph = planned(
        written({"each": each, "once": loop, "x": inside(b=1), "y": inside(b=1)},
                "each.yes > x.a; once.yes > y.a")
    )  # fmt: skip
    assert {*gates(graph)} == {"y/one", "y/free", "y/two", "y/sum"}


# ── several streams ─────────────────────────────────────────────────────────────────────────────


def test_a_port_of_several_streams_takes_them_in_drawn_order():
    """Engine 3.2."""
    graph = planned(
        written({"a": "test.emit", "b": "test.emit", "whole": "test.braid", "c": "test.braid"},
                "b.numbers > c.streams; a.numbers > c.streams; whole.result > c.streams")
    )  # fmt: skip
    assert graph.tasks["c"].sources["streams"] == Several(
        (OutputOf("b", "numbers"), OutputOf("a", "numbers"), OutputOf("whole", "result"))
    )
    assert graph.tasks["c"].first_chunk == {"streams"}


def test_a_lone_dataflow_into_a_port_of_several_streams_is_one_of_them():
    graph = planned(written({"a": "test.emit", "c": "test.braid"}, "a.numbers > c.streams"))
    assert graph.tasks["c"].sources["streams"] == Several((OutputOf("a", "numbers"),))


def test_values_for_a_port_of_several_streams_are_a_list():
    ok, wrong = (
        {"c": {"type": "test.braid", "inputs": {"streams": each}}} for each in ([1], ["a"])
    )
    assert problems(written(ok)) == []
    assert "wants a list of whole numbers, not the text 'a' at [0]" in problems(written(wrong))[0]


# ── nesting ─────────────────────────────────────────────────────────────────────────────────────


def nested(depth):
    """Nest graphs in each other, to a depth."""
    graph = BODY
    for _ in range(depth - 1):
        graph = written({"in": control("graph", graph)}, "$inputs.a > in.a; $inputs.b > in.b",
                        inputs=ANY, outputs={"sum": "in.sum"})  # fmt: skip
    return written({"in": {**control("graph", graph), "inputs": {"a": 1, "b": 2}}})


def test_graphs_nest_to_depth_32_and_no_deeper():
    """Engine 2.7."""
    path = "/".join(["in"] * 32)
    assert f"{path}/sum" in planned(nested(32)).tasks
    with pytest.raises(PlanError, match="nests graphs deeper than 32 levels"):
        planned(nested(33))
