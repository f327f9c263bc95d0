"""version-list, version-diff, version-export, version-svg, version-restore."""

import json

import pytest

from runner.editing.draft import Draft
from workflows.models import DraftAct, Run, WorkflowDraft
from workflows.models.drafting import act, draft_of, undo

LAYOUT = '{"positions":{"a":[16,32]}}'


@pytest.fixture
def revised(workflow, alice):
    """The workflow with a second version, arranged, and with a draft that says more."""
    definition = json.loads(workflow.latest.definition)
    definition["tasks"].append(definition["tasks"][0] | {"id": "b", "title": "Second"})
    workflow.revise(
        Draft.from_json(json.dumps(definition)).to_json(), alice, "b <b>came</b>", LAYOUT
    )
    draft_of(workflow)
    act(workflow, alice, 0, {"op": "remove", "ids": ["a"]})
    return workflow


@pytest.fixture
def address(revised):
    return f"/workflows/{revised.pk}/versions/"


def test_the_list_says_who_when_why_and_how_often_it_ran(client_of, alice, revised, address):
    Run.objects.start(revised.latest, alice, {})
    page = client_of(alice).get(address).content.decode()
    assert "b &lt;b&gt;came&lt;/b&gt;" in page
    assert page.index('id="version-2"') < page.index("1 run<") < page.index('id="version-1"')
    assert "Not published" in page


def test_who_may_only_look_sees_no_draft_and_no_restore(client_of, bob, address):
    page = client_of(bob).get(address).content.decode()
    assert "Not published" not in page
    assert "/restore/" not in page
    assert client_of(bob).get(f"{address}diff/?from=1&to=draft").status_code == 404


def test_two_versions_are_drawn_with_marks_and_told_in_words(client_of, bob, address):
    page = client_of(bob).get(f"{address}diff/?from=1&to=2").content.decode()
    assert page.count('<g data-change="added" id="after-b">') == 1
    assert '<a href="#after-b" data-shows' in page
    assert "Task b" in page
    assert 'data-change="removed"><b>−</b> 0 removed' in page


def test_a_version_is_compared_with_the_draft(client_of, alice, address):
    page = client_of(alice).get(f"{address}diff/?from=2&to=draft").content.decode()
    assert "Task a" in page
    assert page.count('<g data-change="removed" id="before-a">') == 1
    assert '<a href="#before-a" data-shows' in page


@pytest.mark.parametrize("query", ["", "?from=1&to=9", "?from=x&to=1", "?from=1&to=99999999999999"])
def test_a_version_that_is_not_there_is_not_found(client_of, alice, address, query):
    assert client_of(alice).get(f"{address}diff/{query}").status_code == 404


def test_restoring_is_an_act_that_can_be_taken_back(client_of, alice, revised, address):
    before = draft_of(revised).definition
    answer = client_of(alice).post(f"{address}1/restore/")
    draft = WorkflowDraft.objects.get(workflow=revised)
    assert (answer.status_code, answer.url) == (303, f"/workflows/{revised.pk}/edit/")
    assert [task.id for task in draft.drawing.definition.tasks] == ["a"]
    assert DraftAct.objects.get(revision=2).words == "Version 1 restored"
    undo(revised, alice)
    assert draft_of(revised).definition == before


def test_a_version_that_nobody_arranged_is_laid_out_when_it_comes_back(client_of, alice, revised):
    client_of(alice).post(f"/workflows/{revised.pk}/versions/1/restore/")
    assert draft_of(revised).drawing.sheet.positions.keys() == {"a"}


def test_a_version_leaves_with_its_layout_and_comes_back_byte_for_byte(client_of, bob, address):
    answer = client_of(bob).get(f"{address}2/json/")
    assert json.loads(answer.content)["layout"] == json.loads(LAYOUT)
    assert Draft.from_json(answer.content).to_json().encode() == answer.content


def test_the_drawing_leaves_as_an_svg_file(client_of, bob, address):
    answer = client_of(bob).get(f"{address}2/svg/")
    assert answer["Content-Type"] == "image/svg+xml"
    assert answer["Content-Disposition"] == 'attachment; filename="demo-v2.svg"'
    assert b">Second</text>" in answer.content


def test_a_version_is_shown_and_leaves_as_a_program(client_of, bob, revised, address):
    page = client_of(bob).get(f"{address}2/python/").content.decode()
    assert "graph = GraphBuilder(" in page
    names: dict = {}
    exec(client_of(bob).get(f"{address}2/python/?download").content, names)  # noqa: S102 - the claim
    assert names["graph"].definition.to_json() == revised.latest.definition


@pytest.mark.parametrize("page", ["", "diff/?from=1&to=2", "1/json/", "1/svg/", "1/python/"])
def test_a_stranger_finds_nothing_and_nobody_is_asked_to_sign_in(
    client_of, charlie, client, address, page
):
    assert client_of(charlie).get(address + page).status_code == 404
    assert client.get(address + page)["Location"].startswith("/sign-in/?next=")


def test_only_editors_restore_and_only_by_a_post(client_of, alice, bob, charlie, client, address):
    for person in (bob, charlie):
        assert client_of(person).post(f"{address}1/restore/").status_code == 404
    assert client.post(f"{address}1/restore/").status_code == 302
    assert client_of(alice).get(f"{address}1/restore/").status_code == 405


def test_the_page_of_a_run_names_its_version_and_leads_to_it(client_of, alice, revised, address):
    run = Run.objects.start(revised.latest, alice, {})
    page = client_of(alice).get(f"/runs/{run.pk}/").content.decode()
    assert f'href="{address}#version-2"' in page
