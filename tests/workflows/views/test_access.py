"""Every page: who is not signed in is asked to, a stranger finds nothing, a method is refused."""

import pytest

from workflows.arrangement import drawing_name


@pytest.fixture
def addresses(rich_workflow, rich_run):
    """Every address that names something of a team's."""
    run = f"/runs/{rich_run.pk}/"
    return {
        "workflow": f"/workflows/{rich_workflow.pk}/",
        "start": f"/workflows/{rich_workflow.pk}/run/",
        "run": run,
        "graph": f"{run}?view=graph",
        "task": f"{run}tasks/answer/",
        "item": f"{run}tasks/hash[3]/digest/",
        "download": f"{run}tasks/answer/?download=text",
        "drawing": f"/drawings/{drawing_name(rich_workflow.latest.digest)}.css",
    }


NAMES = ["workflow", "start", "run", "graph", "task", "item", "download", "drawing"]


@pytest.mark.parametrize("name", NAMES)
def test_a_member_gets_the_page(client_of, alice, addresses, name):
    assert client_of(alice).get(addresses[name]).status_code == 200


@pytest.mark.parametrize("name", NAMES)
def test_a_stranger_finds_nothing(client_of, charlie, addresses, name):
    assert client_of(charlie).get(addresses[name]).status_code == 404


@pytest.mark.parametrize("name", NAMES)
def test_who_is_not_signed_in_is_asked_to(client, addresses, name):
    answer = client.get(addresses[name])

    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in/?next=")


@pytest.mark.parametrize("name", [name for name in NAMES if name != "start"])
def test_a_page_cannot_be_posted_to(client_of, alice, addresses, name):
    assert client_of(alice).post(addresses[name]).status_code == 405


@pytest.mark.parametrize("act", ["cancel", "resume", "pause", "continue"])
def test_acting_needs_a_post(client_of, alice, rich_run, act):
    assert client_of(alice).get(f"/runs/{rich_run.pk}/{act}/").status_code == 405


@pytest.mark.parametrize("act", ["cancel", "resume", "pause", "continue"])
@pytest.mark.parametrize("person", ["bob", "charlie"])
def test_acting_needs_the_right_to_run(client_of, request, rich_run, act, person):
    client = client_of(request.getfixturevalue(person))

    assert client.post(f"/runs/{rich_run.pk}/{act}/").status_code == 404
    assert not rich_run.requests.exists()


@pytest.mark.parametrize("address", ["/", "/workflows/", "/runs/"])
def test_lists_show_nothing_of_another_team(client_of, charlie, rich_run, address):
    page = client_of(charlie).get(address).content.decode()

    assert "Rich" not in page
    assert str(rich_run.pk) not in page


@pytest.mark.parametrize("address", ["/", "/workflows/", "/runs/"])
def test_htmx_gets_only_the_list(client_of, alice, rich_run, hx, address):
    whole = client_of(alice).get(address).content.decode()
    part = client_of(alice).get(address, headers=hx).content.decode()

    assert "<html" in whole
    assert "<html" not in part
    assert "Rich" in part


def test_no_page_may_run_what_it_did_not_bring(client_of, alice, rich_run):
    answer = client_of(alice).get(f"/runs/{rich_run.pk}/")
    page = answer.content.decode()

    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert " style=" not in page
    assert "<style" not in page
    assert " onclick=" not in page
