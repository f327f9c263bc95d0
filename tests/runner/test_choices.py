"""Branch, Merge, Fallback, FirstOf: what is drawn, decided and planned."""

import json

import pytest

from runner.errors import DefinitionError, RunnerError, ValueFault
from runner.graph.building import GraphBuilder
from runner.graph.choices import Branch, Fallback, FirstOf, Merge
from runner.graph.definition import GraphDefinition
from runner.graph.planning import plan
from runner.graph.ports import Ports, Stream
from runner.graph.task import task
from runner.graph.task_graph import OutputOf, Several
from tests.planned import control, control_of, planned, problems, unfolded, written
from tests.tasks import Add, Double, Emit, Note, Number, Total, registry_of_tests

BIG = {"port": "score", "is": ">", "value": 10}
SMALL = {"port": "score", "is": "<=", "value": 10}
ROUTE = control("branch", branches=[{"name": "big", "if": BIG}], otherwise="small")
ROUTED = written(
    {"emit": "test.emit", "score": "test.number", "route": ROUTE, "big": "test.double",
     "small": "test.double", "merge": control("merge"), "last": "test.double"},
    "emit.numbers > route.value; score.result > route.score; route.big > big.numbers; "
    "route.small > small.numbers; big.numbers > merge.values; small.numbers > merge.values; "
    "merge.value > last.numbers",
    outputs={"numbers": "last.numbers"},
)  # fmt: skip


# ── branches ────────────────────────────────────────────────────────────────────────────────────


def test_a_branch_has_a_port_for_each_way_and_each_port_it_asks():
    route = Branch({"branches": [{"name": "big", "if": BIG}], "otherwise": "small"})
    assert [*route.inputs] == ["value", "score"]
    assert [*route.outputs] == ["big", "small"]
    assert route.decides_on == {"score"}
    assert (route.routes, route.effect) == (True, "none")


@pytest.mark.parametrize(
    ("mode", "score", "taken"),
    [("first", 11, ["big"]), ("first", 3, ["rest"]), ("all", 11, ["big", "odd"]),
     ("all", 13, ["big", "odd"]), ("first", 9, ["odd"]), ("all", 4, ["rest"])],
)  # fmt: skip
def test_a_branch_takes_the_first_that_holds_or_all(mode, score, taken):
    """Engine 8.1."""
    odd = {"port": "score", "is": "in", "value": [9, 11, 13]}
    cases = [{"name": "big", "if": BIG}, {"name": "odd", "if": odd}]
    route = Branch({"branches": cases, "otherwise": "rest", "mode": mode})
    assert route.decide({"score": score}, 0) == taken
    assert route.decide({"score": score}, 1) is None


def test_a_branch_without_otherwise_may_take_no_way():
    route = Branch({"branches": [{"name": "big", "if": BIG}]})
    assert route.decide({"score": 1}, 0) == []
    with pytest.raises(RunnerError, match="score is the text 'a', which cannot be compared"):
        route.decide({"score": "a"}, 0)


def test_a_branch_settles_by_passing_its_value_on():
    graph = planned(ROUTED)
    route = graph.tasks["route"]
    settled = control_of(route).settle(route, (), [["big"]])
    assert settled == {"big": OutputOf("emit", "numbers")}


def test_a_stream_passes_through_a_branch_and_a_merge():
    """Engine 4.6: a branch streams through if its conditions read other ports."""
    graph = planned(ROUTED)
    early = {path: set(each.first_chunk) for path, each in graph.tasks.items()}
    assert early == {
        "emit": set(), "score": set(), "route": {"value"}, "big": {"numbers"},
        "small": {"numbers"}, "merge": {"values"}, "last": {"numbers"},
    }  # fmt: skip
    assert graph.tasks["route"].decides_on == {"score"}
    assert graph.tasks["route"].task.outputs["big"].type == list[int]


def test_a_branch_that_reads_the_value_waits_for_its_end():
    """Engine 4.6."""
    asks = control(
        "branch", branches=[{"name": "some", "if": {"port": "value", "is": "not empty"}}]
    )
    graph = planned(
        written({"emit": "test.emit", "route": asks, "on": "test.double"},
                "emit.numbers > route.value; route.some > on.numbers")
    )  # fmt: skip
    assert graph.tasks["route"].first_chunk == set()
    assert graph.tasks["route"].decides_on == {"value"}
    assert graph.tasks["on"].first_chunk == set()
    assert graph.tasks["on"].task.inputs["numbers"].reads_stream


def test_what_is_pinned_before_a_branch_does_not_stream_through_it():
    """Engine 1.5, 4.6."""
    graph = planned(ROUTED, pins={"emit": {"numbers": [1]}})
    assert {path for path, each in graph.tasks.items() if each.first_chunk} == {"merge", "last"}
    assert graph.tasks["route"].task.outputs["big"].readiness == "final"


def test_streams_that_part_at_a_branch_and_meet_at_a_merge_are_elastic():
    """Engine 4.5: controls count as what they pass through."""
    graph = planned(ROUTED)
    assert graph.tasks["big"].elastic == {"numbers"}
    assert graph.tasks["merge"].elastic == {"values"}
    assert graph.tasks["last"].elastic == set()


def test_what_passes_a_branch_keeps_its_type_and_is_checked():
    """Engine 3.1."""
    route = control("branch", branches=[{"name": "yes", "if": BIG}])
    graph = written(
        {"n": "test.number", "route": route, "up": "test.shout"},
        "n.result > route.value; n.result > route.score; route.yes > up.text",
    )
    (problem,) = problems(graph)
    assert problem == "Port text of Shout wants text, but port yes of Branch gives a whole number."


def test_a_branch_inside_a_compound_streams_as_well():
    body = written(
        {"route": ROUTE}, "$inputs.value > route.value; $inputs.score > route.score",
        inputs={"value": "any", "score": "int"}, outputs={"big": "route.big"},
    )  # fmt: skip
    graph = planned(
        written({"emit": "test.emit", "in": {**control("graph", body), "inputs": {"score": 1}},
                 "on": "test.double"},
                "emit.numbers > in.value; in.big > on.numbers")
    )  # fmt: skip
    assert graph.tasks["in/route"].first_chunk == {"value"}
    assert graph.tasks["on"].first_chunk == {"numbers"}


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({}, "Branch needs its setting branches."),
        ({"branches": []}, "Setting branches of Branch wants"),
        ({"branches": [{"name": "a b", "if": BIG}]}, "'a b' is no name for a branch"),
        ({"branches": [{"name": "a", "if": BIG}], "otherwise": "a"}, "Two branches are called 'a'"),
        ({"branches": [{"name": "a", "if": {"port": "x"}}]}, "The test of x is one of"),
        ({"branches": [{"name": "a"}]}, "Branch needs its setting branches[0]['if']."),
        ({"branches": [{"name": "a", "if": BIG}], "mode": "some"}, "Setting mode of Branch wants"),
    ],
)
def test_a_branch_that_makes_no_sense_is_a_problem(config, said):
    (problem,) = problems(written({"route": {"type": "flow.branch", "config": config}}))
    assert said in problem


def test_a_port_that_a_condition_asks_for_has_to_be_fed():
    (problem,) = problems(
        written({"n": "test.number", "route": ROUTE}, "n.result > route.value")
    )  # fmt: skip
    assert "Branch needs its input score" in problem


# ── merges ──────────────────────────────────────────────────────────────────────────────────────


def test_a_merge_takes_the_first_dataflow_that_is_taken():
    """Engine 3.4, 8.1."""
    graph = planned(ROUTED)
    merge = graph.tasks["merge"]
    body = control_of(merge)
    assert body.decide({"values": [False, True, True]}, 0) == 1
    assert body.decide({"values": [False]}, 0) is None
    assert body.decide({"values": [True]}, 1) is None
    assert body.settle(merge, (), [1]) == {"value": OutputOf("small", "numbers")}


def test_a_lone_dataflow_into_a_merge_passes_whole():
    graph = planned(written({"e": "test.emit", "m": "flow.merge"}, "e.numbers > m.values"))
    assert graph.tasks["m"].sources["values"] == Several((OutputOf("e", "numbers"),))
    assert graph.tasks["m"].task.outputs["value"].type == list[int]


def test_a_merge_of_different_types_gives_any_value():
    graph = planned(
        written({"e": "test.emit", "n": "test.number", "m": "flow.merge"},
                "e.numbers > m.values; n.result > m.values")
    )  # fmt: skip
    output = graph.tasks["m"].task.outputs["value"]
    assert (output.streams, output.readiness) == (False, "final")
    assert problems(written({"m": "flow.merge"})) == [
        "Merge needs its input values: draw a dataflow to it or give a value."
    ]


def test_a_merge_of_a_stream_and_a_whole_value_still_streams():
    graph = planned(
        written({"e": "test.emit", "f": "test.listed", "m": "flow.merge", "on": "test.double"},
                "e.numbers > m.values; f.result > m.values; m.value > on.numbers"),
        registry=with_listed(),
    )  # fmt: skip
    assert graph.tasks["m"].first_chunk == {"values"}
    assert graph.tasks["on"].first_chunk == {"numbers"}


@task(name="test.listed", effect="none")
def listed() -> list[int]:
    """Some numbers at once."""
    return [1]


def with_listed():
    registry = registry_of_tests()
    registry.register(listed)
    return registry


# ── fallbacks and races ─────────────────────────────────────────────────────────────────────────

INSIDE = written(
    {"here": "test.emit", "there": {"type": "test.emit", "inputs": {"count": 1}}},
    "$inputs.count > here.count", inputs={"count": "int"},
)  # fmt: skip


def test_a_fallback_unfolds_one_alternative_after_the_other():
    """Engine 8.1."""
    graph = planned(written({"fb": control("fallback", INSIDE)}) | feeding("fb"))
    fallback = control_of(graph.tasks["fb"])
    assert [fallback.decide({}, turn) for turn in range(3)] == [0, 1, None]
    assert (fallback.again_after, fallback.decides_on) == ("failure", frozenset())
    first = unfolded(graph, "fb", 0)
    (scope,) = first.scopes
    assert (scope.name, scope.paths) == ("fb/here", ("fb/here",))
    assert first.tasks["fb/here"].parent == "fb"
    assert first.tasks["fb/here"].sources["count"] == OutputOf("n", "result")
    second = unfolded(graph, "fb", 1, [scope.outputs])
    assert [*second.tasks] == ["fb/there"]
    outputs = [scope.outputs, second.scopes[0].outputs]
    settled = fallback.settle(graph.tasks["fb"], outputs, [0, 1])
    assert settled == {"numbers": OutputOf("fb/there", "numbers")}


def feeding(name):
    """Add a number to a written control."""
    tasks = [{"id": "n", "type": "test.number"}, {"id": name, **control("fallback", INSIDE)}]
    return {"tasks": tasks, "dataflows": [{"from": "n.result", "to": f"{name}.count"}]}


def test_what_all_alternatives_stream_a_fallback_streams_too():
    """Engine 4.10."""
    streams = Fallback.of(Emit, Emit).outputs["numbers"]
    assert (streams.readiness, streams.mode, streams.owner) == ("first-chunk", "append", "Fallback")
    assert [*Fallback.of(Number, Add).outputs] == ["result"]
    assert FirstOf.of(Emit, Emit).outputs["numbers"].mode is None


def test_a_race_unfolds_all_alternatives_and_settles_on_the_winner():
    """Engine 8.1."""
    race = FirstOf.of(Number, Add)
    graph = GraphBuilder("racing", registry=registry_of_tests())
    graph.add("race", race)
    found = plan(graph.definition, {}, graph.registry)
    assert (race.races, race.decide({}, 0), race.decide({}, 1)) == (True, 2, None)
    unfolding = unfolded(found, "race", 2)
    assert [each.name for each in unfolding.scopes] == ["race/number", "race/add"]
    outputs = [each.outputs for each in unfolding.scopes]
    settled = race.settle(found.tasks["race"], outputs, [2, 1])
    assert settled == {"result": OutputOf("race/add", "result")}


@pytest.mark.parametrize("kind", ["graph", "map", "fallback"])
def test_a_race_refuses_what_may_run_only_once_however_deep(kind):
    """Engine 8.1."""

    @task(name="test.pay", effect="once")
    def pay(item: int) -> int:
        return item

    inside = written({"pay": "test.pay"}, "$inputs.item > pay.item", inputs={"item": "int"})
    config = {"over": ["item"]} if kind == "map" else {}
    if kind != "fallback":
        inside["outputs"] = [{"name": "result", "from": "pay.result"}]
    registry = registry_of_tests()
    registry.register(pay)
    body = written({"deep": control(kind, inside, **config)}, "$inputs.item > deep.item",
                   inputs={"item": "list[int]" if kind == "map" else "int"})  # fmt: skip
    tasks = {"race": {**control("first_of", body), "inputs": {"item": [1] if kind == "map" else 1}}}
    (problem,) = problems(written(tasks), registry)
    assert "deep/pay may run only once, so it cannot race" in problem


@pytest.mark.parametrize(
    ("graph", "said"),
    [
        (written({}), "Fallback needs at least one alternative"),
        (written({"a": {"type": "test.add", "disabled": True}}), "at least one alternative"),
        (written({"a": "test.emit", "b": "test.double"}, "a.numbers > b.numbers"),
         "take the dataflow from a.numbers to b.numbers away"),
        (written({"a": "test.add"}, outputs={"x": "a.result"}), "its graph names none"),
        (written({"a": "test.add", "b": "test.emit"}), "share no output"),
    ],
)  # fmt: skip
def test_alternatives_that_make_no_sense_are_a_problem(graph, said):
    (problem,) = problems(written({"fb": control("fallback", graph)}))
    assert said in problem


def test_controls_refuse_to_run_as_bodies():
    with pytest.raises(DefinitionError, match="Merge is a merge; it has no body"):
        Merge().execute({}, None)
    with pytest.raises(ValueFault, match="A fallback needs the graph that it runs"):
        Fallback.build({}, None, registry_of_tests())
    with pytest.raises(ValueFault, match="Merge takes no graph of its own"):
        Merge.build({}, GraphDefinition(), registry_of_tests())


# ── in code ─────────────────────────────────────────────────────────────────────────────────────


def test_choices_built_in_code_read_back_the_same():
    graph = GraphBuilder("choosing", registry=registry_of_tests())
    emit = graph.add("emit", Emit, count=5)
    total = graph.add("total", Total, numbers=emit.numbers)
    cases = [{"name": "big", "if": BIG}, {"name": "small", "if": SMALL}]
    route = graph.add("route", Branch({"branches": cases}), value=emit.numbers, score=total.result)
    big = graph.add("big", Fallback.of(Double, Double), numbers=route.big)
    merged = graph.add("merge", Merge, values=[big.numbers, route.small])
    graph.add("note", Note, values=[graph.add("sum", Total, numbers=merged.value).result])
    graph.output("numbers", merged.value)
    text = graph.definition.to_json()
    again = GraphDefinition.from_json(text)
    assert again.to_json() == text
    assert json.loads(text)["tasks"][3]["type"] == "flow.fallback"
    assert plan(again, {}, graph.registry).tasks["merge"].first_chunk == {"values"}


def test_a_route_unfolds_nothing():
    graph = planned(ROUTED)
    with pytest.raises(DefinitionError, match="route does not unfold"):
        unfolded(graph, "route", ["big"])
    assert Branch.build(ROUTE["config"], None, registry_of_tests()).fed({}).outputs.keys() == {
        "big", "small",
    }  # fmt: skip
    assert Merge().fed({}).outputs.keys() == {"value"}


def test_a_branch_of_a_given_value_passes_any_value():
    cases = [{"name": "yes", "if": {"port": "value", "is": "true"}}]
    given = {**control("branch", branches=cases), "inputs": {"value": True}}
    graph = planned(written({"route": given}, outputs={"yes": "route.yes"}))
    assert control_of(graph.tasks["route"]).decide({"value": True}, 0) == ["yes"]


def test_alternatives_that_stream_differently_give_a_final_value():
    """Engine 4.10."""
    fallback = Fallback.of(listed, Listing)
    assert (fallback.outputs["result"].mode, fallback.outputs["result"].readiness) == (
        None,
        "final",
    )


class Listing(Emit):
    """Numbers as a stream, under another name."""

    name = "test.listing"

    class Outputs(Ports):
        result: list[int]

    @staticmethod
    def streaming():
        return {"result": Stream()}


def test_a_race_of_workflows_looks_into_them_once():
    """Engine 8.1."""
    itself = written({"again": control("subgraph", workflow="itself"), "pay": "test.paid"})
    registry = registry_of_tests()
    registry.register(paid)
    registry = registry.with_workflows({"itself": GraphDefinition.from_json(
        json.dumps({"v": 1, **itself}))})  # fmt: skip
    race = written({"a": control("subgraph", workflow="itself")})
    (problem,) = problems(written({"race": control("first_of", race)}), registry)
    assert "a/pay may run only once" in problem or "a/again/pay may run only once" in problem


@task(name="test.paid", effect="once")
def paid() -> int:
    """Something that must not happen twice."""
    return 1
