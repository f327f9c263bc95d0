"""Task and @task: ports from classes and signatures, settings, and what a body returns."""

import inspect
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import Annotated, Any, TypedDict

import pytest
from pydantic import Field, model_validator

import runner.graph.registry as registry_module
from runner.errors import DefinitionError, ValueFault
from runner.graph.definition import GraphDefinition
from runner.graph.plug_ins import ENTRY_POINTS
from runner.graph.ports import Chunks, Ports, Stream
from runner.graph.registry import TaskRegistry, default_registry
from runner.graph.task import FunctionTask, Task, task


class Summarise(Task):
    """Summarise a text, word by word.

    Nothing else.
    """

    name = "text.summarise"

    class Inputs(Ports):
        text: Chunks[str]
        limit: int = 200

    class Outputs(Ports):
        summary: str
        words: int

    class Config(Ports):
        style: Annotated[str, Field(min_length=2)] = "short"
        model: str

    @staticmethod
    def streaming():
        return {"summary": Stream(readiness="first-chunk", mode="append")}


class Answer(TypedDict):
    text: str
    sources: list[int]


@dataclass
class Parts:
    head: str
    tail: str


class Pair(Ports):
    left: int
    right: int


class Pushed:
    """A context that only takes chunks."""

    def __init__(self):
        self.chunks = []

    async def push_chunk(self, port, chunk):
        self.chunks.append((port, chunk))

    async def attach_stream(self, port, source):
        async for chunk in source:
            await self.push_chunk(port, chunk)


class PushedInThread(Pushed):
    def push_chunk(self, port, chunk):
        self.chunks.append((port, chunk))


# ── classes ─────────────────────────────────────────────────────────────────────────────────────


def test_a_class_says_its_ports_and_its_name_gives_a_title():
    made = Summarise({"model": "small"})
    assert made.inputs["text"].reads_stream
    assert made.outputs["summary"].streams
    assert (made.title, made.help) == ("Summarise", "Summarise a text, word by word.")
    assert (made.config.style, made.effect, made.blocking) == ("short", "repeatable", False)
    assert made.outputs["words"].owner == "Summarise"


def test_a_class_may_say_its_title_and_help_itself():
    class Spoken(Task):
        """Not this."""

        title = "Said"
        help = "Said too."

    assert (Spoken().title, Spoken().help) == ("Said", "Said too.")


def test_a_class_without_a_name_is_called_after_itself():
    class CountHTMLWords(Task):
        pass

    assert (CountHTMLWords.name, CountHTMLWords.title) == ("count_html_words", "Count html words")


def test_ports_are_built_once_for_a_class():
    assert Summarise({"model": "a"}).inputs is Summarise({"model": "b"}).inputs


def test_a_body_gets_its_inputs_as_attributes_defaults_included():
    bound = Summarise({"model": "small"}).bind({"text": "reader"})
    assert (bound.text, bound.limit) == ("reader", 200)
    assert Summarise({"model": "small"}).bind({"text": "reader", "limit": 1}).limit == 1
    assert bound == Summarise.Inputs.model_validate({"text": "reader"})


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({}, "Summarise needs its setting model."),
        ({"model": 5}, "Setting model of Summarise wants text, not 5."),
        ({"model": "a", "style": "x"}, "wants text with a length of at least 2, not the text 'x'."),
        ({"model": "a", "size": 1}, "Summarise has no setting 'size'; it has style, model."),
    ],
)
def test_settings_that_do_not_fit_are_refused(config, said):
    with pytest.raises(ValueFault) as caught:
        Summarise(config)
    assert said in str(caught.value)


def test_settings_that_do_not_fit_together_are_refused():
    class Range(Task):
        class Config(Ports):
            low: int
            high: int

            @model_validator(mode="after")
            def ordered(self):
                if self.low > self.high:
                    raise ValueError("low is above high")
                return self

    with pytest.raises(ValueFault, match=r"The settings of Range do not fit: .*low is above high"):
        Range({"low": 2, "high": 1})


def test_settings_are_described_like_ports():
    assert [*Summarise.config_ports()] == ["style", "model"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"effect": "sometimes"}, "effect of Odd is"),
        ({"streaming": staticmethod(lambda: {"other": Stream()})}, "streams 'other'"),
        ({"streaming": staticmethod(lambda: {"number": Stream()})}, "cannot grow by chunks"),
    ],
)
def test_a_class_that_contradicts_itself_is_refused(changes, said):
    class Outputs(Ports):
        number: int

    odd = type("Odd", (Task,), {"Outputs": Outputs, **changes})
    with pytest.raises(DefinitionError, match=said):
        odd()


def test_a_task_without_a_body_says_so():
    with pytest.raises(NotImplementedError):
        Task().execute_blocking({}, None)
    with pytest.raises(ValueFault, match="takes no graph"):
        Summarise.build({}, GraphDefinition(), TaskRegistry())


# ── what a body returns ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("returned", "collected"),
    [
        (None, {}),
        ({"words": 1}, {"words": 1}),
        (Summarise.Outputs(summary="a", words=2), {"summary": "a", "words": 2}),
    ],
)
def test_a_return_is_taken_apart_by_port(returned, collected):
    assert Summarise({"model": "a"}).collect(returned) == collected


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ({"word": 1}, "returned a value for 'word', but its output ports are summary, words."),
        (5, "returned a int; with the output ports summary, words"),
        (Parts("a", "b"), "returned a value for 'head', 'tail'"),
    ],
)
def test_a_return_with_unknown_ports_is_refused(returned, said):
    with pytest.raises(ValueFault) as caught:
        Summarise({"model": "a"}).collect(returned)
    assert said in str(caught.value)


def test_a_bare_return_is_the_only_port():
    class One(Task):
        class Outputs(Ports):
            only: int

    class Maybe(Task):
        class Outputs(Ports):
            only: int | None

    assert One().collect(5) == {"only": 5}
    assert One().collect(None) == {}
    assert Maybe().collect(None) == {"only": None}
    assert Task().collect(None) == {}


# ── functions ───────────────────────────────────────────────────────────────────────────────────


@task
async def word_count(text: str) -> int:
    """Count words."""
    return len(text.split())


@task(effect="none", blocking=False, title="Sum")
def total(a: int, b: Annotated[int, Field(ge=0)] = 1) -> int:
    return a + b


@task
def table(rows: list[int]) -> dict[str, int]:
    return {"rows": len(rows)}


@task
async def letters(text: str, context) -> AsyncIterator[str]:
    for each in text + context.__class__.__name__[:1]:
        yield each


@task
def numbers(count: int) -> Iterator[int]:
    yield from range(count)


@task(blocking=False, name="test.numbers", version="2")
def numbers_on_loop(count: int) -> Iterator[int]:
    yield from range(count)


@task
async def bare_numbers(count):
    yield count


def test_a_function_says_its_ports_by_its_signature():
    made = total()
    assert [*made.inputs] == ["a", "b"]
    assert (made.inputs["b"].default, made.inputs["b"].minimum) == ("1", 0)
    assert (made.outputs["result"].type, total.title, total.effect) == (int, "Sum", "none")
    assert (word_count.name, word_count.help) == ("word_count", "Count words.")
    assert (numbers_on_loop.name, numbers_on_loop.version) == ("test.numbers", "2")
    assert issubclass(word_count, FunctionTask)


def test_a_generator_streams_its_result():
    assert letters().outputs["result"].chunk_type is str
    assert [*letters().inputs] == ["text"]
    assert numbers().outputs["result"].type == list[int]
    assert bare_numbers().outputs["result"].type == list[Any]
    assert numbers.streaming() == {"result": Stream(readiness="first-chunk", mode="append")}


def test_sync_functions_are_blocking_unless_they_say_otherwise():
    assert (table.blocking, numbers.blocking) == (True, True)
    assert (total.blocking, numbers_on_loop.blocking, word_count.blocking) == (False, False, False)


async def test_functions_run_on_the_loop_or_in_a_thread():
    assert await word_count().execute({"text": "a b"}, None) == 2
    assert await total().execute(total.Inputs.model_validate({"a": 1, "b": 2}), None) == 3
    assert table().execute_blocking(table().bind({"rows": [1, 2]}), None) == {"rows": 2}


async def test_a_generator_pushes_what_it_yields():
    context, in_thread = Pushed(), PushedInThread()
    await letters().execute({"text": "ab"}, context)
    await numbers_on_loop().execute({"count": 1}, context)
    numbers().execute_blocking({"count": 2}, in_thread)
    assert context.chunks == [*(("result", each) for each in "abP"), ("result", 0)]
    assert in_thread.chunks == [("result", 0), ("result", 1)]


def test_a_bare_dict_is_a_value():
    assert table().collect({"rows": 2}) == {"result": {"rows": 2}}


def several_ways():
    async def typed() -> Answer:
        raise NotImplementedError

    async def in_parts() -> Parts:
        raise NotImplementedError

    async def as_ports() -> Pair:
        raise NotImplementedError

    async def nothing() -> None:
        raise NotImplementedError

    async def unsaid():
        raise NotImplementedError

    return [
        (typed, ["text", "sources"]),
        (in_parts, ["head", "tail"]),
        (as_ports, ["left", "right"]),
        (nothing, []),
        (unsaid, ["result"]),
    ]


@pytest.mark.parametrize(("function", "ports"), several_ways())
def test_a_return_type_gives_the_output_ports(function, ports):
    assert [*task(function)().outputs] == ports


def test_several_outputs_are_collected_by_port():
    made = task(several_ways()[1][0])()
    assert made.collect(Parts("a", "b")) == {"head": "a", "tail": "b"}
    assert task(several_ways()[3][0])().collect(None) == {}


def test_a_function_must_name_its_inputs():
    async def greedy(*texts: str) -> str:
        raise NotImplementedError

    with pytest.raises(DefinitionError, match=r"greedy takes \*texts"):
        task(greedy)


def test_types_that_cannot_be_read_are_named():
    async def odd(text) -> str:
        raise NotImplementedError

    odd.__annotations__["text"] = "Missing"
    with pytest.raises(DefinitionError, match="signature of odd"):
        task(odd)


# ── registry ────────────────────────────────────────────────────────────────────────────────────


def test_a_registry_finds_types_and_names_the_nearest():
    registry = TaskRegistry()
    registry.register(Summarise)
    assert registry.get("text.summarise") is Summarise
    assert "text.summarise" in registry
    flow = [
        "branch",
        "fallback",
        "first_of",
        "graph",
        "map",
        "merge",
        "reduce",
        "subgraph",
        "while",
    ]
    assert registry.names() == [*(f"flow.{each}" for each in flow), "text.summarise"]
    with pytest.raises(
        Exception, match=r"no task type 'text\.sumarise'\. Did you mean 'text\.summ"
    ):
        registry.get("text.sumarise")
    with pytest.raises(Exception, match=r"no task type 'x'\.$"):
        registry.get("x")


def test_two_types_cannot_share_a_name():
    registry = TaskRegistry()
    registry.register(Summarise)
    registry.register(Summarise)
    with pytest.raises(DefinitionError, match=r"Two task types are called 'text\.summarise'"):
        registry.register(type("Other", (Task,), {"name": "text.summarise"}))
    with pytest.raises(DefinitionError, match="is no name for a task type"):
        registry.register(type("Odd", (Task,), {"name": "a b"}))


def test_a_copy_is_a_registry_of_its_own():
    registry = TaskRegistry()
    registry.copy().register(Summarise)
    assert Summarise.name not in registry.names()


def test_installed_packages_may_offer_task_types(monkeypatch):
    offered = EntryPoint(name="more", value="tests.tasks", group=ENTRY_POINTS)
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: [offered])
    loaded = registry_module._loaded.__wrapped__()
    assert "test.number" in loaded.names()


def test_the_default_registry_has_the_library():
    names = default_registry().names()
    assert {"flow.graph", "flow.map"} < set(names)
    assert all(inspect.isclass(default_registry().get(name)) for name in names)
