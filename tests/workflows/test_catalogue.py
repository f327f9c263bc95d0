"""The catalogue says what each task type takes, gives and needs, and draws one to try."""

import pytest

from runner import Need, Task, TaskRegistry, ValueFault, task
from runner.graph.definition import GraphDefinition
from runner.graph.plug_ins import PlugIn
from runner.graph.registry import default_registry
from workflows.catalogue import sheet_called, sheets, trial_of


@task(name="acme.shout", effect="once", needs=(Need("acme", hosts=("acme.example",)),))
def shout(text: str, times: int = 2) -> str:
    """Say a text aloud.

    <script>alert(1)</script> *Twice* unless told otherwise.
    """
    return text.upper() * times


@pytest.fixture
def registry():
    """A registry with a task of a plug-in."""
    made = default_registry()
    made.register(shout)
    made.plug_ins = (PlugIn(module="acme", origin="package acme 1", types=("acme.shout",)),)
    return made


def test_a_sheet_says_all_that_a_task_says_of_itself(registry):
    sheet = sheet_called(registry, "acme.shout")
    assert (sheet.title, sheet.help, sheet.family) == ("Shout", "Say a text aloud.", "acme")
    assert (sheet.needs, sheet.origin) == (("acme",), "package acme 1")
    assert "never run twice" in sheet.effect
    text, times = sheet.inputs
    assert (text.name, text.kind, text.required) == ("text", "text", True)
    assert (times.name, times.default, times.required) == ("times", "2", False)


def test_the_text_of_a_sheet_is_markdown_that_only_reads(registry):
    text = sheet_called(registry, "acme.shout").text
    assert "<em>Twice</em>" in text
    assert "<script" not in text


def test_ports_that_stream_say_how():
    (line,) = [
        line
        for line in sheet_called(default_registry(), "text.answer").outputs
        if line.name == "text"
    ]
    assert line.stream == "streams: grows with each chunk"


@pytest.mark.parametrize("words", ["acme", "SHOUT", "say aloud", "acme.shout"])
def test_all_words_have_to_be_found(registry, words):
    assert [each.type for each in sheets(registry, words)] == ["acme.shout"]
    assert sheets(registry, f"{words} nothing-of-this-name") == []


@pytest.mark.parametrize("name", default_registry().names())
def test_each_task_type_has_a_sheet_and_can_be_drawn_alone(name):
    registry = default_registry()
    sheet = sheet_called(registry, name)
    assert sheet.help.endswith(".")
    drawn = trial_of(registry, name).definition
    assert GraphDefinition.from_json(drawn.to_json()) == drawn
    assert drawn.tasks[0].type == name


def test_a_task_alone_has_its_ports_as_those_of_the_workflow(registry):
    drawn = trial_of(registry, "acme.shout").definition
    assert list(drawn.check(registry)) == []
    assert [(each.name, each.required) for each in drawn.inputs] == [
        ("text", True),
        ("times", False),
    ]
    assert [each.name for each in drawn.outputs] == ["result"]


class Fussy(Task):
    """Wants to know something first."""

    name = "acme.fussy"

    @classmethod
    def build(cls, config, graph, registry):
        """Refuse."""
        raise ValueFault("Say how loud.")


def test_a_task_that_wants_settings_first_is_drawn_without_ports():
    registry = TaskRegistry()
    registry.register(Fussy)
    assert trial_of(registry, "acme.fussy").definition.inputs == ()
    assert sheet_called(registry, "acme.fussy").drawn
