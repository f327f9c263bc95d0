"""Grants of tasks whose settings say which credential goes where."""

import json

import pytest

from workflows.grants import grants_of, must_ask
from workflows.models import Membership, Run

KEYED = {"credential": "github", "host": "api.github.com"}


def drawn(**config):
    task = {"id": "ask", "type": "http.request", "config": config, "inputs": {"url": "https://a"}}
    return json.dumps({"v": 1, "name": "demo", "tasks": [task]})


def asks(version, person):
    return must_ask(version, grants_of(version, person), person)


def test_a_grant_follows_from_the_settings(workflow, alice):
    (grant,) = grants_of(workflow.revise(drawn(**KEYED), alice), alice)
    assert (grant.need.name, grant.need.hosts) == ("github", ("api.github.com",))
    assert grants_of(workflow.revise(drawn(), alice), alice) == ()


@pytest.mark.parametrize("change", [{"method": "DELETE"}, {"host": "elsewhere.example"}])
def test_whoever_did_not_publish_it_is_asked_again_after_a_change_of_what_is_done(
    workflow, alice, bob, change
):
    Membership.objects.filter(user=bob).update(role="runner")
    first = workflow.revise(drawn(**KEYED), alice)
    assert asks(first, bob)
    assert not asks(first, alice)
    Run.objects.start(first, bob, {})
    assert not asks(first, bob)
    assert asks(workflow.revise(drawn(**KEYED | change), alice), bob)


def test_a_task_that_cannot_be_made_is_given_nothing(workflow, alice):
    assert grants_of(workflow.revise(drawn(credential="github"), alice), alice) == ()
