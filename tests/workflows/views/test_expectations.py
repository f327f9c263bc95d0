"""Who may do what at which address: one table, and every address is in it.

An address that is added and not listed here fails `test_every_address_has_its_line`.
"""

from datetime import timedelta

import pytest
from django.db import transaction
from django.urls import get_resolver, reverse

from workflows.arrangement import drawing_name
from workflows.models import Invitation, Membership, SavedFilter, Webhook
from workflows.models.belonging import invite
from workflows.models.credential import keep_credential
from workflows.models.share import share

ANYBODY, SIGNED_IN, GUEST, STAFF = "anybody", "signed in", "guest", "staff"
#: Those who ask, each with more rights than the one before.
PEOPLE = ["nobody", "stranger", "viewer", "runner", "editor", "owner"]
#: The first of PEOPLE who has a right.
LEAST = {ANYBODY: 0, SIGNED_IN: 1, "view": 2, "run": 3, "edit": 4, "own": 5, STAFF: 6}
ONLY_READ = ("view", None)
DRAFT_ACT = (None, "edit")
RUN_ACT = (None, "run")

#: Who holds the cookie of a share link, and nobody else whoever they are.
ONLY_GUESTS = (GUEST, None)

#: Name of an address -> who may GET it, who may POST to it; None where the method is refused.
TABLE = {
    "home": (SIGNED_IN, None),
    "search": (SIGNED_IN, None),
    "waiting-list": (SIGNED_IN, None),
    "workflow-list": (SIGNED_IN, None),
    "workflow-new": (SIGNED_IN, SIGNED_IN),
    "example-use": (None, SIGNED_IN),
    "workflow-show": ONLY_READ,
    "workflow-export": ONLY_READ,
    "version-list": ONLY_READ,
    "version-diff": ONLY_READ,
    "version-export": ONLY_READ,
    "version-python": ONLY_READ,
    "version-svg": ONLY_READ,
    "version-restore": DRAFT_ACT,
    "workflow-about": ("edit", "edit"),
    "workflow-remove": DRAFT_ACT,
    "run-try": ("edit", "edit"),
    "workflow-copy": DRAFT_ACT,
    "workflow-history": ONLY_READ,
    "workflow-outline": ("view", "edit"),
    "workflow-edit": ONLY_READ,
    "draft-do": DRAFT_ACT,
    "draft-undo": DRAFT_ACT,
    "draft-redo": DRAFT_ACT,
    "draft-tidy": DRAFT_ACT,
    "draft-parts": ("edit", None),
    "draft-fits": ("edit", None),
    "draft-last-run": ("edit", None),
    "draft-palette": ("edit", None),
    "draft-panel": ("edit", "edit"),
    "draft-clip": ONLY_READ,
    "draft-problems": ("edit", None),
    "draft-publish": DRAFT_ACT,
    "task-type-list": (SIGNED_IN, None),
    "task-type-show": (SIGNED_IN, None),
    "task-type-try": (None, SIGNED_IN),
    "trigger-list": ONLY_READ,
    "trigger-new": ("edit", "edit"),
    "trigger-turn": DRAFT_ACT,
    "trigger-remove": DRAFT_ACT,
    "webhook-renew": DRAFT_ACT,
    "hook": (None, ANYBODY),
    "run-start": ("run", "run"),
    "run-list": (SIGNED_IN, None),
    "run-filter-save": (None, SIGNED_IN),
    "run-filter-remove": (None, SIGNED_IN),
    "run-compare": ONLY_READ,
    "run-show": ONLY_READ,
    "task-show": ONLY_READ,
    "run-file": ONLY_READ,
    "run-picture": ONLY_READ,
    "run-input": ONLY_READ,
    "run-answer": ("run", "run"),
    "run-decide-versions": RUN_ACT,
    "run-decide": ("run", "run"),
    "run-renew": RUN_ACT,
    "run-log": ONLY_READ,
    "run-rerun": ("run", "run"),
    "run-cancel": RUN_ACT,
    "run-resume": RUN_ACT,
    "run-pause": RUN_ACT,
    "run-continue": RUN_ACT,
    "run-share": ("edit", "edit"),
    "run-share-preview": (None, "edit"),
    "run-share-copy": (None, "edit"),
    "run-share-revoke": (None, "edit"),
    "share-open": (ANYBODY, ANYBODY),
    "shared-run": ONLY_GUESTS,
    "shared-drawing": ONLY_GUESTS,
    "run-drawing": ONLY_READ,
    "me": (SIGNED_IN, None),
    "password": (SIGNED_IN, SIGNED_IN),
    "mail": (SIGNED_IN, SIGNED_IN),
    "credential-list": (SIGNED_IN, SIGNED_IN),
    "credential-remove": (None, "own"),
    "team-list": (SIGNED_IN, SIGNED_IN),
    "team-show": ONLY_READ,
    "team-rename": (None, "own"),
    "team-dissolve": (None, "own"),
    "invitation-new": (None, "own"),
    "invitation-take-back": (None, "own"),
    "member-role": (None, "own"),
    "member-remove": (None, "own"),
    "join": (ANYBODY, ANYBODY),
    "join-accept": (ANYBODY, ANYBODY),
    "appearance": (SIGNED_IN, SIGNED_IN),
    "sign-in": (ANYBODY, ANYBODY),
    "admin-operations": (STAFF, None),
    "admin-sign-in": (ANYBODY, None),
    "admin-sign-out": (None, ANYBODY),
    "admin-password": (SIGNED_IN, SIGNED_IN),
    "sign-out": (None, ANYBODY),
    "health": (ANYBODY, None),
    "ready": (ANYBODY, None),
}
#: Where nothing is for anybody in this installation, so that only refusals can be seen here.
EMPTY = {"admin-sign-in", "run-file", "run-picture", "run-input", "run-answer", "run-decide", "join", "join-accept", "share-open",
         "run-filter-remove", "example-use", "task-type-try", "version-diff"}  # fmt: skip


def names_of(patterns):
    """Name all addresses but those of the admin, which has rights of its own."""
    for each in patterns:
        if getattr(each, "app_name", None) == "admin":
            continue
        if hasattr(each, "url_patterns"):
            yield from names_of(each.url_patterns)
        else:
            yield each.name


def test_every_address_has_its_line():
    """R7: an address without an expectation is one that nobody thought about."""
    assert set(names_of(get_resolver().url_patterns)) == set(TABLE)


@pytest.fixture
def addresses(rich_workflow, rich_run, team, alice, people):
    """Give the address of each name, about things that belong to the team and its owner."""
    invitation, _token = invite(team, "viewer", "", alice)
    credential = keep_credential(alice, "rivers", "text", hosts=["rivers.example"])
    link, _token = share(rich_run, alice, life=timedelta(days=1))
    webhook = Webhook(
        workflow=rich_workflow, person=people["editor"], version=rich_workflow.latest, title="Push"
    )
    webhook.renew()
    webhook.save()
    given = {
        "version-export": [rich_workflow.pk, 1],
        "version-python": [rich_workflow.pk, 1],
        "version-svg": [rich_workflow.pk, 1],
        "version-restore": [rich_workflow.pk, 1],
        "task-show": [rich_run.pk, "answer"],
        "run-file": [rich_run.pk, "0" * 64],
        "run-picture": [rich_run.pk, "0" * 64],
        "run-input": [rich_run.pk, "question"],
        "run-answer": [rich_run.pk, "answer"],
        "run-decide": [rich_run.pk, "answer"],
        "run-drawing": [drawing_name(rich_workflow.latest.digest)],
        "run-share-copy": [rich_run.pk, link.pk],
        "run-share-revoke": [rich_run.pk, link.pk],
        "share-open": [],
        "shared-run": [link.pk],
        "shared-drawing": [link.pk],
        "run-filter-save": [],
        "run-filter-remove": [0],
        "run-list": [],
        "run-compare": [],
        "example-use": ["nothing"],
        "task-type-list": [],
        "trigger-list": [rich_workflow.pk],
        "trigger-new": [rich_workflow.pk, "schedule"],
        "trigger-turn": [rich_workflow.pk, "webhook", webhook.pk],
        "trigger-remove": [rich_workflow.pk, "webhook", webhook.pk],
        "webhook-renew": [rich_workflow.pk, webhook.pk],
        "hook": [webhook.pk],
        "task-type-show": ["text.split"],
        "task-type-try": ["nothing"],
        "credential-remove": [credential.pk],
        "invitation-take-back": [team.slug, invitation.pk],
        "member-role": [team.slug, people["viewer"].pk],
        "member-remove": [team.slug, alice.pk],
    }

    def address(name):
        """Name the thing that the name's first word says."""
        whole = {"run": [rich_run.pk], "workflow": [rich_workflow.pk], "draft": [rich_workflow.pk],
                 "version": [rich_workflow.pk], "team": [team.slug], "invitation": [team.slug]}  # fmt: skip
        alone = name in {"workflow-list", "workflow-new", "team-list"}
        usual = [] if alone else whole.get(name.partition("-")[0], [])
        if name in {"run-try", "run-start"}:
            usual = [rich_workflow.pk]
        queries = {"run-compare": f"?a={rich_run.pk}&b={rich_run.pk}", "version-diff": "?from=1&to=draft"}  # fmt: skip
        return reverse(name, args=given.get(name, usual)) + queries.get(name, "")

    return address


@pytest.fixture
def people(team, alice, charlie, django_user_model):
    """Give somebody of each role, and a stranger."""
    found = {"owner": alice, "stranger": charlie}
    for role in ("viewer", "runner", "editor"):
        found[role] = django_user_model.objects.create_user(role, password="river-delta-42")
        Membership.objects.create(team=team, user=found[role], role=role)
    return found


def is_admitted(answer):
    """Whether somebody got further than to the door."""
    return answer.status_code not in {403, 404, 405} and not is_sent_to_sign_in(answer)


def is_sent_to_sign_in(answer):
    return answer.status_code == 302 and answer["Location"].startswith("/sign-in/?next=")


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("name", TABLE)
def test_each_person_gets_as_far_as_the_table_says(
    client, client_of, people, addresses, name, method
):
    """R7: an unseen thing is not there, whoever asks and however."""
    right = TABLE[name][method == "post"]
    for place, who in enumerate(PEOPLE):
        asking = client_of(people[who]) if who in people else client
        with transaction.atomic():
            answer = getattr(asking, method)(addresses(name))
            transaction.set_rollback(True)
        told = f"{who}: {answer.status_code}"
        if right is GUEST:
            assert answer.status_code == 404, told
        elif right is None:
            assert answer.status_code == 405 or is_sent_to_sign_in(answer), told
        elif place < LEAST[right]:
            expected = is_sent_to_sign_in(answer) if who == "nobody" else answer.status_code == 404
            assert expected, told
        elif name not in EMPTY:
            assert is_admitted(answer), told
        else:
            assert answer.status_code < 500, told


def test_nothing_of_a_person_is_another_persons(client_of, bob, alice, team):
    """R7: what belongs to a person and to no team is theirs alone."""
    mine = SavedFilter.objects.create(person=alice, name="mine", query="")
    kept = keep_credential(alice, "rivers", "text", hosts=["rivers.example"])
    client = client_of(bob)

    assert client.post(reverse("run-filter-remove", args=[mine.pk])).status_code in {303, 404}
    assert client.post(reverse("credential-remove", args=[kept.pk])).status_code == 404
    assert SavedFilter.objects.filter(pk=mine.pk).exists()
    assert alice.credentials.exists()
    assert not Invitation.objects.exists()
