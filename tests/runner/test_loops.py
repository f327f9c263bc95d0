"""Map, Reduce, While: what is decided, unfolded and settled, turn by turn."""

import pytest

from runner.errors import DefinitionError, RunnerError
from runner.graph.building import GraphBuilder
from runner.graph.control import Control
from runner.graph.definition import GraphDefinition
from runner.graph.loops import ITEMS_AT_MOST, Map, Reduce, While
from runner.graph.planning import plan, unfold
from runner.graph.ports import Chunks
from runner.graph.task import task
from runner.graph.task_graph import Constant, ItemOf, OutputOf, Several
from tests.planned import control, control_of, planned, problems, unfolded, written
from tests.tasks import Add, Emit, Number, registry_of_tests

ADD = written(
    {"add": "test.add"}, "$inputs.total > add.values; $inputs.item > add.values",
    inputs={"total": "int", "item": "int"}, outputs={"total": "add.result"},
)  # fmt: skip
STEP = written(
    {"add": "test.add"}, "$inputs.n > add.values; $inputs.by > add.values",
    inputs={"n": "int", "by": "int"}, outputs={"n": "add.result"},
)  # fmt: skip
BELOW = {"port": "n", "is": "<", "value": 3}


# ── maps ────────────────────────────────────────────────────────────────────────────────────────


def mapping(over="total", **config):
    items = {"total": [1, 2], "item": 5} if over == "total" else {"total": 5}
    each = {**control("map", ADD, over=[over], **config), "inputs": items}
    return written({"emit": "test.emit", "each": each})


def test_a_map_decides_how_many_items_there_are():
    """Engine 8.1."""
    each = control_of(planned(mapping()).tasks["each"])
    assert (each.decide({"total": [1, 2]}, 0), each.decide({"total": [1]}, 1)) == (2, None)
    assert each.decides_on == {"total"}
    assert (each.limit, each.again_after) == (8, "never")
    with pytest.raises(RunnerError, match=f"more than {ITEMS_AT_MOST} items"):
        each.decide({"total": range(ITEMS_AT_MOST + 1)}, 0)


def test_a_map_over_lists_of_different_lengths_says_so():
    both = Map.of(Add, over=["values"])
    both.over = ("values", "more")
    with pytest.raises(RunnerError, match=r"differ in length: values has 1, more has 2\."):
        both.decide({"values": [1], "more": [1, 2]}, 0)


def test_a_map_settles_with_null_where_an_item_gives_nothing():
    """Engine 4.10: items stay aligned."""
    each = planned(mapping()).tasks["each"]
    settled = control_of(each).settle(each, [{}, {"total": OutputOf("each[1]/add", "result")}], [2])
    sources = (Constant("null"), OutputOf("each[1]/add", "result"))
    assert settled == {"total": Several(sources, aligned=True)}


def test_a_map_over_a_stream_takes_item_after_item():
    """Engine 4.10: over a stream, item i starts at chunk i."""
    graph = planned(mapping(over="item") | {"dataflows": [
        {"from": "emit.numbers", "to": "each.item"}]})  # fmt: skip
    each = graph.tasks["each"]
    assert (each.first_chunk, each.decides_on) == (frozenset({"item"}), frozenset())
    first = unfolded(graph, "each", 1)
    assert [*first.tasks] == ["each[0]/add"]
    second = unfolded(graph, "each", 2, [first.scopes[0].outputs])
    assert [*second.tasks] == ["each[1]/add"]
    assert second.tasks["each[1]/add"].sources["values"] == Several(
        (Constant("5"), ItemOf("each", "item", 1))
    )


def test_lists_that_go_side_by_side_are_counted_first():
    both = control("map", ADD, over=["total", "item"])
    graph = planned(
        written({"a": "test.emit", "b": "test.emit", "each": both},
                "a.numbers > each.total; b.numbers > each.item")
    )  # fmt: skip
    assert graph.tasks["each"].first_chunk == set()
    assert graph.tasks["each"].decides_on == {"total", "item"}


def test_a_stream_that_every_item_reads_passes_through_a_map():
    """Engine 4.6: a first chunk goes through a map."""
    body = written(
        {"double": "test.double"}, "$inputs.numbers > double.numbers",
        inputs={"numbers": "any", "item": "int"}, outputs={"numbers": "double.numbers"},
    )  # fmt: skip
    each = {**control("map", body, over=["item"]), "inputs": {"item": [1]}}
    graph = planned(written({"emit": "test.emit", "each": each}, "emit.numbers > each.numbers"))
    assert graph.tasks["each"].first_chunk == {"numbers"}
    inside = unfolded(graph, "each", 1).tasks["each[0]/double"]
    assert inside.first_chunk == inside.elastic == {"numbers"}
    assert inside.dependencies == ("emit",)


def test_a_map_streams_its_results_if_it_is_told_to():
    """Engine 4.10."""
    plain, ordered = (control_of(planned(mapping(**each)).tasks["each"]).outputs["total"]
                      for each in ({}, {"stream": True}))  # fmt: skip
    assert (plain.readiness, plain.mode) == ("final", None)
    assert (ordered.readiness, ordered.mode, ordered.chunk_type) == ("first-chunk", "append", int)
    finished = control_of(planned(mapping(as_finished=True)).tasks["each"]).outputs["total"]
    chunks = [finished.chunk([1, 20]), finished.chunk([0, 10])]
    assert finished.aggregate(chunks) == "[10,20]"


# ── reduce ──────────────────────────────────────────────────────────────────────────────────────


def reducing(**config):
    added = {**control("reduce", ADD, over=["item"], **config), "inputs": {"total": 0}}
    return written({"emit": "test.emit", "sum": added}, "emit.numbers > sum.item",
                   outputs={"total": "sum.total"})  # fmt: skip


def test_a_reduce_hands_on_what_the_item_before_gave():
    """Engine 8.1."""
    graph = planned(reducing())
    found = unfolded(graph, "sum", 2)
    assert [each.name for each in found.scopes] == ["sum[0]", "sum[1]"]
    first, second = (found.tasks[f"sum[{index}]/add"].sources["values"] for index in (0, 1))
    assert first == Several((Constant("0"), ItemOf("sum", "item", 0)))
    assert second == Several((OutputOf("sum[0]/add", "result"), ItemOf("sum", "item", 1)))
    scopes = [each.outputs for each in found.scopes]
    body = control_of(graph.tasks["sum"])
    assert body.settle(graph.tasks["sum"], scopes, [2]) == {
        "total": OutputOf("sum[1]/add", "result")
    }


def test_a_reduce_of_nothing_gives_what_it_started_with():
    """Engine 8.1."""
    graph = planned(reducing())
    assert unfolded(graph, "sum", 0).tasks == {}
    sum_ = graph.tasks["sum"]
    assert control_of(sum_).settle(sum_, (), [0]) == {"total": Constant("0")}


def test_a_reduce_goes_on_where_it_stood():
    graph = planned(reducing())
    scopes = [each.outputs for each in unfolded(graph, "sum", 2).scopes]
    rest = unfolded(graph, "sum", 3, scopes)
    assert rest.tasks["sum[2]/add"].dependencies == ("sum[1]/add",)


# ── while ───────────────────────────────────────────────────────────────────────────────────────


def looping(condition=BELOW, **config):
    loop = control("while", STEP, condition=condition, **config)
    return written({"n": "test.number", "loop": {**loop, "inputs": {"by": 1}}},
                   "n.result > loop.n", outputs={"n": "loop.n"})  # fmt: skip


def test_a_while_is_tested_first_and_before_every_turn():
    """Engine 8.1."""
    loop = control_of(planned(looping()).tasks["loop"])
    assert (loop.decides_on, loop.again_after) == (frozenset({"n"}), "success")
    assert loop.decide({"n": 2}, 0) is True
    assert loop.decide({"n": 3}, 0) is None


def test_each_turn_begins_with_the_state_after_the_one_before():
    graph = planned(looping())
    first = unfolded(graph, "loop", True)
    assert first.tasks["loop[0]/add"].sources["values"] == Several(
        (OutputOf("n", "result"), Constant("1"))
    )
    scopes = [first.scopes[0].outputs]
    second = unfolded(graph, "loop", True, scopes)
    assert second.tasks["loop[1]/add"].sources["values"] == Several(
        (OutputOf("loop[0]/add", "result"), Constant("1"))
    )
    loop = graph.tasks["loop"]
    assert control_of(loop).current(loop, scopes)["n"] == OutputOf("loop[0]/add", "result")
    assert control_of(loop).current(loop, ())["n"] == OutputOf("n", "result")


def test_a_while_settles_on_the_state_after_its_last_turn():
    graph = planned(looping())
    loop = graph.tasks["loop"]
    body = control_of(loop)
    assert body.settle(loop, (), ()) == {"n": OutputOf("n", "result")}
    scopes = [{"n": OutputOf("loop[0]/add", "result")}, {"n": OutputOf("loop[1]/add", "result")}]
    assert body.settle(loop, scopes, [True, True]) == {"n": OutputOf("loop[1]/add", "result")}
    assert body.settle(loop, [*scopes, {}], [True] * 3) == {}
    assert body.outputs["n"].readiness == "final"


def test_a_while_fails_loudly_at_its_limit():
    """Engine 8.1."""
    loop = control_of(planned(looping(limit=2)).tasks["loop"])
    assert loop.decide({"n": 0}, 1) is True
    with pytest.raises(RunnerError, match="While would go on after 2 turns, which is its limit"):
        loop.decide({"n": 0}, 2)
    assert loop.decide({"n": 9}, 2) is None


# ── what makes no sense ─────────────────────────────────────────────────────────────────────────

NO_INPUT = written({"n": "test.number"}, outputs={"other": "n.result"}, inputs={"item": "int"})
WRONG_TYPE = written({"e": "test.emit"}, inputs={"n": "int"}, outputs={"n": "e.numbers"})


@pytest.mark.parametrize(
    ("kind", "graph", "config", "said"),
    [
        ("map", ADD, {"over": ["x"]}, "The map goes over 'x', but the inputs of its graph are"),
        ("reduce", ADD, {"over": ["x"]}, "The reduce goes over 'x', but"),
        ("reduce", ADD, {"over": ["total"]}, "goes over 'total' and hands it on too"),
        ("reduce", NO_INPUT, {"over": ["item"]}, "has no input of that name; add one"),
        ("while", NO_INPUT, {"condition": BELOW}, "has no input of that name; add one"),
        ("while", WRONG_TYPE, {"condition": BELOW}, "wants a whole number, but its output gives"),
        ("while", ADD, {"condition": BELOW}, "reads 'n', but the inputs of its graph are total"),
        ("while", STEP, {"condition": {}}, "A condition names the port it reads"),
        ("while", STEP, {"condition": BELOW, "limit": 0}, "wants a whole number of at least 1"),
        ("while", STEP, {}, "While needs its setting condition"),
    ],
)
def test_a_loop_that_makes_no_sense_is_a_problem(kind, graph, config, said):
    (problem,) = problems(written({"loop": control(kind, graph, **config)}))
    assert said in problem


def test_controls_without_a_graph_or_a_body_say_so():
    (problem,) = problems(written({"loop": control("while", condition=BELOW)}))
    assert "A while needs the graph that it runs" in problem
    with pytest.raises(DefinitionError, match="is a reduce; it has no body of its own"):
        Reduce.of(adding(), over=["item"]).execute({}, None)
    with pytest.raises(DefinitionError, match="n is no control and does not unfold"):
        unfolded(planned(looping()), "n", 1)


# ── in code ─────────────────────────────────────────────────────────────────────────────────────


@task(name="test.plus", effect="none")
def plus(total: int, item: int) -> dict[str, int]:
    """A sum."""
    return {"total": total + item}


def adding():
    body = GraphBuilder("adding", registry=registry_of_tests())
    total, item = body.input("total", "int"), body.input("item", "int")
    body.output("total", body.add("add", Add, values=[total, item]).result)
    return body


def test_loops_built_in_code_are_short_and_read_back_the_same():
    graph = GraphBuilder("looping", registry=registry_of_tests())
    emit = graph.add("emit", Emit, count=4)
    each = graph.add("each", Map.of(adding(), over=["item"]), item=emit.numbers, total=1)
    total = graph.add("sum", Reduce.of(adding(), over=["item"]), item=each.total, total=0)
    below = {"port": "total", "is": "<", "value": 100}
    loop = graph.add("loop", While.of(adding(), condition=below), total=total.total, item=1)
    graph.output("total", loop.total)
    text = graph.definition.to_json()
    again = GraphDefinition.from_json(text)
    assert again.to_json() == text
    assert [*plan(again, {}, graph.registry).tasks] == ["emit", "each", "sum", "loop"]


def test_a_task_alone_may_be_the_body_of_a_map():
    each = Map.of(Number, over=["value"], limit=2)
    assert each.inputs["value"].type == list[int]
    assert (each.limit, [*each.outputs], each.definition.name) == (2, ["result"], "number")


def test_a_body_in_code_keeps_the_ports_that_read_streams():
    @task(name="test.count", effect="none")
    async def count(numbers: Chunks[int], item: int) -> int:
        return item

    assert Map.of(count, over=["item"]).hands_on == {"numbers"}


def test_every_loop_begins_with_its_inputs():
    for graph, path in ((mapping(), "each"), (reducing(), "sum"), (looping(), "loop")):
        task = planned(graph).tasks[path]
        assert control_of(task).current(task, ()) == task.sources


def test_a_stream_from_outside_that_nobody_finds_has_ended():
    body = written({"double": "test.double"}, "$inputs.numbers > double.numbers",
                   inputs={"numbers": "any", "item": "int"})  # fmt: skip
    each = {**control("map", body, over=["item"]), "inputs": {"item": [1]}}
    graph = planned(written({"emit": "test.emit", "each": each}, "emit.numbers > each.numbers"))
    assert unfold(graph.tasks["each"], 1).tasks["each[0]/double"].first_chunk == set()


def test_a_control_of_ones_own_has_to_decide_and_settle():
    own = Control(None, registry_of_tests())
    task = planned(mapping()).tasks["each"]
    for ask in (lambda: own.decide({}, 0), lambda: own.settle(task, (), ())):
        with pytest.raises(NotImplementedError):
            ask()
