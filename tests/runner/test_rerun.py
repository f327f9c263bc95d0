"""What a rerun keeps and runs again, as a table and as a property."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import PlanError
from runner.graph.definition import GraphDefinition
from runner.graph.planning import plan
from runner.run.rerun import GoneOnStream, Rerun, RerunMode, changed_workflows, rerun_of
from tests import strategies
from tests.drive import definition_of
from tests.tasks import registry_of_tests

CHAIN = ["a", "b", "c", "d"]
N = [{"name": "n", "type": "int", "default": 1}]


def number(name, **more):
    return {"id": name, "type": "test.add", **more}


def chain(**more):
    """Draw a → b → c, and d beside them; `a` takes the input n."""
    tasks = [number(each, **more.get(each, {})) for each in CHAIN]
    flows = [("$inputs.n", "a.values"), ("a.result", "b.values"), ("b.result", "c.values")]
    return definition_of(tasks, flows, inputs=N, **more.get("graph", {}))


def mapped(**inner):
    """Draw numbers → a map over them → the sum."""
    body = {
        "inputs": [{"name": "n", "type": "int"}],
        "tasks": [number("x", **inner), number("y")],
        "dataflows": [
            {"from": "$inputs.n", "to": "x.values"},
            {"from": "x.result", "to": "y.values"},
        ],
        "outputs": [{"name": "all", "from": "y.result"}],
    }
    over = {"id": "m", "type": "flow.map", "config": {"over": ["n"]}, "graph": body}
    listed = {"name": "ns", "type": "list[int]"}
    flows = [("$inputs.ns", "m.n"), ("m.all", "s.values")]
    return definition_of([over, number("s")], flows, inputs=[listed])


def planned(text, **inputs):
    return plan(GraphDefinition.from_json(text), inputs, registry_of_tests())


def rerun(old, new=None, *, completed=(), mode="failed", **more) -> Rerun:
    return rerun_of(old, new or old, mode=RerunMode(mode), completed=frozenset(completed), **more)


@pytest.mark.parametrize(
    ("mode", "version", "inputs", "kept", "new_run"),
    [
        ("resume", "same", 1, "abd", False),
        ("resume", "same", 2, "d", True),
        ("resume", "latest", 1, "ad", True),
        ("resume", "latest", 2, "d", True),
        ("failed", "same", 1, "abd", False),
        ("failed", "same", 2, "d", True),
        ("failed", "latest", 1, "ad", True),
        ("failed", "latest", 2, "d", True),
        ("task", "same", 1, "ad", True),
        ("task", "same", 2, "d", True),
        ("task", "latest", 1, "ad", True),
        ("task", "latest", 2, "d", True),
        ("start", "same", 1, "", True),
        ("start", "same", 2, "", True),
        ("start", "latest", 1, "", True),
        ("start", "latest", 2, "", True),
    ],
)
def test_the_matrix(mode, version, inputs, kept, new_run):
    """Engine 7.6: the latest version changes b; the other input reaches a; c had failed."""
    old = planned(chain(), n=1)
    text = chain() if version == "same" else chain(b={"config": {"yields": 1}})
    found = rerun(
        old, planned(text, n=inputs), mode=mode, completed="abd", chosen="b", edited=inputs != 1
    )
    assert ("".join(sorted(found.kept)), found.new_run) == (kept, new_run)
    assert set(found.kept) | set(found.runs) == set(CHAIN)


@pytest.mark.parametrize(
    "change",
    [
        {"b": {"title": "Another name"}},
        {"graph": {"title": "Another name"}},
        {"graph": {"outputs": {"sum": "c.result"}}},
    ],
)
def test_what_no_task_sees_changes_nothing(change):
    """R16."""
    found = rerun(planned(chain(), n=1), planned(chain(**change), n=1), completed="abcd")
    assert sorted(found.kept) == CHAIN


@pytest.mark.parametrize(
    "change", [{"type": "test.note"}, {"config": {"yields": 2}}, {"inputs": {"values": [5]}}]
)
def test_what_a_task_sees_makes_it_run_and_all_that_follow(change):
    old = definition_of([number("a"), number("b")], [("a.result", "b.values")])
    new = definition_of([number("a", **change), number("b")], [("a.result", "b.values")])
    found = rerun(planned(old), planned(new), completed="ab")
    assert (found.kept, found.runs) == ((), ("a", "b"))


def test_what_was_inside_of_a_workflow_is_not_what_is_drawn_in_its_place():
    """Engine 7.6: `a/x` ran as a part of a workflow; now a compound is drawn there."""
    body = GraphDefinition.from_json(definition_of([number("x")]))
    sub = {"id": "a", "type": "flow.subgraph", "config": {"workflow": "w"}}
    registry = registry_of_tests().with_workflows({"w": body})
    old = plan(GraphDefinition.from_json(definition_of([sub])), {}, registry)
    inside = {"id": "a", "type": "flow.graph", "graph": {"tasks": [number("x")]}}
    found = rerun(old, planned(definition_of([inside])), completed=["a", "a/x"])
    assert (found.kept, found.runs) == ((), ("a/x",))


def test_another_dataflow_or_a_new_task_runs():
    flows = [("a.result", "b.values")]
    old = planned(definition_of([number("a"), number("b"), number("c")], flows))
    more = [("a.result", "b.values"), ("a.result", "c.values"), ("c.result", "e.values")]
    new = planned(definition_of([number("a"), number("b"), number("c"), number("e")], more))
    found = rerun(old, new, completed="abc")
    assert (found.kept, found.runs) == (("a", "b"), ("c", "e"))


def test_a_type_of_another_version_runs_wherever_it_stands():
    """Also within a compound, a map or a workflow."""
    old = planned(mapped(), ns=[1])
    found = rerun(old, completed={"m", "s"}, types=frozenset({"test.add"}), mode="task", chosen="s")
    other = rerun(old, completed={"m", "s"}, types=frozenset({"test.no"}), mode="task", chosen="s")
    assert (found.kept, other.kept) == ((), ("m",))
    pins = {"used": definition_of([number("x")]), "other": definition_of([number("y")])}
    assert changed_workflows(pins, pins, {"test.add"}) == {"used", "other"}
    assert changed_workflows(pins, pins, {"test.no"}) == frozenset()


def test_nothing_can_be_kept_of_a_version_that_cannot_be_planned():
    found = rerun(None, planned(chain(), n=1), completed=CHAIN)
    assert (found.kept, found.new_run) == ((), True)


def test_a_chosen_compound_stands_for_all_in_it():
    graph = {
        "inputs": [],
        "tasks": [number("x"), number("y")],
        "dataflows": [{"from": "x.result", "to": "y.values"}],
        "outputs": [{"name": "sum", "from": "y.result"}],
    }
    group = {"id": "g", "type": "flow.graph", "graph": graph}
    old = planned(definition_of([group, number("z"), number("gg")], [("g.sum", "z.values")]))
    completed = {"g", "g/x", "g/y", "z", "gg"}
    whole = rerun(old, completed=completed, mode="task", chosen="g")
    part = rerun(old, completed=completed, mode="task", chosen="g/y")
    assert whole.kept == ("gg",)
    assert part.kept == ("g/x", "gg")


@pytest.mark.parametrize("chosen", ["nobody", "", "aa"])
def test_a_rerun_cannot_begin_where_nothing_is(chosen):
    with pytest.raises(PlanError, match=f"There is no task '{chosen}'"):
        rerun(planned(chain(), n=1), mode="task", chosen=chosen)


def test_a_map_is_kept_as_a_whole_or_not_at_all():
    old = planned(mapped(), ns=[1, 2])
    inside = {"m[0]/x", "m[0]/y", "m[1]/x"}
    whole = rerun(old, completed={*inside, "m", "s"}, mode="task", chosen="s")
    part = rerun(old, completed={*inside, "s"}, mode="task", chosen="s")
    assert (whole.kept, part.kept) == (("m",), ())


@pytest.mark.parametrize(
    ("new", "chosen"),
    [
        (planned(mapped(config={"yields": 1}), ns=[1, 2]), ""),
        (planned(mapped(), ns=[1, 3]), ""),
        (planned(mapped(), ns=[1, 2]), "m[1]/x"),
    ],
)
def test_a_map_that_is_another_or_chosen_runs(new, chosen):
    mode, old = "task" if chosen else "failed", planned(mapped(), ns=[1, 2])
    found = rerun(old, new, completed={"m", "s"}, mode=mode, chosen=chosen, edited=True)
    assert found.kept == ()


def test_a_changed_workflow_changes_the_task_that_runs_it():
    used = definition_of([number("x")])
    calls = definition_of([{"id": "c", "type": "flow.subgraph", "config": {"workflow": "used"}}])
    old = {"used": used, "calls": calls, "other": used}
    new = old | {"used": definition_of([number("y")])}
    assert changed_workflows(old, new) == {"used", "calls"}
    assert changed_workflows(old, old) == frozenset()


@pytest.mark.parametrize(
    ("mode", "completed", "sentence"),
    [
        ("failed", "abd", "The run goes on: it runs c; 3 tasks are kept."),
        ("failed", "abcd", "The run goes on: it has nothing to run; 4 tasks are kept."),
        ("task", "abcd", "A new run runs d; 3 tasks are kept."),
        ("start", "abcd", "A new run runs a, d, b and 1 more; nothing is kept."),
    ],
)
def test_a_preview_is_said_in_one_sentence(mode, completed, sentence):
    found = rerun(planned(chain(), n=1), completed=completed, mode=mode, chosen="d")
    assert found.sentence == sentence


@given(strategies.definitions(), st.data())
def test_what_is_kept_was_done_and_stands_on_what_is_kept(definition, data):
    """Engine 7.6: kept tasks are completed, unchanged, not downstream of what runs."""
    graph = planned(definition)
    completed = data.draw(st.sets(st.sampled_from(sorted(graph.tasks))))
    chosen = data.draw(st.sampled_from(sorted(graph.tasks)))
    found = rerun(graph, completed=completed, mode="task", chosen=chosen)
    assert chosen in found.runs
    assert set(found.kept) <= completed
    needed = itertools.chain(*(graph.tasks[path].dependencies for path in found.kept))
    assert set(needed) <= set(found.kept)


def branched(condition="true", **inner):
    """Draw a branch whose taken side leads into a compound, and a task beside it there."""
    config = {"branches": [{"name": "yes", "if": {"port": "value", "is": condition}}]}
    body = {
        "inputs": [{"name": "n", "type": "int"}],
        "tasks": [number("x"), number("y", **inner)],
        "dataflows": [{"from": "$inputs.n", "to": "x.values"}],
        "outputs": [{"name": "sum", "from": "x.result"}],
    }
    group = {"id": "g", "type": "flow.graph", "graph": body}
    tasks = [number("a"), {"id": "b", "type": "flow.branch", "config": config}, group]
    return definition_of(tasks, [("a.result", "b.value"), ("b.yes", "g.n")])


def test_a_task_that_a_branch_leads_to_runs_when_the_branch_does():
    """Engine 3.4: whether g/y runs at all hangs on the branch, though nothing flows into it."""
    old = planned(branched())
    completed = {"a", "b", "g/x", "g/y"}
    same = rerun(old, planned(branched()), completed=completed, edited=True)
    other = rerun(old, planned(branched("not empty")), completed=completed)
    assert set(same.kept) == completed
    assert other.kept == ("a",)


def taking_errors(**inner):
    """Draw a task that fails, and one that takes its error."""
    return {
        "tasks": [{"id": "f", "type": "test.fail"}, {"id": "c", "type": "flow.merge", **inner}],
        "dataflows": [{"from": "f.[error]", "to": "c.values"}],
    }


def test_what_dealt_with_an_error_runs_with_what_failed():
    """Engine 3.3."""
    graph = taking_errors()
    flows = [(each["from"], each["to"]) for each in graph["dataflows"]]
    old = planned(definition_of([*graph["tasks"], number("d")], flows))
    found = rerun(old, completed={"c", "d"}, mode="task", chosen="d")
    assert (found.kept, found.runs) == ((), ("f", "d", "c"))


def test_a_preview_in_brief_counts_what_runs_and_what_is_kept():
    """Engine 7.6."""
    going_on = Rerun(kept=("a",), runs=("b", "c"), new_run=False)
    assert going_on.brief == "goes on: runs 2, keeps 1"
    assert Rerun(kept=(), runs=("a",)).brief == "new run: runs 1, keeps 0"


def test_a_preview_says_where_a_stream_goes_on():
    """Engine 7.4, 7.6."""
    stream = GoneOnStream(path="count", port="numbers", chunk=12)
    found = Rerun(kept=(), runs=("count",), new_run=False, streams=(stream,))
    assert found.sentence.endswith("count goes on with stream numbers at chunk 12.")
