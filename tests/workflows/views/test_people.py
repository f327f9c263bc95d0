"""Signing in and out, and the health of the server."""

import pytest


def test_who_signs_in_goes_where_they_wanted(client, alice):
    given = {"username": "alice", "password": "river-delta-42", "next": "/runs/"}
    answer = client.post("/sign-in/", given)

    assert answer.status_code == 303
    assert answer["Location"] == "/runs/"
    assert client.get("/sign-in/")["Location"] == "/"


@pytest.mark.parametrize("goal", ["https://elsewhere.example/", "//elsewhere.example", "nonsense:"])
def test_nobody_is_led_elsewhere(client, alice, goal):
    given = {"username": "alice", "password": "river-delta-42", "next": goal}

    assert client.post("/sign-in/", given)["Location"] == "/"


def test_a_failure_is_one_clear_sentence(client, alice):
    answer = client.post("/sign-in/", {"username": "alice", "password": "wrong"})
    page = answer.content.decode()

    assert answer.status_code == 422
    assert page.count("do not belong together") == 1
    assert 'value="alice"' in page
    assert "wrong" not in page


def test_who_is_wrong_too_often_waits_and_nobody_else_does(client, alice, bob):
    wrong, right = {"username": "alice", "password": "wrong"}, {"password": "river-delta-42"}

    answers = [client.post("/sign-in/", wrong) for _ in range(5)]

    assert [each.status_code for each in answers] == [422, 422, 422, 422, 429]
    assert "try again in an hour" in answers[-1].content.decode()
    assert client.post("/sign-in/", right | {"username": "alice"}).status_code == 429
    elsewhere = client.post("/sign-in/", right | {"username": "alice"}, REMOTE_ADDR="10.0.0.2")
    assert elsewhere.status_code == 303
    client.post("/sign-out/")
    assert client.post("/sign-in/", right | {"username": "bob"}).status_code == 303


def test_a_success_forgets_the_failures_before_it(client, alice):
    wrong, right = {"username": "alice", "password": "wrong"}, {"password": "river-delta-42"}
    for _ in range(2):
        for _ in range(4):
            client.post("/sign-in/", wrong)
        assert client.post("/sign-in/", right | {"username": "alice"}).status_code == 303
        client.post("/sign-out/")


def test_a_name_that_nobody_has_is_refused_and_locked_like_any_other(client, alice):
    def tries(name):
        given = {"username": name, "password": "wrong"}
        return [client.post("/sign-in/", given).status_code for _ in range(6)]

    assert tries("nobody") == tries("alice")


def test_signing_out_needs_a_post(client_of, alice):
    client = client_of(alice)

    assert client.get("/sign-out/").status_code == 405
    assert client.post("/sign-out/")["Location"] == "/sign-in/"
    assert client.get("/").status_code == 302


def test_a_monitor_gets_its_answer(client, db):
    assert client.get("/healthz").content == b"ok\n"


def test_an_unknown_page_says_so(client, db):
    answer = client.get("/nothing/")

    assert answer.status_code == 404
    assert "Nothing here" in answer.content.decode()
