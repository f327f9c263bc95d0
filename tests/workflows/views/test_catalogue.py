"""The pages of task types, and the way from one to a run of it."""

import pytest
from django.urls import reverse

from workflows.models import Workflow


@pytest.fixture
def client(client_of, alice):
    """A person who may draw."""
    return client_of(alice)


def try_url(name):
    return reverse("task-type-try", args=[name])


def test_all_task_types_are_listed_by_family(client):
    page = client.get(reverse("task-type-list")).content.decode()
    assert 'id="family-text"' in page
    assert reverse("task-type-show", args=["text.split"]) in page


def test_htmx_gets_what_was_found_only(client, hx):
    page = client.get(reverse("task-type-list"), {"q": "passages"}, headers=hx).content.decode()
    assert "<html" not in page
    assert "text.split" in page
    assert "http.request" not in page


def test_nothing_found_says_so_with_a_way_back(client):
    page = client.get(reverse("task-type-list"), {"q": "<b>zzz\0"}).content.decode()
    assert "No task type is called so." in page
    assert "<b>zzz" not in page


def test_a_task_type_shows_its_ports_and_help(client):
    page = client.get(reverse("task-type-show", args=["text.split"])).content.decode()
    assert "passages" in page
    assert "400 unless set" in page


@pytest.mark.parametrize("address", ["task-type-show", "task-type-try"])
def test_a_type_that_is_not_installed_is_not_found(client, address):
    ask = client.get if address == "task-type-show" else client.post
    assert ask(reverse(address, args=["no.such"])).status_code == 404


def test_a_task_is_tried_as_a_workflow_of_its_own_that_asks_for_its_inputs(client, team):
    answer = client.post(try_url("text.keywords"))
    made = Workflow.objects.get(title="Try keywords")
    assert answer.url == reverse("run-start", args=[made.pk])
    assert made.team == team
    page = client.get(answer.url).content.decode()
    assert 'name="in-port-question"' in page


def test_a_task_that_wants_settings_first_opens_in_the_editor(client):
    answer = client.post(try_url("flow.map"), follow=True)
    assert "Set it up first: " in answer.content.decode()
    assert answer.redirect_chain[-1][0].endswith("/edit/")


def test_who_may_draw_nowhere_is_offered_nothing_to_try(client_of, bob):
    client = client_of(bob)
    shown = client.get(reverse("task-type-show", args=["text.split"])).content.decode()
    assert "Try it" not in shown
    assert client.post(try_url("text.split")).status_code == 404


def test_only_a_team_of_ones_own_can_be_named(client, charlie):
    assert client.post(try_url("text.split"), {"team": "hills"}).status_code == 404
