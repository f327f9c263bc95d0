"""Definitions in code: how they are edited, and what can be wrong with them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import CycleError, DefinitionError, ValueFault
from runner.graph import values
from runner.graph.dataflow import split_end
from runner.graph.definition import DefinedTask, GraphDefinition, GraphPort
from runner.graph.ports import Chunks, Ports, Stream
from runner.graph.registry import TaskRegistry
from runner.graph.task import Task, task
from tests.drawing import GATHER, INNER, SPLIT, definition, flow


class Split(Task):
    name = "text.split"

    class Inputs(Ports):
        text: str
        size: int = 400

    class Outputs(Ports):
        passages: list[str]

    class Config(Ports):
        by: str = "word"


class Gather(Task):
    name = "text.gather"
    effect = "none"

    class Inputs(Ports):
        texts: list[str]
        live: Chunks[str] = "none yet"  # type: ignore[assignment]

    class Outputs(Ports):
        text: str

    @staticmethod
    def streaming():
        return {"text": Stream()}


@task(name="number.round")
async def rounded(number: float) -> int:
    return round(number)


@pytest.fixture
def registry():
    made = TaskRegistry()
    for kind in (Split, Gather, rounded):
        made.register(kind)
    return made


# ── edits ───────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def drawn():
    return definition(
        inputs=[{"name": "text", "type": "str"}, {"name": "more", "type": "str"}],
        tasks=[{"id": "split", "type": "text.split"}, GATHER],
        dataflows=[flow("$inputs.text", "split.text"), flow("split.passages", "gather.texts")],
        outputs=[{"name": "text", "from": "gather.text"}, {"name": "same", "from": "$inputs.text"}],
    )


def test_an_edit_gives_a_new_definition(drawn):
    edited = drawn.with_changed_task("split", title="Cut")
    assert (edited.task("split").title, drawn.task("split").title) == ("Cut", "")
    grown = (
        drawn.with_task(DefinedTask(id="new", type="text.gather"))
        .with_input(GraphPort(name="third", type="str"))
        .with_dataflow("$inputs.third", "new.live")
        .with_output("third", "new.text")
    )
    assert len(grown.tasks) == 3
    assert grown.without_task("new").without_input("third") == drawn


def test_what_hangs_on_a_task_goes_with_it(drawn):
    left = drawn.without_task("gather")
    assert [each.target for each in left.dataflows] == ["split.text"]
    assert [each.name for each in left.outputs] == ["same"]


def test_what_hangs_on_an_input_goes_with_it(drawn):
    left = drawn.without_input("text")
    assert [each.target for each in left.dataflows] == ["gather.texts"]
    assert [each.name for each in left.outputs] == ["text"]


def test_dataflows_and_outputs_can_be_taken_out(drawn):
    left = drawn.without_dataflow("$inputs.text", "split.text").without_output("same")
    assert (len(left.dataflows), len(left.outputs)) == (1, 1)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda d: d.with_task(DefinedTask(id="split", type="x")), "There is a task 'split' alr"),
        (lambda d: d.with_input(GraphPort(name="text")), "There is an input 'text' already"),
        (lambda d: d.with_output("text", "gather.text"), "There is an output 'text' already"),
        (lambda d: d.with_output("new", "nowhere.text"), "There is no task 'nowhere' in demo."),
        (lambda d: d.with_output("new", "$inputs.no"), "There is no input 'no' in demo."),
        (lambda d: d.with_dataflow("split", "gather.texts"), "write 'task.port'"),
        (lambda d: d.with_dataflow("split.passages", "no.a"), "There is no task 'no' in demo."),
        (lambda d: d.with_dataflow("split.passages", "$inputs.text"), "Nothing can flow into"),
        (lambda d: d.with_dataflow("split.passages", "gather.texts"), "is there already"),
        (lambda d: d.with_changed_task("split", id="cut"), "keeps its id"),
        (lambda d: d.with_changed_task("no", title="cut"), "There is no task 'no'"),
        (lambda d: d.without_task("no"), "no task 'no'"),
        (lambda d: d.without_dataflow("a.b", "c.d"), "There is no dataflow from a.b to c.d."),
        (lambda d: d.without_input("no"), "There is no input 'no'"),
        (lambda d: d.without_output("no"), "There is no output 'no'"),
    ],
)
def test_an_edit_that_makes_no_sense_is_refused(drawn, edit, said):
    with pytest.raises(DefinitionError, match=said):
        edit(drawn)


@given(st.data())
def test_no_sequence_of_removals_leaves_a_dangling_dataflow(data):
    made = definition(
        inputs=[{"name": "a"}],
        tasks=[{"id": name, "type": "x"} for name in "bcd"],
        dataflows=[flow("$inputs.a", "b.x"), flow("b.x", "c.x"), flow("c.x", "d.x")],
        outputs=[{"name": "e", "from": "d.x"}],
    )
    for name in data.draw(st.permutations("abcd")):
        made = made.without_input(name) if name == "a" else made.without_task(name)
        known = {"$inputs", *(each.id for each in made.tasks)}
        ends = [split_end(end) for each in made.dataflows for end in (each.source, each.target)]
        assert {each for each, _ in ends} <= known
        assert name != "a" or all(each != ("$inputs", "a") for each in ends)
    assert not made.dataflows
    assert not made.outputs


# ── what can be wrong ───────────────────────────────────────────────────────────────────────────


def test_a_definition_with_nothing_wrong_has_no_problems(registry, drawn):
    assert drawn.check(registry) == []


WRONG = [
    ({"tasks": [SPLIT, SPLIT]}, "Two tasks have the id 'split'; rename one.", "split"),
    ({"tasks": [{"id": "a b", "type": "text.gather"}]}, "'a b' is no id for a task", "a b"),
    ({"tasks": [{"id": "a/b", "type": "text.gather"}]}, "'a/b' is no id for a task", "a/b"),
    ({"tasks": [{"id": "ä", "type": "text.gather"}]}, "'ä' is no id for a task", "ä"),
    (
        {"tasks": [{"id": "a", "type": "text.spilt"}]},
        "Task a: There is no task type 'text.spilt'. Did you mean 'text.split'?",
        "a",
    ),
    (
        {"tasks": [{**SPLIT, "config": {"by": 5}}]},
        "Task split: Setting by of Split wants text, not 5.",
        "split",
    ),
    (
        {"tasks": [{**SPLIT, "inputs": {"text": "a", "size": "x"}}]},
        "Port size of Split wants a whole number, not the text 'x'.",
        "split",
    ),
    (
        {"tasks": [{**SPLIT, "inputs": {"text": "a", "width": 1}}]},
        "Task split has no input 'width'; it has text, size.",
        "split",
    ),
    (
        {"tasks": [{"id": "split", "type": "text.split"}]},
        "Split needs its input text: draw a dataflow to it or give a value.",
        "split",
    ),
    ({"tasks": [{**SPLIT, "graph": INNER}]}, "Task split: Split takes no graph of its own.", "split"),
    (
        {"tasks": [SPLIT, {"id": "r", "type": "number.round"}],
         "dataflows": [flow("split.passages", "r.number")]},
        "Port number of Round wants a number, but port passages of Split gives a list of texts.",
        "r",
    ),
    (
        {"inputs": [{"name": "a", "type": "str"}], "tasks": [SPLIT],
         "dataflows": [flow("$inputs.a", "split.text"), flow("$inputs.a", "split.text")]},
        "Port text of split takes one dataflow, but $inputs.a and $inputs.a flow into it; take one",
        "split",
    ),
    (
        {"tasks": [SPLIT, GATHER],
         "dataflows": [flow("split.passages", "gather.texts"), flow("split.passages", "gather.texts")]},
        "Each of several dataflows into port texts of Gather gives one element, text, but port pas",
        "gather",
    ),
    ({"tasks": [SPLIT], "dataflows": [flow("split.no", "split.text")]}, "has no output 'no'", "split"),
    ({"tasks": [SPLIT], "dataflows": [flow("split.passages", "split.no")]}, "has no input 'no'",
     "split"),
    ({"tasks": [SPLIT], "dataflows": [flow("no.a", "split.text")]}, "There is no task 'no'", None),
    ({"tasks": [SPLIT], "dataflows": [flow("split.passages", "no.a")]}, "no task 'no'", None),
    ({"tasks": [SPLIT], "dataflows": [flow("$inputs.no", "split.text")]}, "has no input 'no'.", None),
    ({"tasks": [SPLIT], "dataflows": [flow("split.passages", "$inputs.a")]}, "Nothing can flow", None),
    ({"tasks": [SPLIT], "dataflows": [flow("split", "split.text")]}, "write 'task.port'", None),
    ({"tasks": [SPLIT], "dataflows": [flow("split.passages", "split")]}, "write 'task.port'", None),
    ({"inputs": [{"name": "a"}, {"name": "a"}]}, "Two inputs are called 'a'; rename one.", None),
    ({"inputs": [{"name": "a b"}]}, "'a b' is no name for an input", None),
    ({"inputs": [{"name": "a", "type": "text"}]}, "'text' is no type", None),
    ({"inputs": [{"name": "a", "type": "int", "default": "x"}]}, "Port a of demo wants a whole", None),
    ({"inputs": [{"name": "a", "type": "str", "minimum": 1}]}, "but text is no number", None),
    (
        {"inputs": [{"name": "a", "type": "int", "maximum": 1, "default": 2}]},
        "Port a of demo wants a whole number of at most 1, not 2.",
        None,
    ),
    (
        {"inputs": [{"name": "a", "type": "int", "minimum": 1, "default": 0}]},
        "Port a of demo wants a whole number of at least 1, not 0.",
        None,
    ),
    (
        {"inputs": [{"name": "a", "type": "str", "required": False}],
         "tasks": [{"id": "split", "type": "text.split"}],
         "dataflows": [flow("$inputs.a", "split.text")]},
        "Input a may be left out and has no default, but port text of Split needs a value.",
        "split",
    ),
    ({"outputs": [{"name": "a", "from": "no.a"}]}, "There is no task 'no' for 'no.a'.", None),
    ({"outputs": [{"name": "1", "from": "no.a"}]}, "'1' is no name for an output", None),
    (
        {"tasks": [SPLIT], "outputs": [{"name": "a", "from": "split.passages"}] * 2},
        "Two outputs are called 'a'; rename one.",
        None,
    ),
    ({"tasks": [{"id": "a", "type": "flow.graph"}]}, "Task a: A graph used as a task needs", "a"),
    (
        {"tasks": [{"id": "a", "type": "flow.graph", "graph": {}, "config": {"b": 1}}]},
        "Task a: A graph used as a task has no settings.",
        "a",
    ),
    ({"tasks": [{"id": "a", "type": "flow.map", "config": {"over": ["b"]}}]}, "A map needs the gra", "a"),
    (
        {"tasks": [{"id": "a", "type": "flow.map", "config": {"over": ["b"]}, "graph": INNER}]},
        "Task a: The map goes over 'b', but the inputs of its graph are text.",
        "a",
    ),
    (
        {"tasks": [{"id": "a", "type": "flow.graph", "graph": {"tasks": [{"id": "b", "type": "no"}]}}]},
        "Task b: There is no task type 'no'.",
        "a/b",
    ),
    (
        {"tasks": [{"id": "a", "type": "flow.graph",
                    "graph": {"inputs": [{"name": "c", "type": "no"}]}}]},
        "'no' is no type",
        "a",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "said", "where"), WRONG)
def test_each_problem_is_one_sentence_and_a_place(registry, fields, said, where):
    (problem, *others) = definition(**fields).check(registry)
    assert said in problem.sentence
    assert problem.task == where
    assert not others


def test_all_problems_are_listed(registry):
    problems = definition(
        inputs=[{"name": "a", "type": "no"}],
        tasks=[
            {"id": "x", "type": "no"},
            {"id": "split", "type": "text.split"},
            {"id": "s", "type": "text.split"},
        ],
        dataflows=[
            flow("$inputs.a", "x.y"),
            flow("x.y", "split.size"),
            flow("$inputs.a", "s.text"),
        ],
    ).check(registry)
    assert len(problems) == 3


def test_a_circle_is_named(registry):
    tasks = [{"id": name, "type": "text.gather"} for name in "abc"]
    flows = [flow("a.text", "b.texts"), flow("b.text", "a.texts"), flow("a.text", "c.texts")]
    (problem,) = definition(tasks=tasks, dataflows=flows).check(registry)
    assert problem.sentence in {
        "The dataflows go in a circle: a → b → a.",
        "The dataflows go in a circle: b → a → b.",
    }
    assert CycleError(["a", "b", "a"]).cycle == ("a", "b", "a")


def nested(levels: int) -> GraphDefinition:
    made = GraphDefinition(name="inmost")
    for _ in range(levels):
        made = GraphDefinition(tasks=(DefinedTask(id="in", type="flow.graph", graph=made),))
    return made


def test_graphs_nest_to_depth_32_and_no_further(registry):
    assert GraphDefinition.from_json(nested(32).to_json()).check(registry) == []
    (problem,) = nested(33).check(registry)
    assert "deeper than 32 levels, or contains itself" in problem.sentence


def test_a_graph_inside_itself_is_refused(registry):
    made = DefinedTask(id="in", type="flow.graph")
    graph = GraphDefinition(tasks=(made,))
    object.__setattr__(made, "graph", graph)
    (problem,) = graph.check(registry)
    assert "contains itself" in problem.sentence


def test_the_end_of_a_dataflow_is_a_task_and_a_port():
    assert split_end("$inputs.a") == ("$inputs", "a")
    assert split_end("a-1.b_2") == ("a-1", "b_2")
    assert split_end("a-1.[error]") == ("a-1", "[error]")
    for bad in ("", "a", "a.", ".b", "a.b.c", "$other.a", "a.1", "a b.c", "a.b\n", "x" * 65 + ".a"):
        with pytest.raises(DefinitionError):
            split_end(bad)


def test_values_of_every_type_can_be_written_into_a_definition():
    made = GraphDefinition(tasks=(DefinedTask(id="a", type="x", inputs={"b": b"\xff"}),))
    assert GraphDefinition.from_json(made.to_json()) == made
    assert values.encode(b"\xff") in made.to_json()


# ── an input that is one of some ────────────────────────────────────────────────────────────────


def test_an_input_with_choices_takes_one_of_them_and_survives_json():
    port = GraphPort(name="river", type="str", choices=("Rhine", "Elbe"), default="Elbe")
    again = GraphPort.from_document(port.to_document())
    assert again == port
    assert again.to_document()["choices"] == ["Rhine", "Elbe"]
    assert again.as_port("Trip").decode(again.as_port("Trip").encode("Rhine")) == "Rhine"
    with pytest.raises(ValueFault, match="one of 'Rhine', 'Elbe'"):
        again.as_port("Trip").encode("Oder")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            {"type": "int", "choices": ["1"]},
            "Input river has choices, but a whole number is no text.",
        ),
        ({"choices": ["a", "a"]}, "river offers 'a' twice."),
        ({"choices": [""]}, "Each choice of river is a text of 1 to 200 letters."),
        ({"choices": [1]}, "Each choice of river is a text of 1 to 200 letters."),
        ({"choices": ["x" * 201]}, "Each choice of river is a text of 1 to 200 letters."),
        ({"choices": [str(n) for n in range(201)]}, "river offers more than 200 choices."),
        ({"choices": ["a"], "default": "b"}, "one of 'a'"),
    ],
)
def test_choices_that_are_none_are_a_problem_in_one_sentence(more, said):
    with pytest.raises(ValueFault) as caught:
        GraphPort(**{"name": "river", "type": "str", **more}).as_port("Trip")
    assert said in str(caught.value)
