"""plan and unfold: from a definition and inputs to the graph that runs."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import DefinitionError, InputsError, PlanError
from runner.graph.definition import GraphDefinition
from runner.graph.planning import check_inputs, meeting_again, plan, unfold
from runner.graph.ports import Chunks, Ports, Stream
from runner.graph.registry import TaskRegistry
from runner.graph.task import Task, task
from runner.graph.task_graph import (
    Constant,
    ItemOf,
    OutputOf,
    PlannedTask,
    Several,
    TaskGraph,
    paths_in,
)
from tests.drive import definition_of


class Say(Task):
    name = "say"
    effect = "none"

    class Inputs(Ports):
        text: str = "hello"

    class Outputs(Ports):
        text: str
        slow: str

    @staticmethod
    def streaming():
        return {"text": Stream(), "slow": Stream(readiness="final")}


class Echo(Say):
    name = "echo"

    class Inputs(Ports):
        text: Chunks[str]


class Store(Echo):
    name = "store"
    effect = "repeatable"  # type: ignore[assignment]


class Zip(Echo):
    name = "zip"

    class Inputs(Ports):
        left: Chunks[str]
        right: Chunks[str]


class Join(Task):
    name = "join"

    class Inputs(Ports):
        texts: list[str]
        glue: str = ", "

    class Outputs(Ports):
        text: str
        texts: list[str]


@task(name="upper", effect="none", blocking=False)
def upper(text: str, times: int = 1) -> str:
    return text.upper() * times


@pytest.fixture
def registry():
    made = TaskRegistry()
    for kind in (Say, Echo, Store, Zip, Join, upper):
        made.register(kind)
    return made


def graph_of(tasks, flows=(), **fields: Any):
    """Write a graph: tasks as "id: type" or documents, dataflows as "a.b > c.d"."""
    return {
        "name": "demo",
        **fields,
        "tasks": [
            dict(zip(("id", "type"), each.split(": "), strict=True))
            if isinstance(each, str)
            else each
            for each in tasks
        ],
        "dataflows": [dict(zip(("from", "to"), each.split(" > "), strict=True)) for each in flows],
    }


def planned(registry, *args, given=None, **fields) -> TaskGraph:
    document = graph_of(*args, **fields)
    return plan(read(document), given or {}, registry)


def read(document):
    return GraphDefinition.from_json(json.dumps({"v": 1, **document}))


def compound(task_id, graph, **fields):
    return {"id": task_id, "type": "flow.graph", "graph": graph, **fields}


def mapped(task_id, graph, over, limit=8):
    config = {"over": over, "limit": limit}
    return {**compound(task_id, graph), "type": "flow.map", "config": config}


def outputs(**sources):
    return [{"name": name, "from": source} for name, source in sources.items()]


TEXT = [{"name": "text", "type": "str"}]


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


# ── compounds ───────────────────────────────────────────────────────────────────────────────────

INNER = graph_of(
    ["first: echo", "second: echo"],
    ["$inputs.text > first.text", "first.text > second.text"],
    inputs=TEXT,
    outputs=outputs(text="second.text", given="$inputs.text"),
    title="Inside",
)


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


# ── maps ────────────────────────────────────────────────────────────────────────────────────────

BODY = graph_of(
    ["up: upper", "echo: echo"],
    ["$inputs.text > up.text", "$inputs.times > up.times", "up.result > echo.text"],
    inputs=[*TEXT, {"name": "times", "type": "int", "default": 2}],
    outputs=outputs(loud="echo.text", same="$inputs.times"),
)


def with_map(registry, body=BODY, **fields):
    return planned(
        registry,
        ["join: join", {**mapped("each", body, ["text"]), **fields}, "all: join"],
        ["$inputs.texts > join.texts", "join.texts > each.text", "each.loud > all.texts"],
        inputs=[{"name": "texts", "type": "list[str]"}],
        given={"texts": ["a", "b"]},
    )


def test_a_map_stays_one_task_with_lists_outside(registry):
    graph = with_map(registry)
    each = graph.tasks["each"]
    assert each.sources == {"text": OutputOf("join", "texts"), "times": Constant("2")}
    assert each.task.inputs["text"].type == list[str]
    assert each.task.outputs["same"].type == list[int]
    assert (each.task.over, each.task.limit) == (("text",), 8)
    assert graph.tasks["all"].sources["texts"] == OutputOf("each", "loud")


def test_a_map_unfolds_into_the_tasks_of_its_items(registry):
    found = unfold(with_map(registry).tasks["each"], 2)
    assert [*found.tasks] == ["each[0]/up", "each[0]/echo", "each[1]/up", "each[1]/echo"]
    second = found.tasks["each[1]/up"]
    assert second.sources == {"text": ItemOf("each", "text", 1), "times": Constant("2")}
    assert (second.parent, second.dependencies) == ("each", ())
    assert found.scopes[1].outputs == {
        "loud": OutputOf("each[1]/echo", "text"),
        "same": Constant("2"),
    }
    assert found.dependants["each[0]/up"] == ("each[0]/echo",)


def test_an_unfolding_is_the_same_every_time(registry):
    each = with_map(registry).tasks["each"]
    one, other = unfold(each, 3), unfold(each, 3)
    assert [*one.tasks] == [*other.tasks]
    assert [each.outputs for each in one.scopes] == [each.outputs for each in other.scopes]
    assert [task.sources for task in one.tasks.values()] == [
        task.sources for task in other.tasks.values()
    ]
    assert unfold(each, 0).tasks == {}


def test_a_map_and_a_compound_inside_a_map_unfold_in_turn(registry):
    inner = graph_of(
        [compound("in", INNER), "up: upper"],
        ["$inputs.word > in.text", "$inputs.other > up.text"],
        inputs=[{"name": "word", "type": "str"}, {"name": "other", "type": "str"}],
        outputs=outputs(text="in.text"),
    )
    body = graph_of(
        [mapped("inner", inner, ["word"]), "join: join"],
        ["$inputs.words > inner.word", "$inputs.text > inner.other", "inner.text > join.texts"],
        inputs=[{"name": "words", "type": "list[str]"}, *TEXT],
        outputs=outputs(text="join.text"),
    )
    graph = planned(
        registry,
        ["say: say", {**mapped("outer", body, ["words"]), "inputs": {"words": [["a"], ["b"]]}}],
        ["say.text > outer.text"],
    )
    first = unfold(graph.tasks["outer"], 2)
    again = unfold(first.tasks["outer[1]/inner"], 1)
    assert first.tasks["outer[1]/inner"].sources["word"] == ItemOf("outer", "words", 1)
    path = "outer[1]/inner[0]/in/first"
    assert again.tasks[path].sources["text"] == ItemOf("outer[1]/inner", "word", 0)
    assert again.tasks["outer[1]/inner[0]/up"].sources["text"] == OutputOf("say", "text")
    assert again.compounds["outer[1]/inner[0]/in"].parent == "outer[1]/inner"
    assert again.tasks["outer[1]/inner[0]/in/second"].first_chunk == {"text"}


def test_an_output_that_is_skipped_in_every_item_is_not_taken(registry):
    body = {**BODY, "tasks": [BODY["tasks"][0], {**BODY["tasks"][1], "disabled": True}]}
    found = unfold(with_map(registry, body).tasks["each"], 1)
    assert "loud" not in found.scopes[0].outputs
    assert found.skipped == ("each[0]/echo",)


def test_only_a_control_unfolds(registry):
    graph = with_map(registry)
    with pytest.raises(DefinitionError, match="join is no control"):
        unfold(graph.tasks["join"], 2)
    with pytest.raises(DefinitionError, match="is a map"):
        graph.tasks["each"].task.execute({}, None)


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


REGISTRY = TaskRegistry()
for _kind in (Say, Echo, Store, Zip, Join, upper):
    REGISTRY.register(_kind)


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
