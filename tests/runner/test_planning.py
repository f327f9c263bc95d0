"""plan and unfold: from a definition and inputs to the graph that runs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import InputsError, PlanError
from runner.graph.definition import GraphDefinition
from runner.graph.planning import check_inputs, meeting_again, plan
from runner.graph.task_graph import (
    Constant,
    OutputOf,
    PlannedTask,
    Several,
    paths_in,
)
from tests.drive import definition_of
from tests.saying import (
    INNER,
    TEXT,
    Echo,
    compound,
    graph_of,
    outputs,
    planned,
    read,
    registry_of_saying,
)


@pytest.fixture
def registry():
    return registry_of_saying()


# ── sources ─────────────────────────────────────────────────────────────────────────────────────


def test_every_input_has_its_source_defaults_included(registry):
    graph = planned(
        registry,
        ["up: upper", {"id": "again", "type": "upper", "inputs": {"times": 3}}],
        ["$inputs.text > up.text", "up.result > again.text"],
        inputs=TEXT,
        outputs=outputs(text="again.result", given="$inputs.text"),
        given={"text": "a"},
    )
    assert graph.tasks["up"].sources == {"text": Constant('"a"'), "times": Constant("1")}
    assert graph.tasks["again"].sources == {
        "text": OutputOf("up", "result"),
        "times": Constant("3"),
    }
    assert graph.outputs == {"text": OutputOf("again", "result"), "given": Constant('"a"')}
    assert graph.dependants == {"up": ("again",), "again": ()}
    assert graph.tasks["again"].dependencies == ("up",)


def test_tasks_come_in_the_order_they_need(registry):
    graph = planned(registry, ["b: upper", "a: say"], ["a.text > b.text"])
    assert [*graph.tasks] == ["a", "b"]
    assert (graph.tasks["b"].title, graph.tasks["b"].parent) == ("Upper", None)


def test_a_list_port_takes_a_list_or_elements(registry):
    graph = planned(
        registry,
        ["a: say", "one: join", "two: join", "whole: join"],
        ["a.text > one.texts", "a.text > two.texts", "a.slow > two.texts",
         "one.texts > whole.texts"],
    )  # fmt: skip
    text, slow = OutputOf("a", "text"), OutputOf("a", "slow")
    assert graph.tasks["one"].sources["texts"] == Several((text,))
    assert graph.tasks["two"].sources["texts"] == Several((text, slow))
    assert graph.tasks["whole"].sources["texts"] == OutputOf("one", "texts")
    assert graph.tasks["two"].dependencies == ("a",)


# ── inputs ──────────────────────────────────────────────────────────────────────────────────────

INPUTS = [
    {"name": "text", "type": "str", "title": "Text"},
    {"name": "times", "type": "int", "default": 2, "minimum": 1},
    {"name": "maybe", "type": "int", "required": False},
]


def with_inputs():
    document = graph_of(
        ["up: upper", "other: upper"],
        ["$inputs.text > up.text", "$inputs.times > up.times", "$inputs.text > other.text",
         "$inputs.maybe > other.times"],
        inputs=INPUTS,
    )  # fmt: skip
    return read(document)


def test_inputs_that_are_left_out_fall_back(registry):
    graph = plan(with_inputs(), {"text": "a", "times": None}, registry)
    assert graph.tasks["up"].sources["times"] == Constant("2")
    assert graph.tasks["other"].sources["times"] == Constant("1")
    graph = plan(with_inputs(), {"text": "a", "times": 7, "maybe": 5}, registry)
    assert graph.tasks["up"].sources["times"] == Constant("7")
    assert graph.tasks["other"].sources["times"] == Constant("5")


@pytest.mark.parametrize(
    ("given", "faults"),
    [
        ({"text": "a"}, {}),
        ({}, {"text": "demo needs its input text."}),
        ({"text": 5}, {"text": "Port text of demo wants text, not 5."}),
        ({"text": None}, {"text": "Port text of demo wants text, not nothing."}),
        (
            {"text": "a", "times": 0, "other": 1},
            {
                "other": "demo has no input 'other'.",
                "times": "Port times of demo wants a whole number of at least 1, not 0.",
            },
        ),
    ],
)
def test_inputs_are_checked_one_by_one(registry, given, faults):
    assert check_inputs(with_inputs(), given) == faults
    if faults:
        with pytest.raises(InputsError) as caught:
            plan(with_inputs(), given, registry)
        assert caught.value.faults == faults
        assert {problem.port for problem in caught.value.problems} == set(faults)


def test_a_definition_with_problems_is_not_planned(registry):
    with pytest.raises(PlanError, match=r"no task type 'no'\. \(1 more problem\)") as caught:
        planned(registry, ["a: no", "b: upper"])
    assert len(caught.value.problems) == 2
    with pytest.raises(PlanError, match="is no type"):
        check_inputs(read(graph_of([], inputs=[{"name": "a", "type": "no"}])), {})


def test_a_compound_is_taken_apart_and_streams_pass_through_it(registry):
    graph = planned(
        registry,
        ["say: say", compound("in", INNER), "last: echo", "same: echo"],
        ["say.text > in.text", "in.text > last.text", "in.given > same.text"],
        outputs=outputs(text="in.text"),
    )
    assert set(graph.tasks) == {"say", "in/first", "in/second", "last", "same"}
    assert graph.tasks["in/first"].sources["text"] == OutputOf("say", "text")
    assert graph.tasks["last"].sources["text"] == OutputOf("in/second", "text")
    assert graph.tasks["same"].sources["text"] == OutputOf("say", "text")
    assert all(graph.tasks[path].first_chunk == {"text"} for path in ("in/first", "last", "same"))
    assert graph.tasks["in/first"].parent == "in"
    assert graph.outputs == {"text": OutputOf("in/second", "text")}
    inside = graph.compounds["in"]
    assert (inside.title, inside.parent) == ("Inside", None)
    assert inside.outputs["text"] == OutputOf("in/second", "text")


def test_compounds_come_before_those_inside_them(registry):
    outer = graph_of(
        [compound("deep", INNER)],
        ["$inputs.text > deep.text"],
        inputs=TEXT,
        outputs=outputs(text="deep.text"),
    )
    graph = planned(registry, [compound("out", outer, title="Outer", inputs={"text": "a"})])
    assert [*graph.compounds] == ["out", "out/deep"]
    assert graph.compounds["out/deep"].parent == "out"
    assert graph.tasks["out/deep/first"].sources["text"] == Constant('"a"')
    assert graph.compounds["out"].title == "Outer"


# ── first chunks ────────────────────────────────────────────────────────────────────────────────


def test_a_dataflow_streams_only_if_both_ends_and_the_effect_allow(registry):
    graph = planned(
        registry,
        ["say: say", "echo: echo", "late: echo", "store: store", "up: upper",
         {"id": "given", "type": "echo", "inputs": {"text": "a"}}],
        ["say.text > echo.text", "say.slow > late.text", "say.text > store.text",
         "say.text > up.text"],
    )  # fmt: skip
    early = {path: set(each.first_chunk) for path, each in graph.tasks.items()}
    assert early == {
        "say": set(), "echo": {"text"}, "late": set(), "store": set(), "up": set(), "given": set()
    }  # fmt: skip


def test_streams_that_meet_again_are_elastic(registry):
    graph = planned(
        registry,
        ["say: say", "echo: echo", "zip: zip", "tail: echo"],
        ["say.text > echo.text", "say.text > zip.left", "echo.text > zip.right",
         "zip.text > tail.text"],
    )  # fmt: skip
    assert graph.tasks["echo"].elastic == {"text"}
    assert graph.tasks["zip"].elastic == {"left", "right"}
    assert graph.tasks["tail"].elastic == set()


def test_two_dataflows_between_two_tasks_are_a_ring_of_their_own(registry):
    graph = planned(
        registry, ["say: say", "zip: zip"], ["say.text > zip.left", "say.text > zip.right"]
    )
    assert graph.tasks["zip"].elastic == {"left", "right"}


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(1, 8)), max_size=12))
def test_what_is_not_elastic_is_no_part_of_a_ring(pairs):
    edges = {(low, high) for low, high in pairs if low < high}
    tasks = [
        PlannedTask(
            path=str(high),
            task=Echo(),
            sources={f"p{low}": OutputOf(str(low), "text") for low, end in edges if end == high},
            first_chunk=frozenset(f"p{low}" for low, end in edges if end == high),
        )
        for high in range(9)
    ]
    elastic = {(int(port[1:]), int(path)) for path, port in meeting_again(tasks)}
    assert {edge for edge in edges if is_in_ring(edge, edges)} <= elastic
    assert all(sum(each in edge for edge in elastic) != 1 for each in range(9))


def is_in_ring(edge, edges):
    """Whether the other edges join this one's ends too."""
    others = edges - {edge}
    found, line = {edge[0]}, [edge[0]]
    while line:
        at = line.pop()
        near = {b for a, b in others if a == at} | {a for a, b in others if b == at}
        line += near - found
        found |= near
    return edge[1] in found


# ── disabled tasks ──────────────────────────────────────────────────────────────────────────────


def test_a_disabled_task_is_skipped_with_all_that_needs_it(registry):
    graph = planned(
        registry,
        ["a: say", {"id": "off", "type": "say", "disabled": True}, "needs: upper", "join: join",
         "free: say"],
        ["off.text > needs.text", "off.text > join.texts", "a.text > join.texts",
         "off.text > free.text"],
        outputs=outputs(gone="needs.result", text="join.text"),
    )  # fmt: skip
    assert set(graph.skipped) == {"off", "needs"}
    assert graph.tasks["join"].sources["texts"] == Several((OutputOf("a", "text"),))
    assert graph.tasks["free"].sources["text"] == Constant('"hello"')
    assert [*graph.outputs] == ["text"]


# ── all graphs ──────────────────────────────────────────────────────────────────────────────────


@st.composite
def drawn_graphs(draw):
    """Draw tasks t0…tn, each fed by earlier ones, listed in any order."""
    count = draw(st.integers(1, 8))
    kinds = [draw(st.sampled_from(["say", "echo", "upper", "zip"])) for _ in range(count)]
    kinds[0] = "say"
    ports = {"say": ["text"], "echo": ["text"], "upper": ["text"], "zip": ["left", "right"]}
    flows = []
    for index in range(1, count):
        for port in ports[kinds[index]]:
            source = draw(st.integers(0, index - 1))
            output = "result" if kinds[source] == "upper" else "text"
            flows.append(f"t{source}.{output} > t{index}.{port}")
    tasks = [f"t{index}: {kind}" for index, kind in enumerate(kinds)]
    return draw(st.permutations(tasks)), draw(st.permutations(flows))


REGISTRY = registry_of_saying()


@given(drawn_graphs())
def test_every_plan_is_in_topological_order_and_says_who_depends_on_whom(drawn):
    graph = planned(REGISTRY, *drawn)
    seen: set[str] = set()
    for path, each in graph.tasks.items():
        needed = set(paths_in(each.sources.values()))
        assert needed <= seen
        assert set(each.dependencies) == needed
        assert all(path in graph.dependants[other] for other in needed)
        assert each.elastic <= each.first_chunk
        seen.add(path)
    again = planned(REGISTRY, *drawn)
    assert [*again.tasks] == [*graph.tasks]


def test_a_written_definition_can_be_planned():
    text = definition_of([{"id": "a", "type": "say"}], [], outputs={"text": "a.text"})
    assert [*plan(GraphDefinition.from_json(text), {}, REGISTRY).tasks] == ["a"]
