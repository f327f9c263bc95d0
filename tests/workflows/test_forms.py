"""The start form: a field for each port, its default, and a sentence for each mistake."""

import pytest

from workflows.forms import StartForm


def _form(port, *values):
    port = {"name": "p", "title": "Port"} | port
    return StartForm(
        [port], {f"in-port-{port['name']}": value for value in values} | {"in-key": "k"}
    )


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("str", " spaces stay ", " spaces stay "),
        ("str", "a\r\nb", "a\nb"),
        ("int", "12", 12),
        ("float", "0.5", 0.5),
        ("bool", "on", True),
        ("list[str]", "one\r\n\r\ntwo", ["one", "two"]),
        ("dict[str,int]", '{"a": 1}', {"a": 1}),
        ("list[int]", "[1, 2]", [1, 2]),
        ("any", "null", None),
    ],
)
def test_a_port_reads_what_was_typed(kind, text, value):
    form = _form({"type": kind}, text)

    assert form.is_valid(), form.errors
    assert form.inputs().get("p") == value


@pytest.mark.parametrize(
    ("port", "text", "sentence"),
    [
        ({"type": "str"}, "", "Port is missing."),
        ({"type": "int"}, "1.5", "whole number"),
        ({"type": "int", "maximum": 3}, "4", "less than or equal to 3"),
        ({"type": "float"}, "many", "must be a number"),
        ({"type": "float"}, "nan", "must be a number"),
        ({"type": "list[int]"}, "[1,", "not valid JSON (line 1)"),
        ({"type": "any"}, "NaN", "not valid JSON"),
        ({"type": "any"}, "[" * 100_000, "JSON"),
    ],
)
def test_a_mistake_gets_one_sentence(port, text, sentence):
    form = _form(port, text)

    assert not form.is_valid()
    (faults,) = form.errors.values()
    assert len(faults) == 1
    assert sentence in faults[0]


@pytest.mark.parametrize(
    ("port", "widget"),
    [
        ({"type": "str"}, "TextInput"),
        ({"type": "str", "ui": "multiline"}, "Textarea"),
        ({"type": "str", "default": "x" * 100}, "Textarea"),
        ({"type": "int"}, "NumberInput"),
        ({"type": "bool"}, "CheckboxInput"),
    ],
)
def test_a_port_gets_the_field_that_fits(port, widget):
    assert type(_form(port).fields["port-p"].widget).__name__ == widget


def test_a_default_fills_the_field_and_an_empty_optional_one_is_left_out():
    port = {"name": "p", "type": "int", "default": 3}

    assert StartForm([port])["port-p"].initial == 3
    assert _form(port, "").is_valid()
    assert _empty(port) == {}


def _empty(port):
    form = _form(port, "")
    form.is_valid()
    return form.inputs()


def test_an_unticked_box_means_no():
    form = _form({"type": "bool", "default": True})

    assert form.is_valid()
    assert form.inputs() == {"p": False}


def test_what_the_runner_refuses_stands_beside_its_field():
    form = _form({"type": "str"}, "x")
    form.is_valid()
    form.blame({"p": "It is too short.", "other": "There is no such input."})

    assert form.errors["port-p"] == ["It is too short."]
    assert form.non_field_errors() == ["There is no such input."]


RIVERS = {"type": "str", "choices": ["Rhine", "Elbe"]}


@pytest.mark.parametrize(
    ("more", "first"),
    [({}, ("", "choose one")), ({"required": False}, ("", "none of them")),
     ({"default": "Elbe"}, ("Rhine", "Rhine"))],
)  # fmt: skip
def test_choices_are_a_list_to_choose_from(more, first):
    form = _form(RIVERS | more, "Elbe")
    assert form.fields["port-p"].choices[0] == first
    assert form.is_valid(), form.errors
    assert form.inputs() == {"p": "Elbe"}


@pytest.mark.parametrize(
    ("text", "sentence"), [("Oder", "Choose one of the list."), ("", "Port is missing.")]
)
def test_what_is_none_of_the_choices_is_refused(text, sentence):
    form = _form(RIVERS, text)
    assert not form.is_valid()
    assert form.errors["port-p"] == [sentence]
