"""Of what a person is told by mail, as they say it."""

import pytest

from workflows.models import MailWish

ADDRESS = "/me/mail/"


def test_a_person_says_where_to_and_of_what(client_of, alice):
    given = {"email": "alice@rivers.example", "about": "all"}
    answer = client_of(alice).post(ADDRESS, given)
    assert (answer.status_code, answer["Location"]) == (303, "/me/")
    alice.refresh_from_db()
    assert (alice.email, alice.mail_wish.about) == ("alice@rivers.example", "all")
    assert "to alice@rivers.example" in client_of(alice).get("/me/").text


def test_it_can_be_said_anew(client_of, alice):
    for about in ("nothing", "mine"):
        client_of(alice).post(ADDRESS, {"email": "", "about": about})
    assert MailWish.objects.get().about == "mine"


@pytest.mark.parametrize("given", [{"email": "no address", "about": "all"}, {"about": "half"}, {}])
def test_what_cannot_be_is_said_beside_its_field(client_of, alice, given):
    answer = client_of(alice).post(ADDRESS, given)
    assert answer.status_code == 422
    assert 'class="fault"' in answer.text
    assert given.get("email", "") in answer.text
    assert not MailWish.objects.exists()


def test_a_server_that_sends_no_mail_says_so(client_of, alice, settings):
    assert "This server sends no mail." in client_of(alice).get(ADDRESS).text
    settings.MAILERS = {"default": {"OPTIONS": {"host": "mail.example"}}}
    assert "This server sends no mail." not in client_of(alice).get(ADDRESS).text
