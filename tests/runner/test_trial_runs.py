"""Trial runs: only this, to here, and pinned outputs."""

import pytest

from runner.errors import InputsError, PlanError, RunnerError
from runner.graph.planning import unfold
from runner.graph.task_graph import ERROR_PORT, Constant, ItemOf, OutputOf, Several
from tests.planned import control, control_of, planned, written

CHAIN = written(
    {"a": "test.number", "b": "test.add", "c": "test.add", "side": "test.number"},
    "$inputs.start > a.value; a.result > b.values; b.result > c.values; side.result > c.values",
    inputs={"start": "int"}, outputs={"end": "c.result", "middle": "b.result"},
)  # fmt: skip


def test_a_whole_run_is_no_trial():
    graph = planned(CHAIN, {"start": 1})
    assert (graph.trial, graph.pinned, graph.left_out) == (False, (), ())


def test_until_runs_a_task_and_all_that_it_needs():
    """Engine 1.5."""
    graph = planned(CHAIN, {"start": 1}, until=["b"])
    assert [*graph.tasks] == ["a", "b"]
    assert (graph.trial, graph.left_out) == (True, ("side", "c"))
    assert [*graph.outputs] == ["middle"]


def test_only_runs_a_task_with_what_was_pinned():
    """Engine 1.5."""
    graph = planned(CHAIN, only=["b"], pins={"a": {"result": 5}})
    assert [*graph.tasks] == ["b"]
    assert graph.tasks["b"].sources["values"] == Several((Constant("5"),))
    assert (graph.pinned, graph.left_out) == (("a",), ("side", "c"))


def test_what_a_pinned_task_needs_does_not_run_for_it():
    graph = planned(CHAIN, until=["c"], pins={"b": {"result": 7}})
    assert [*graph.tasks] == ["side", "c"]
    assert graph.outputs["middle"] == Constant("7")


def test_pins_alone_run_the_rest():
    graph = planned(CHAIN, {"start": 1}, pins={"side": {"result": 0}})
    assert [*graph.tasks] == ["a", "b", "c"]
    assert (graph.trial, graph.pinned) == (True, ("side",))


def test_only_and_until_add_up():
    graph = planned(CHAIN, {"start": 1}, only=["side"], until=["b"])
    assert {*graph.tasks} == {"a", "b", "side"}
    graph = planned(CHAIN, {"start": 1}, only=["b"], until=["c"])
    assert {*graph.tasks} == {"a", "b", "c", "side"}


def test_an_error_may_be_pinned():
    """Engine 3.3."""
    graph = planned(
        written({"a": "test.number", "m": "flow.merge", "needs": "test.add"},
                "a.[error] > m.values; a.result > needs.values"),
        pins={"a": {ERROR_PORT: {"type": "OSError", "message": "no", "task": "a"}}},
    )  # fmt: skip
    assert graph.tasks["m"].sources["values"] == Several(
        (Constant('{"type":"OSError","message":"no","task":"a"}'),)
    )
    assert "needs" in graph.tasks


def test_a_pinned_list_is_what_a_map_goes_over():
    body = written({"n": "test.number"}, "$inputs.item > n.value",
                   inputs={"item": "int"}, outputs={"r": "n.result"})  # fmt: skip
    graph = planned(
        written({"emit": "test.emit", "each": control("map", body, over=["item"])},
                "emit.numbers > each.item"),
        pins={"emit": {"numbers": [1, 2]}},
    )  # fmt: skip
    assert graph.tasks["each"].sources == {"item": Constant("[1,2]")}


@pytest.mark.parametrize(
    ("trial", "said"),
    [
        ({"only": ["b"]}, "b takes 'result' of a, which does not run; pin a, or run it too."),
        ({"only": ["x"]}, "There is no task 'x'; there is a, b, c, side."),
        ({"until": ["x"]}, "There is no task 'x'"),
        ({"pins": {"x": {}}}, "There is no task 'x'"),
        ({"pins": {"a": {"x": 1}}}, "a has no output 'x'; it has result."),
        ({"pins": {"a": {"result": "b"}}}, "Port result of Number wants a whole number, not"),
        ({"only": ["c"], "pins": {"b": {"result": 1}}}, "pin side, or run it too"),
    ],
)
def test_a_trial_that_cannot_run_says_what_to_do(trial, said):
    with pytest.raises(PlanError) as caught:
        planned(CHAIN, {"start": 1}, **trial)
    assert said in caught.value.sentence


def test_a_trial_asks_only_for_inputs_that_it_needs():
    assert [*planned(CHAIN, only=["side"]).tasks] == ["side"]
    with pytest.raises(InputsError, match="needs its input start"):
        planned(CHAIN, until=["a"])
    with pytest.raises(InputsError, match="wants a whole number"):
        planned(CHAIN, {"start": "x"}, only=["side"])


def test_a_disabled_task_does_not_keep_a_trial_from_running():
    """Engine 1.5: a disabled task is skipped."""
    graph = planned(
        written({"off": {"type": "test.number", "disabled": True}, "add": "test.add"},
                "off.result > add.values"),
        only=["add"],
    )  # fmt: skip
    assert graph.left_out == ("off",)
    assert graph.tasks["add"].sources["values"] == Constant("[]")


def test_a_pinned_task_is_not_planned_and_what_it_does_not_give_is_not_taken():
    graph = planned(
        written({"emit": "test.emit", "on": "test.double"}, "emit.numbers > on.numbers"),
        pins={"emit": {}},
    )
    assert graph.skipped == ("on",)
    assert OutputOf("emit", "numbers") not in graph.outputs.values()


# ── one item of a map ───────────────────────────────────────────────────────────────────────────

BODY = written({"n": "test.number"}, "$inputs.item > n.value",
               inputs={"item": "int"}, outputs={"r": "n.result"})  # fmt: skip
EACH = written({"emit": "test.emit", "each": control("map", BODY, over=["item"])},
               "emit.numbers > each.item", outputs={"all": "each.r"})  # fmt: skip


def test_one_item_of_a_map_is_unfolded_as_its_first():
    graph = planned(EACH, only=["each"], pins={"emit": {"numbers": [5, 6, 7]}}, items={"each": 2})
    each = graph.tasks["each"]
    unfolding = unfold(each, control_of(each).decide({"item": [5, 6, 7]}, 0))
    assert [*unfolding.tasks] == ["each[0]/n"]
    assert unfolding.tasks["each[0]/n"].sources["value"] == ItemOf("each", "item", 2)
    assert (graph.trial, graph.left_out) == (True, ())


def test_one_item_waits_for_the_whole_list_and_leaves_the_map_as_it_was():
    whole = planned(EACH)
    alone = planned(EACH, items={"each": 1})
    assert whole.tasks["each"].first_chunk == {"item"}
    assert alone.tasks["each"].first_chunk == set()
    assert control_of(planned(EACH).tasks["each"]).decide({"item": [1, 2]}, 0) == 2


def test_an_item_that_is_not_there_is_a_failure_that_says_how_many_there_are():
    each = control_of(planned(EACH, items={"each": 3}).tasks["each"])
    with pytest.raises(RunnerError, match="Map has no item 4: its list has 1 item"):
        each.decide({"item": [1]}, 0)


@pytest.mark.parametrize(
    ("items", "said"),
    [({"emit": 0}, "emit is no map; only of a map can one item be run."),
     ({"x": 0}, "There is no task 'x'"), ({"each": -1}, "Items are counted from 0.")],
)  # fmt: skip
def test_an_item_of_what_is_no_map_is_refused(items, said):
    with pytest.raises(PlanError) as caught:
        planned(EACH, items=items)
    assert said in caught.value.sentence
