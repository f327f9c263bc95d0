"""Sharing a run: the links of its page and dialog."""

import pytest
from django.urls import reverse

from tests.guest_tasks import ALOUD, HUSH
from tests.shared_run import linked
from workflows.models import ShareLink

pytestmark = pytest.mark.django_db
WISHES = {"task": "", "ports": ["speak.text"], "audience": "anyone", "life": "7d"}


@pytest.fixture
def page(secretive):
    """The address of the run's links."""
    return reverse("run-share", args=[secretive.pk])


def link_in(answer):
    """Give the token that a page shows this once."""
    text = answer.content.decode()
    return text.partition("/s/#")[2].partition('"')[0]


def test_a_link_is_made_and_shown_once(client_of, alice, page, client):
    browser = client_of(alice)
    made = browser.post(page, WISHES | {"note": "for the council", "password": "delta"})
    token = link_in(made)
    assert made.status_code == 200
    assert client.post("/s/", {"token": token, "password": "delta"}).status_code == 303
    assert token not in browser.get(page).content.decode()
    link = ShareLink.objects.get()
    assert (set(link.port_pairs), link.note, link.made_by) == (
        {("speak", "text")},
        "for the council",
        alice,
    )


def test_the_dialog_is_given_its_inside_alone(client_of, alice, page, hx):
    browser = client_of(alice)
    for answer in (browser.get(page, headers=hx), browser.post(page, WISHES, headers=hx)):
        assert b"<html" not in answer.content
        assert b"Share this run" in answer.content


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"ports": ["speak.key"]}, "speak.key is not one of the available choices"),
        ({"ports": ["group.text"]}, "not one of the available choices"),
        ({"task": "after"}, "speak.text: not of this task"),
        ({"task": "nowhere"}, "nowhere is not one of the available choices"),
        ({"life": "for ever"}, "not one of the available choices"),
        ({"audience": "all"}, "not one of the available choices"),
        ({"note": "x" * 101}, "at most 100 characters"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_in_words_and_kept(client_of, alice, page, wish, said):
    answer = client_of(alice).post(page, WISHES | {"note": "mine"} | wish)
    text = answer.content.decode()
    assert answer.status_code == 422
    assert said in text
    assert ("mine" if "note" not in wish else "x" * 101) in text
    assert not ShareLink.objects.exists()


def test_a_preview_shows_what_guests_would_see_and_makes_nothing(client_of, alice, secretive):
    address = reverse("run-share-preview", args=[secretive.pk])
    answer = client_of(alice).post(address, WISHES)
    text = answer.content.decode()
    assert "This is what guests see" in text
    assert ALOUD in text
    assert HUSH not in text
    assert not ShareLink.objects.exists()
    assert client_of(alice).post(address, WISHES | {"life": "x"}).status_code == 422


def test_a_link_is_copied_and_revoked(client_of, alice, secretive, page, client):
    link, first = linked(secretive, alice)
    browser = client_of(alice)
    second = link_in(browser.post(reverse("run-share-copy", args=[secretive.pk, link.pk])))
    assert client.post("/s/", {"token": second}).status_code == 303
    off = browser.post(reverse("run-share-revoke", args=[secretive.pk, link.pk]))
    assert (off.status_code, off["Location"]) == (303, page)
    for token in (first, second):
        assert client.post("/s/", {"token": token}).status_code == 404
    late = browser.post(reverse("run-share-copy", args=[secretive.pk, link.pk]))
    assert late.status_code == 422
    assert "make a new one" in late.content.decode()


def test_links_say_how_often_they_were_opened_and_what_they_show(
    client_of, alice, secretive, page, client
):
    _, token = linked(secretive, alice, note="for the council", password="delta")
    client.post("/s/", {"token": token, "password": "delta"})
    text = client_of(alice).get(page).content.decode()
    assert "for the council" in text
    assert "1 view" in text
    assert "whole run, 1 output, anyone, with a password" in text


def test_too_many_links_are_refused_in_words(client_of, alice, secretive, page, settings):
    settings.SHARE_LINKS_A_RUN = 0
    answer = client_of(alice).post(page, WISHES)
    assert answer.status_code == 422
    assert "revoke some first" in answer.content.decode()


@pytest.mark.parametrize(("who", "sees"), [("alice", True), ("bob", False)])
def test_the_run_page_offers_to_share_to_those_who_may(
    client_of, alice, bob, secretive, page, who, sees
):
    person = {"alice": alice, "bob": bob}[who]
    text = client_of(person).get(reverse("run-show", args=[secretive.pk])).content.decode()
    assert (page in text) is sees
    assert ('id="share-dialog"' in text) is sees


def test_a_link_of_another_run_is_not_there(client_of, alice, run, secretive):
    link, _ = linked(secretive, alice)
    for name in ("run-share-copy", "run-share-revoke"):
        assert client_of(alice).post(reverse(name, args=[run.pk, link.pk])).status_code == 404
    assert ShareLink.objects.get().revoked_at is None
