"""Files that are sent with the start form."""

import json
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from runner.graph.values import decode
from workflows.models import Run, Workflow
from workflows.uploads import body_limit, upload_ticket

DEFINITION = {
    "v": 1,
    "name": "filed",
    "inputs": [
        {"name": "file", "type": "artifact", "title": "File"},
        {"name": "count", "type": "int", "title": "Count", "default": 1},
    ],
    "outputs": [],
    "tasks": [],
    "dataflows": [],
}


@pytest.fixture
def filed(team, alice):
    """A workflow that takes a file."""
    made = Workflow.objects.create(team=team, name="filed", created_by=alice)
    made.revise(json.dumps(DEFINITION), alice)
    return made


@pytest.fixture
def post(client_of, alice, filed):
    """Send the start form."""

    def send(person=alice, **fields):
        given = {f"in-{name.replace('_', '-')}": value for name, value in fields.items()}
        return client_of(person).post(f"/workflows/{filed.pk}/run/", given)

    return send


def _file(content=b"rivers", name="../../a\u202eb.txt", kind="text/plain; charset=utf-8"):
    return SimpleUploadedFile(name, content, kind)


def test_a_file_that_was_sent_is_an_input(post, client_of, bob):
    answer = post(port_file=_file(), port_count="2")
    run = Run.objects.get()
    file = decode(run.inputs)["file"]
    assert answer.status_code == 303
    assert (file.name, file.media_type, file.size) == ("ab.txt", "text/plain", 6)
    given = client_of(bob).get(f"/runs/{run.pk}/files/{file.digest}/")
    assert b"".join(given) == b"rivers"


def test_an_empty_file_is_a_file(post):
    assert post(port_file=_file(b""), port_count="2").status_code == 303


@pytest.mark.parametrize(("size", "code"), [(1000, 303), (1001, 422)])
def test_a_file_over_the_limit_gets_a_sentence(post, settings, size, code):
    """Engine 4.9: a cap of its own, at the limit and one byte above."""
    settings.UPLOAD_LIMIT = 1000
    answer = post(port_file=_file(b"x" * size), port_count="2")
    assert answer.status_code == code
    assert ("This file has more than" in answer.content.decode()) == (code == 422)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [({}, "File is missing."), ({"port_file": "no file"}, "File is missing.")],
)
def test_a_missing_file_gets_a_sentence(post, fields, sentence):
    answer = post(port_count="2", **fields)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()


def test_a_file_that_came_with_a_mistake_need_not_be_sent_again(post):
    """Nothing that was given is lost."""
    wrong = post(port_file=_file(), port_count="many")
    kept = re.search(r'name="in-kept-file" value="([^"]+)"', wrong.content.decode())
    assert kept
    assert "ab.txt is there already" in wrong.content.decode()
    assert post(kept_file=kept[1], port_count="2").status_code == 303
    assert decode(Run.objects.get().inputs)["file"].name == "ab.txt"


def test_what_was_kept_for_another_team_is_not_taken(post, client_of, charlie, alice, filed):
    wrong = post(port_file=_file(), port_count="many")
    kept = re.search(r'name="in-kept-file" value="([^"]+)"', wrong.content.decode())
    assert kept
    other = Workflow.objects.create(
        team=charlie.memberships.get().team, name="filed", created_by=charlie
    )
    other.revise(json.dumps(DEFINITION), charlie)
    given = {"in-kept-file": kept[1], "in-port-count": "2"}
    answer = client_of(charlie).post(f"/workflows/{other.pk}/run/", given)
    assert "File is missing." in answer.content.decode()


def test_a_run_like_another_one_has_its_file(post, client_of, alice, filed):
    post(port_file=_file(), port_count="2")
    page = client_of(alice).get(f"/workflows/{filed.pk}/run/?like={Run.objects.get().pk}")
    kept = re.search(r'name="in-kept-file" value="([^"]+)"', page.content.decode())
    assert kept
    assert post(kept_file=kept[1], port_count="3").status_code == 303
    assert Run.objects.count() == 2


def test_who_may_only_look_sends_nothing(post, bob, tmp_path):
    assert post(bob, port_file=_file(), port_count="2").status_code == 404
    assert not (tmp_path / "artifacts").exists()


def test_a_stranger_sends_nothing(post, charlie, tmp_path):
    assert post(charlie, port_file=_file(), port_count="2").status_code == 404
    assert not (tmp_path / "artifacts").exists()


def test_who_is_not_signed_in_sends_nothing(client, filed, tmp_path):
    answer = client.post(f"/workflows/{filed.pk}/run/", {"in-port-file": _file()})
    assert answer.status_code == 302
    assert not (tmp_path / "artifacts").exists()


# ── tickets ─────────────────────────────────────────────────────────────────────────────────────


def test_a_form_with_a_file_may_be_larger_and_no_other(client_of, alice, filed, rich_workflow):
    page = client_of(alice).get(f"/workflows/{filed.pk}/run/").content.decode()
    address = re.search(r'id="start-form"[^>]*? action="([^"]+)"', page)
    assert address
    assert body_limit(address[1]) == (64 + 2) * 1024 * 1024
    other = client_of(alice).get(f"/workflows/{rich_workflow.pk}/run/").content.decode()
    assert "upload=" not in other


@pytest.mark.parametrize(
    "query",
    ["", "?upload=", "?upload=1:x:y", "?a=b", "?upload=x&upload=TICKET", "?&" + "a=1&" * 30],
)
def test_without_a_ticket_a_request_is_as_small_as_any(query):
    query = query.replace("TICKET", upload_ticket(1))
    assert body_limit(f"/workflows/x/run/{query}") == 2 * 1024 * 1024


def test_a_form_that_takes_a_definition_may_be_as_large_as_one_and_no_larger(client_of, alice):
    page = client_of(alice).get("/workflows/new/").content.decode()
    address = re.search(r'id="begin-form" action="([^"]+)"', page)
    assert address
    assert body_limit(address[1]) == (5 + 2) * 1024 * 1024
    swapped = address[1].replace("import=", "upload=")
    assert body_limit(swapped) == 2 * 1024 * 1024


def test_a_ticket_lasts_as_long_as_a_session(settings):
    ticket = upload_ticket(1)
    assert body_limit(f"/?upload={ticket}") > settings.BODY_LIMIT
    settings.SESSION_COOKIE_AGE = -1
    assert body_limit(f"/?upload={ticket}") == settings.BODY_LIMIT
