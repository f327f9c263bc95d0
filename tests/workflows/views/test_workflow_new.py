"""workflow-new: from nothing, like another workflow, from JSON; as a draft."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from runner.graph.definition import GraphDefinition
from tests.durability.test_malformed import UNPLANNABLE, UNREADABLE, VALID, changed, task
from workflows.models import Workflow, WorkflowDraft

ADDRESS = "/workflows/new/"
CIRCLE = {
    "tasks": [{"id": "b", "type": "text.keywords"}],
    "dataflows": [{"from": "b.keywords", "to": "b.question"}],
}


@pytest.fixture
def post(client_of, alice, team):
    def send(**more):
        form = {"title": "My rivers", "team": team.pk, **more}
        return client_of(alice).post(ADDRESS, form)

    return send


def made():
    """The draft of the workflow that was made."""
    return WorkflowDraft.objects.get(workflow__title="My rivers").drawing


def test_from_nothing_it_opens_in_the_editor_with_an_empty_draft(post, client_of, alice):
    answer = post()
    mine = Workflow.objects.get(title="My rivers")
    assert (answer.status_code, answer.url) == (303, f"/workflows/{mine.pk}/edit/")
    assert (mine.name, mine.versions.count(), made().definition.tasks) == ("my-rivers", 0, ())
    assert client_of(alice).get(answer.url).status_code == 200


def test_like_another_workflow_it_draws_the_same_under_its_own_name(post, workflow):
    post(like=workflow.pk)
    assert [task.id for task in made().definition.tasks] == ["a"]
    assert (made().definition.name, made().definition.title) == ("my-rivers", "My rivers")


@pytest.mark.parametrize("how", ["text", "file"])
def test_from_json_it_draws_what_the_json_says_with_its_layout(post, how):
    text = json.dumps(VALID | {"layout": {"positions": {"words": [16, 32]}}})
    post(**{how: text if how == "text" else SimpleUploadedFile("a.json", text.encode())})
    assert [task.id for task in made().definition.tasks] == ["words", "each"]
    assert made().sheet.positions == {"words": (16, 32)}


#: What no file may hold: what cannot be read, and what no drawing may have.
MALFORMED = {name: text for name, text in UNREADABLE.items() if text} | {
    name: UNPLANNABLE[name]
    for name in (
        "a circle",
        "the same id twice",
        "an id that is a path",
        "an id that is markup",
        "an id of a thousand letters",
        "an end that is none",
        "an end at no task",
        "into the graph's own input",
        "two inputs of one name",
        "nested too deep",
    )
}
MALFORMED |= {
    "markup as the name of an input": changed(inputs=[{"name": "<script>alert(1)</script>"}]),
    "two outputs of one name": changed(outputs=[{"name": "w", "from": "words.keywords"}] * 2),
    "an output from an input that is not there": changed(
        outputs=[{"name": "w", "from": "$inputs.gone"}]
    ),
    "a circle inside of a compound": task(type="flow.graph", graph=CIRCLE),
}


@pytest.mark.parametrize("how", ["text", "file"])
@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_malformed_gets_one_sentence_and_nothing_is_lost_or_stored(
    post, name, how, workflow
):
    """T27."""
    text = MALFORMED[name]
    answer = post(**{how: text if how == "text" else SimpleUploadedFile("a.json", text.encode())})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert page.count('class="fault"') == 1
    assert 'value="My rivers"' in page
    assert "<script>alert" not in page
    assert Workflow.objects.count() == 1


def test_what_is_not_installed_or_not_set_up_yet_is_taken_in_and_loses_nothing(
    post, client_of, alice
):
    """R17: byte for byte, but for the name that the new workflow has."""
    given = {"tasks": [{"id": "a", "type": "acme.Ocr", "config": {"deep": {"er": [1.50, "é"]}}},
                       {"id": "m", "type": "flow.map"}],
             "dataflows": [{"from": "a.text", "to": "m.item"}], "outputs": []}  # fmt: skip
    text = changed(**given, name="my-rivers", title="My rivers")
    post(text=text)
    assert made().definition.to_json() == GraphDefinition.from_json(text).to_json()
    page = client_of(alice).get(f"/workflows/{Workflow.objects.get().pk}/edit/").content.decode()
    assert "acme.Ocr" in page


def test_a_file_that_is_too_large_is_refused(post):
    big = SimpleUploadedFile("a.json", b'{"v":1,"help":"' + b"x" * (5 * 1024 * 1024) + b'"}')
    answer = post(file=big)
    assert "The file is larger than 5 MiB." in answer.content.decode()


def test_a_title_that_is_taken_gets_another_name(post):
    post()
    post()
    assert sorted(Workflow.objects.values_list("name", flat=True)) == ["my-rivers", "my-rivers-2"]


def test_a_hostile_title_is_text(post, client_of, alice):
    post(title="<script>alert(1)</script>")
    page = client_of(alice).get("/workflows/").content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_only_editors_make_workflows_and_only_in_their_teams(client_of, bob, charlie, client, team):
    for person in (bob, charlie):
        answer = client_of(person).post(ADDRESS, {"title": "X", "team": team.pk})
        assert answer.status_code in {302, 422}
    assert client.get(ADDRESS).status_code == 302
    assert not Workflow.objects.exists()


def test_a_workflow_one_may_not_see_is_no_template(client_of, charlie, workflow):
    page = client_of(charlie).get(f"{ADDRESS}?like={workflow.pk}").content.decode()
    assert workflow.title not in page
