"""Nesting: graphs inside graphs run to depth 32, and are refused from 33 on (T15)."""

import pytest

from runner.errors import DefinitionError, PlanError
from runner.execution import run_log
from runner.graph.checking import check_nesting
from runner.graph.planning import plan
from tests.drive import drive, outputs_of
from tests.handshake import log_of, registry_with, text_of
from tests.nesting import nested
from tests.planned import control, written
from tests.saving import live
from tests.tasks import registry_of_tests


@pytest.mark.parametrize("depth", range(1, 33))
async def test_compounds_nest_to_depth_32(depth):
    """Engine 2.7."""
    definition = nested(depth)
    assert definition.check(registry_of_tests()) == []
    run = await drive(definition.to_json(), {"value": 7})
    assert outputs_of(run) == {"sum": 7}
    assert set(run.checkpoints) >= {"/".join(["in"] * depth + ["sum"])}


async def test_a_map_inside_31_graphs_runs():
    """Engine 2.7, 8.1."""
    run = await drive(nested(32, "flow.map").to_json(), {"value": [1, 2]})
    assert outputs_of(run) == {"sum": [1, 2]}


@pytest.mark.parametrize("kind", ["flow.graph", "flow.map"])
def test_depth_33_is_refused_with_a_sentence(kind):
    """Engine 2.7."""
    deep = nested(33, kind)
    with pytest.raises(DefinitionError, match="nest nests graphs deeper than 32 levels"):
        check_nesting(deep)
    (problem,) = deep.check(registry_of_tests())
    assert problem.sentence == "nest nests graphs deeper than 32 levels, or contains itself."
    with pytest.raises(PlanError, match="deeper than 32 levels"):
        plan(deep, {"value": 1}, registry_of_tests())


@pytest.mark.parametrize("crashes", [[], [1], [2], [3], [2, 1], [1, 1, 1]])
async def test_a_compound_around_an_empty_one_ends_and_the_empty_one_before_it(
    crashes, monkeypatch
):
    """Engine 5.3."""
    monkeypatch.setattr(run_log, "BATCH_ENTRIES", 1)
    empty = control("graph", written({}))
    around = control("graph", written({"number": "test.number", "empty": empty}))
    alone = control("graph", written({"empty": empty}))
    run = await live(text_of(written({"around": around, "alone": alone})), crashes, registry_with())
    ended = [path for kind, path in log_of(run) if kind == "TaskCompleted"]
    for outer in ("around", "alone"):
        assert ended.count(outer) == ended.count(f"{outer}/empty") == 1
        assert ended.index(f"{outer}/empty") < ended.index(outer)
