"""Share links: made, copied, revoked, over; and what is kept of their tokens."""

from datetime import timedelta

import pytest
from django.utils import timezone

from runner.errors import RunnerError
from tests.shared_run import linked
from workflows.access import may_share
from workflows.models import AuditEvent, Membership, Run, ShareLink, ShareToken, Tries
from workflows.models.belonging import remove
from workflows.models.share import revoke, share, share_again, token_in
from workflows.retention import prune

pytestmark = pytest.mark.django_db
WEEK = timedelta(days=7)


def opened_by(token):
    """Give the link that a token opens."""
    found = token_in(token)
    return found and found.link


def test_only_the_digest_of_a_token_is_kept(run, alice):
    link, token = linked(run, alice)
    assert len(token) >= 43
    kept = str(
        [*ShareToken.objects.values(), *ShareLink.objects.values(), *AuditEvent.objects.values()]
    )
    assert token not in kept
    assert opened_by(token) == link


def test_another_copy_opens_the_same_and_the_first_goes_on_doing_so(run, alice):
    link, first = linked(run, alice)
    second = share_again(link, alice)
    assert first != second
    assert {opened_by(each) for each in (first, second)} == {link}


@pytest.mark.parametrize(
    "end",
    [
        revoke,
        lambda link, alice: ShareLink.objects.update(expires_at=timezone.now()),
        lambda link, alice: type(alice).objects.update(is_active=False),
        lambda link, alice: Membership.objects.filter(user=alice).delete(),
        lambda link, alice: type(link.run.team).objects.update(removed_at=timezone.now()),
    ],
    ids=["revoked", "expired", "maker may not sign in", "maker left", "team is gone"],
)
def test_a_link_that_is_over_opens_nothing_and_is_not_copied(run, alice, end):
    link, token = linked(run, alice)
    end(link, alice)
    assert token_in(token) is None
    with pytest.raises(RunnerError, match="make a new one"):
        share_again(link, alice)


def test_a_person_who_leaves_the_team_takes_their_links_along(run, team, alice, django_user_model):
    eve = django_user_model.objects.create_user("eve")
    joined = Membership.objects.create(team=team, user=eve, role="editor")
    _, token = linked(run, eve)
    remove(joined, alice)
    assert token_in(token) is None


def test_making_copying_and_revoking_is_audited_without_the_token(run, alice):
    link, _ = linked(run, alice, note="for the council")
    share_again(link, alice)
    assert revoke(link, alice)
    assert not revoke(link, alice)
    acts = list(AuditEvent.objects.order_by("pk").values_list("act", flat=True))
    assert acts == ["shared", "copied a link to", "revoked a link to"]


@pytest.mark.parametrize("life", [timedelta(), timedelta(days=90, seconds=1)])
def test_no_link_lives_for_ever(run, alice, life):
    with pytest.raises(RunnerError, match="90 days"):
        share(run, alice, life=life)
    assert share(run, alice, life=timedelta(days=90))


def test_a_run_has_so_many_open_links_and_no_more(run, alice, settings):
    settings.SHARE_LINKS_A_RUN = 1
    link, _ = linked(run, alice)
    with pytest.raises(RunnerError, match="revoke some"):
        linked(run, alice)
    revoke(link, alice)
    linked(run, alice)


def test_a_link_is_copied_so_often_and_no_more(run, alice, settings):
    settings.SHARE_TOKENS_A_LINK = 2
    link, _ = linked(run, alice)
    share_again(link, alice)
    with pytest.raises(RunnerError, match="copied 2 times"):
        share_again(link, alice)


@pytest.mark.parametrize(
    ("role", "started", "may"),
    [
        ("viewer", False, False), ("viewer", True, False), ("runner", False, False),
        ("runner", True, True), ("editor", False, True), ("owner", False, True),
    ],
)  # fmt: skip
def test_who_edits_may_share_and_so_may_who_started_the_run(
    run, team, django_user_model, role, started, may
):
    eve = django_user_model.objects.create_user("eve")
    Membership.objects.create(team=team, user=eve, role=role)
    if started:
        Run.objects.update(started_by=eve)
    assert may_share(eve, run) is may


def test_links_that_are_over_are_removed_and_counts_of_tries_too(run, alice):
    kept, _ = linked(run, alice)
    over, _ = linked(run, alice)
    ShareLink.objects.filter(pk=over.pk).update(expires_at=timezone.now() - timedelta(days=1))
    Tries.objects.allow("somebody", 1, timedelta(seconds=-1))
    prune()
    assert list(ShareLink.objects.all()) == [kept]
    assert not Tries.objects.exists()


def test_tries_are_counted_by_who_and_begin_anew_when_their_time_is_over():
    now = timezone.now()
    allow = Tries.objects.allow
    assert [allow("here", 2, WEEK, now) for _ in range(3)] == [True, True, False]
    assert allow("there", 2, WEEK, now)
    assert allow("here", 2, WEEK, now + WEEK)
    assert "here" not in str(list(Tries.objects.values()))
