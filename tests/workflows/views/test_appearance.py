"""The choice of colours: kept in the browser, refused in a sentence."""

import pytest

ADDRESS = "/appearance/"


def test_nobody_is_sent_to_sign_in(client, db):
    assert client.get(ADDRESS)["Location"].startswith("/sign-in/")


def test_each_palette_is_shown_with_every_state(client_of, bob):
    page = client_of(bob).get(ADDRESS).content.decode()

    for name in ("default", "safe", "contrast"):
        assert f'data-palette="{name}"' in page
    assert page.count('data-status="upstream-failed"') == 3


@pytest.mark.parametrize("palette", ["safe", "contrast"])
def test_a_chosen_palette_is_on_every_page_from_then_on(client_of, bob, palette):
    client = client_of(bob)

    assert client.post(ADDRESS, {"palette": palette}).status_code == 303
    assert f'<html lang="en" data-palette="{palette}">' in client.get("/").content.decode()


def test_the_default_leaves_contrast_to_the_system(client_of, bob):
    client = client_of(bob)
    client.post(ADDRESS, {"palette": "safe"})
    client.post(ADDRESS, {"palette": ""})

    assert '<html lang="en">' in client.get("/").content.decode()


def test_an_unknown_palette_is_refused_and_one_in_a_cookie_ignored(client_of, bob):
    client = client_of(bob)
    refused = client.post(ADDRESS, {"palette": '"><script>'})
    client.cookies["palette"] = "made-up"

    assert refused.status_code == 422
    assert "There is no such palette" in refused.content.decode()
    assert '<html lang="en">' in client.get("/").content.decode()
