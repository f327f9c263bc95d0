"""Runs: who sees them, how they begin, what may be asked of them."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import Http404

from runner.graph.values import decode
from workflows.access import may, run_for, still_sees
from workflows.models import Run, RunRequest

pytestmark = pytest.mark.django_db


def test_the_owner_of_the_team_sees_and_may_run(run, alice):
    assert run_for(alice, run.pk, "edit") == run
    assert may(alice, run, "run")


def test_a_viewer_sees_and_may_not_run(run, bob):
    assert run_for(bob, run.pk) == run
    assert not may(bob, run, "run")
    with pytest.raises(Http404):
        run_for(bob, run.pk, "run")


def test_a_stranger_sees_nothing(run, charlie):
    assert not Run.objects.visible_to(charlie).exists()
    with pytest.raises(Http404):
        run_for(charlie, run.pk)


def test_nobody_sees_nothing(run):
    assert not Run.objects.visible_to(AnonymousUser()).exists()


def test_a_person_who_left_sees_nothing(run, bob):
    assert still_sees(bob.pk, run.pk)
    bob.is_active = False
    bob.save()
    assert not still_sees(bob.pk, run.pk)


@pytest.mark.parametrize("key", ["", "no-id", "00000000-0000-0000-0000-000000000000"])
def test_an_id_that_names_nothing_is_not_found(alice, key):
    with pytest.raises(Http404):
        run_for(alice, key)


def test_a_run_starts_queued_with_encoded_inputs(workflow, alice):
    run = Run.objects.start(workflow.latest, alice, {"text": "<b>😀</b>", "raw": b"\0"})
    assert (run.status, run.seq, run.owner) == ("queued", 0, "")
    assert decode(run.inputs) == {"text": "<b>😀</b>", "raw": b"\0"}
    assert run.team == workflow.team


def test_the_same_key_gives_the_same_run(workflow, alice, charlie):
    first = Run.objects.start(workflow.latest, alice, {}, "once")
    assert Run.objects.start(workflow.latest, alice, {}, "once") == first
    assert Run.objects.start(workflow.latest, alice, {}) != first
    assert Run.objects.start(workflow.latest, charlie, {}, "once") != first


@pytest.mark.parametrize(
    ("status", "cancel", "resume"),
    [
        ("queued", True, False),
        ("running", True, False),
        ("interrupted", True, True),
        ("cancelling", False, False),
        ("completed", False, False),
        ("failed", False, True),
        ("cancelled", False, True),
        ("quarantined", False, True),
    ],
)
def test_what_may_be_asked_depends_on_the_status(run, alice, status, cancel, resume):
    Run.objects.filter(pk=run.pk).update(status=status)
    assert run.request("cancel", alice) is cancel
    assert run.request("resume", alice) is resume


def test_asking_twice_is_asking_once(run, alice):
    assert run.request("cancel", alice, key="k")
    assert run.request("cancel", alice, key="k")
    assert run.request("cancel", alice)
    assert RunRequest.objects.count() == 1
