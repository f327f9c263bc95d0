"""The panel: a form for everything that can be said about a task, or about a level."""

import pytest

from workflows.models import WorkflowDraft
from workflows.models.credential import keep_credential
from workflows.models.drafting import act, draft_of


@pytest.fixture
def draft(workflow, alice):
    """A draft with a task that cuts texts, and one that counts words."""
    draft_of(workflow)
    for kind in ("text.split", "text.count_words", "demo.python_manual", "flow.merge"):
        act(workflow, alice, revision(), {"op": "add", "type": kind})
    return workflow


@pytest.fixture
def say(client_of, alice, draft):
    """A function that sends a form of the panel."""
    client = client_of(alice)

    def say(path="", level="", **form):
        url = f"/workflows/{draft.pk}/edit/panel/?path={path}&level={level}"
        return client.post(url, {"base": revision(), **form})

    return say


def revision():
    return WorkflowDraft.objects.get().revision


def definition():
    return WorkflowDraft.objects.get().drawing.definition


def document(task_id):
    return definition().task(task_id).to_document()


def flows():
    return [(each.source, each.target) for each in definition().dataflows]


# ── what a task gets ────────────────────────────────────────────────────────────────────────────


def test_an_input_takes_an_expression(say):
    say("split", **{"inputs-way-size": "expression", "inputs-expression-size": "len(topics)"})
    assert document("split")["inputs"] == {"size": {"$expression": "len(topics)"}}


def test_a_wrong_expression_is_kept_and_said_beside_its_field(say):
    form = {"inputs-way-size": "expression", "inputs-expression-size": "len(nothing)"}
    page = say("split", **form).content.decode()
    assert "The expression uses &#x27;nothing&#x27;" in page
    assert document("split")["inputs"] == {"size": {"$expression": "len(nothing)"}}


def test_an_expression_that_is_not_typed_yet_changes_nothing_and_is_asked_for(say):
    say("split", **{"inputs-port-size": "80"})
    page = say(
        "split", **{"inputs-way-size": "expression", "inputs-port-size": "80"}
    ).content.decode()
    assert '<option value="expression" selected>' in page
    assert document("split")["inputs"] == {"size": 80}


def test_an_input_from_a_port_is_a_dataflow(say):
    say("split", **{"inputs-way-topics": "from:python_manual.topics"})
    assert flows() == [("python_manual.topics", "split.topics")]


def test_a_value_in_place_of_a_port_takes_the_dataflow_away(say):
    say("split", **{"inputs-way-topics": "from:python_manual.topics"})
    say("split", **{"inputs-way-topics": "constant", "inputs-port-topics": '{"a": "b"}'})
    assert flows() == []
    assert document("split")["inputs"] == {"topics": {"a": "b"}}


def test_what_does_not_fit_is_listed_with_the_reason_and_refused(say):
    assert "wants a whole number" in say("split").content.decode()
    answer = say("split", title="Typed", **{"inputs-way-size": "from:python_manual.topics"})
    assert answer.status_code == 422
    assert "wants a whole number" in answer.content.decode()
    assert 'value="Typed"' in answer.content.decode()
    assert flows() == []


def test_a_port_is_led_out_of_the_graph(say):
    say("split", **{"inputs-way-topics": "exposed"})
    say("split", expose="passages")
    assert flows() == [("$inputs.topics", "split.topics")]
    assert definition().outputs[-1].to_document() == {"name": "passages", "from": "split.passages"}


def test_several_dataflows_are_added_and_taken_away_one_by_one(say):
    say("merge", **{"inputs-way-values": "from:a.result"})
    say("merge", **{"inputs-way-values": "from:count_words.count"})
    assert len(flows()) == 2
    say("merge", disconnect="a.result merge.values")
    assert flows() == [("count_words.count", "merge.values")]


def test_a_circle_is_not_offered(say):
    say("split", **{"inputs-way-topics": "from:python_manual.topics"})
    say("merge", **{"inputs-way-values": "from:split.passages"})
    page = say("split").content.decode()
    assert "Merge: value: it comes after this task." in page


# ── policy, JSON, types that are not here ───────────────────────────────────────────────────────


def test_the_policy_keeps_only_what_is_said(say):
    form = {"policy-attempts": "3", "policy-timeout": "none", "policy-group": "slow"}
    say("split", **form)
    assert document("split")["policy"] == {
        "retry": {"attempts": 3},
        "timeout": None,
        "group": "slow",
    }
    say("split", **{"policy-attempts": ""})
    assert "policy" not in document("split")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("attempts", "11", "1 to 10 attempts"),
        ("timeout", "soon", "This must be a number"),
        ("cache", "perhaps", "Choose one of the list."),
        ("group", "x" * 65, "text of up to 64"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused_beside_its_field(say, field, value, words):
    before = revision()
    answer = say("split", **{"policy-attempts": "", f"policy-{field}": value})
    assert (answer.status_code, revision()) == (422, before)
    assert words in answer.content.decode()


def test_a_task_can_be_edited_as_json(say):
    say("split", form="json", document='{"title": "Cut", "inputs": {"size": {"$expression": "7"}}}')
    assert document("split")["title"] == "Cut"
    assert document("split")["inputs"] == {"size": {"$expression": "7"}}


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"id": "x"}', "[" * 5000, '{"config": 5}', '{"title": "\\u0000"}', "NaN"],
)
def test_json_that_is_no_task_is_refused_and_comes_back_as_typed(say, text):
    before = revision()
    answer = say("split", form="json", document=text)
    assert (answer.status_code, revision()) == (422, before)


@pytest.mark.parametrize(
    "address",
    ["edit/panel/?path=request", "outline/?task=request", "export/", "edit/clip/?id=request",
     "edit/?level=", "try/?only=request"],
)  # fmt: skip
def test_a_credential_is_a_name_wherever_a_task_is_shown(draft, alice, client_of, address):
    """House 4: what is drawn, copied and sent away holds references, and no secret."""
    keep_credential(alice, "rivers", "hidden-text-of-rivers", hosts=["rivers.example"])
    act(draft, alice, revision(), {"op": "add", "type": "http.request"})
    config = {"credential": "rivers"}
    act(draft, alice, revision(), {"op": "task", "path": "request", "config": config})
    page = client_of(alice).get(f"/workflows/{draft.pk}/{address}").content.decode()
    assert "hidden-text" not in page
    if "panel" in address or "outline" in address:
        assert "&quot;credential&quot;: &quot;rivers&quot;" in page


def test_nothing_of_a_type_that_is_not_installed_is_lost(say):
    """R17."""
    draft_row = WorkflowDraft.objects.get()
    draft_row.definition = draft_row.definition.replace(
        '{"id":"split","type":"text.split","title":"Split into passages"}',
        '{"config":{"deep":[1]},"id":"split","inputs":{"a":{"$expression":"b"}},"type":"acme.ocr"}',
    )
    draft_row.save()
    page = say("split", title="Scan").content.decode()
    assert "not installed here: acme.ocr" in page
    assert document("split")["config"] == {"deep": [1]}
    assert document("split")["inputs"] == {"a": {"$expression": "b"}}
    assert document("split")["title"] == "Scan"


# ── the level ───────────────────────────────────────────────────────────────────────────────────


def test_a_level_is_named_and_explained(say):
    say(form="graph", **{"graph-title": "New", "graph-help": "Why", "graph-fail_fast": "on"})
    assert (definition().title, definition().help, definition().fail_fast) == ("New", "Why", True)


def test_inputs_are_added_changed_renamed_and_removed(say):
    say(form="input", of="", **{"input-name": "count", "input-type": "int", "input-default": "3"})
    say("split", **{"inputs-way-size": "from:$inputs.count"})
    form = {"input-count-name": "size", "input-count-type": "int", "input-count-minimum": "1"}
    say(form="input", of="count", **form)
    port = definition().inputs[-1].to_document()
    assert port == {"name": "size", "type": "int", "minimum": 1.0}
    assert ("$inputs.size", "split.size") in flows()
    say(form="remove-input", of="size")
    assert flows() == []


def test_outputs_are_added_renamed_and_removed(say):
    say(form="output", of="", **{"output-name": "words", "output-source": "count_words.count"})
    form = {"output-words-name": "count", "output-words-source": "count_words.count"}
    say(form="output", of="words", **form)
    assert definition().outputs[-1].to_document() == {"name": "count", "from": "count_words.count"}
    say(form="remove-output", of="count")
    assert "count" not in {each.name for each in definition().outputs}


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"form": "input", "input-name": "1x", "input-type": "int"}, "no digit first"),
        ({"form": "input", "input-name": "x", "input-type": "soup"}, "soup"),
        (
            {"form": "input", "input-name": "x", "input-type": "int", "input-default": "{"},
            "not valid",
        ),
        ({"form": "input", "input-name": "x", "input-type": "int", "input-default": '"y"'}, "x"),
        ({"form": "input", "input-name": "x", "input-type": "str", "input-minimum": "1"}, "bounds"),
        ({"form": "output", "output-name": "x", "output-source": "no.where"}, "no such port"),
        ({"form": "output", "output-name": ""}, "A name is missing."),
        ({"form": "input", "of": "gone"}, "There is no input"),
        ({"form": "remove-input", "of": "gone"}, "There is no input"),
        ({"form": "x" * 500}, "There is no"),
        ({"form": "graph", "graph-title": "x" * 201}, "at most 200"),
    ],
)
def test_rubbish_is_refused_with_a_sentence_and_keeps_what_was_typed(say, form, words):
    before = revision()
    answer = say(**form)
    assert (answer.status_code, revision()) == (422, before)
    assert words in answer.content.decode()


def test_a_task_that_is_gone_is_said(say):
    answer = say("nothing")
    assert answer.status_code == 422
    assert "There is no task" in answer.content.decode()


# ── settings of control tasks ───────────────────────────────────────────────────────────────────


def test_a_choice_that_was_made_stays_chosen_when_something_else_is_said(draft, alice, say):
    act(draft, alice, revision(), {"op": "add", "type": "flow.branch"})
    rows = {"config-port-branches-0-name": "large"}
    page = say("branch", **rows, **{"config-port-mode": "all"}).content.decode()
    assert '<option value="all" selected>all</option>' in page
    assert "as it is by itself: first" in page
    assert document("branch")["config"]["mode"] == "all"


def test_rows_that_make_no_sense_are_said_beside_them_and_nothing_is_lost(draft, alice, say):
    act(draft, alice, revision(), {"op": "add", "type": "flow.branch"})
    before = revision()
    key = "config-port-branches-0"
    rows = {f"{key}-name": "", f"{key}-if-0-port": "value", f"{key}-if-0-is": "==",
            f"{key}-if-0-value": "<b>5</b>", f"{key}-if-0-path": "deep.er"}  # fmt: skip
    answer = say("branch", **rows)
    page = answer.content.decode()
    assert (answer.status_code, revision()) == (422, before)
    assert "Give each branch a name." in page
    assert 'value="&lt;b&gt;5&lt;/b&gt;"' in page
    assert 'value="deep.er"' in page


def test_a_branch_that_is_ticked_to_go_goes_and_a_renamed_one_keeps_its_condition(
    draft, alice, say
):
    act(draft, alice, revision(), {"op": "add", "type": "flow.branch"})
    nested = {"not": {"port": "value", "is": "true"}}
    branches = [{"name": "a", "if": nested}, {"name": "b", "if": nested}]
    act(
        draft, alice, revision(), {"op": "task", "path": "branch", "config": {"branches": branches}}
    )
    rows: dict[str, str] = {}
    for number, name in enumerate("ab"):
        key = f"config-port-branches-{number}"
        rows |= {f"{key}-name": f"{name}2", f"{key}-was": name}
        rows |= {f"{key}-if-json": '{\r\n "not": {"port": "value", "is": "true"}}'}
    rows["config-port-branches-1-remove"] = "on"
    say("branch", **rows)
    assert document("branch")["config"]["branches"] == [{"name": "a2", "if": nested}]


def test_what_a_row_does_not_show_of_a_question_stays(draft, alice, say):
    act(draft, alice, revision(), {"op": "add", "type": "flow.ask"})
    field = {"name": "size", "type": "int", "minimum": 1, "default": 5, "help": "In metres."}
    config = {"kind": "input", "fields": [field]}
    act(draft, alice, revision(), {"op": "task", "path": "ask", "config": config})
    rows = {"config-port-fields-0-name": "width", "config-port-fields-0-type": "int",
            "config-port-fields-0-title": "Width", "config-port-fields-0-was": "size",
            "config-port-kind": "input"}  # fmt: skip
    say("ask", **rows)
    kept = document("ask")["config"]["fields"]
    assert kept == [field | {"name": "width", "title": "Width"}]


def ask_for(say, **row):
    """Say what the first field of an Ask is."""
    rows = {f"config-port-fields-0-{name}": each for name, each in row.items()}
    return say("ask", **{"config-port-kind": "input", **rows})


def test_a_choice_keeps_its_choices_and_loses_them_with_its_type(draft, alice, say):
    act(draft, alice, revision(), {"op": "add", "type": "flow.ask"})
    ask_for(say, name="river", type="choice", choices="Rhine\nElbe", required="on")
    page = ask_for(say, name="river", type="choice", choices="Rhine\nElbe", required="on",
                   was="river", title="River").content.decode()  # fmt: skip
    assert document("ask")["config"]["fields"][0]["choices"] == ["Rhine", "Elbe"]
    assert '<option value="choice" selected>choice</option>' in page
    assert "Rhine\nElbe</textarea>" in page
    ask_for(say, name="river", type="str", choices="Rhine", required="on", was="river")
    assert document("ask")["config"]["fields"] == [{"name": "river", "type": "str"}]


def test_a_choice_without_choices_gets_one_sentence(draft, alice, say):
    act(draft, alice, revision(), {"op": "add", "type": "flow.ask"})
    answer = ask_for(say, name="river", type="choice", choices=" \n ")
    assert answer.status_code == 422
    assert "Say what river offers to choose from, one a line." in answer.content.decode()


def test_subtasks_are_put_in_order_and_taken_away(draft, alice, say):
    act(draft, alice, revision(), {"op": "add", "type": "flow.fallback"})
    for kind in ("text.keywords", "text.count_words"):
        say("fallback", form="strategy", kind=kind)
    say("fallback", form="strategy", later="keywords")
    inside = [each["id"] for each in document("fallback")["graph"]["tasks"]]
    assert inside == ["count_words", "keywords"]
    say("fallback", form="strategy", drop="count_words")
    assert [each["id"] for each in document("fallback")["graph"]["tasks"]] == ["keywords"]
    answer = say("fallback", form="strategy")
    assert "Choose the type of the task to add first." in answer.content.decode()
