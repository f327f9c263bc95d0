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
