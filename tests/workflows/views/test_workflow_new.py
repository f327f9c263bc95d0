"""workflow-new: from nothing, like another workflow, from JSON; as a draft."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.durability.test_malformed import UNREADABLE, VALID
from workflows.models import Workflow, WorkflowDraft

ADDRESS = "/workflows/new/"


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


@pytest.mark.parametrize("name", [each for each in UNREADABLE if len(UNREADABLE[each]) < 2_000_000])
def test_what_cannot_be_read_gets_one_sentence_and_nothing_is_lost_or_stored(post, name, workflow):
    """T27."""
    if not UNREADABLE[name].strip():
        return
    answer = post(text=UNREADABLE[name])
    assert answer.status_code == 422
    assert answer.content.decode().count('class="fault"') == 1
    assert 'value="My rivers"' in answer.content.decode()
    assert Workflow.objects.count() == 1


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
