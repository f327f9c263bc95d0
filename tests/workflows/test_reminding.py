"""Mails about what waits, over a real mail server: to whom, once, and with no value in them."""

import asyncio
import contextlib
import json
import threading

import pytest
from django.db import connection

from runner.execution.mail import servers_in
from runner.run.events import TaskAnswered
from tests.drive import definition_of
from tests.smtp_sink import taking_mail
from tests.workflows.served import in_thread
from workflows import background, reminding
from workflows.mailers import mailers_for
from workflows.models import MailWish, Membership, Run, SentMail
from workflows.reminding import tell_of_new

pytestmark = pytest.mark.django_db
NOTHING: frozenset = frozenset()
VALUE = "the-secret-plan"


def mailers(port):
    """Give the setting for a server on this machine."""
    url = {"ANABRANCH_EMAIL_URL": f"smtp://127.0.0.1:{port}", "ANABRANCH_EMAIL_FROM": "a@b.example"}
    return mailers_for(servers_in(url))


@contextlib.contextmanager
def mail_server(**replies):
    """Take mail in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    taking = taking_mail(**replies)
    try:
        yield asyncio.run_coroutine_threadsafe(taking.__aenter__(), loop).result(10)
    finally:
        asyncio.run_coroutine_threadsafe(taking.__aexit__(None, None, None), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def server(settings):
    """A mail server that the settings name."""
    with mail_server() as sink:
        settings.MAILERS = mailers(sink.port)
        settings.SITE_URL = "https://flows.example.org"
        yield sink


@pytest.fixture
def people(team, alice, bob, django_user_model):
    """Alice starts runs; bob only looks; carol and dora may answer, and carol wants to know of all."""
    found = {"alice": alice, "bob": bob}
    for name in ("carol", "dora"):
        found[name] = django_user_model.objects.create_user(name, password="river-delta-42")
        Membership.objects.create(team=team, user=found[name], role="runner")
    for each in found.values():
        each.email = f"{each.username}@rivers.example"
        each.save()
    MailWish.objects.create(person=found["carol"], about="all")
    return found


@pytest.fixture
def wait(run, people):
    """Let a task of the run wait."""

    def wait(path="a", reason="approval", **question):
        Run.objects.filter(pk=run.pk).update(status="awaiting")
        detail = json.dumps(question | {"title": VALUE, "shown": VALUE}, separators=(",", ":"))
        values = {"status": "awaiting", "reason": reason, "detail": detail}
        run.task_runs.update_or_create(path=path, defaults=values)

    return wait


def told(server):
    return sorted(message["To"].partition("@")[0] for message in server.messages)


@pytest.mark.parametrize(
    ("reason", "question", "expected"),
    [
        ("approval", {}, ["alice", "carol"]),
        ("decision", {}, ["alice", "carol"]),
        ("token", {"credential": "rivers"}, ["alice"]),
        ("input", {"others_only": True}, ["carol", "dora"]),
        ("time", {}, []),
    ],
)
def test_those_are_told_who_may_and_want_to(server, wait, reason, question, expected):
    wait(reason=reason, **question)
    tell_of_new(NOTHING)
    assert told(server) == expected


def test_nobody_is_told_who_does_not_want_to_or_has_no_address(server, wait, people):
    MailWish.objects.create(person=people["alice"], about="nothing")
    people["carol"].email = ""
    people["carol"].save()
    wait()
    tell_of_new(NOTHING)
    assert server.messages == []
    assert not SentMail.objects.exists()


def test_a_run_whose_types_have_changed_is_told_of(server, run, people):
    Run.objects.filter(pk=run.pk).update(status="awaiting", reason="version")
    tell_of_new(NOTHING)
    assert told(server) == ["alice", "carol"]


def test_a_mail_has_a_link_and_no_value(server, run, wait):
    wait()
    tell_of_new(NOTHING)
    message = server.messages[0]
    text = message.get_content()
    assert message["Subject"] == "Something waits for you"
    assert "A task of the workflow “Demo” waits for an approval." in text
    assert f"https://flows.example.org/runs/{run.pk}/answer/a/" in text
    assert VALUE not in message.as_string() + text


def test_nobody_is_told_twice_not_even_by_the_next_process(server, run, wait):
    """A crash between two looks, or a task that asks again in another process, is no new question."""
    wait()
    known = tell_of_new(NOTHING)
    assert tell_of_new(known) == known
    run.task_runs.update(attempt=2)
    tell_of_new(NOTHING)
    assert len(server.messages) == 2
    assert SentMail.objects.count() == 2


def test_a_task_that_waits_once_more_is_told_of_once_more(server, run, wait):
    wait()
    known = tell_of_new(NOTHING)
    event = TaskAnswered("a", 1, "approval", "alice")
    run.events.create(
        seq=1, at=run.created_at, kind=event.kind, path="a", payload=json.dumps(event.to_json())
    )
    tell_of_new(known)
    assert told(server) == ["alice", "alice", "carol", "carol"]


def test_much_that_waits_at_once_is_one_mail(server, run, wait):
    for number in range(12):
        wait(path=f"m[{number}]/ask")
    tell_of_new(NOTHING)
    assert len(server.messages) == 2
    text = server.messages[0].get_content()
    assert server.messages[0]["Subject"] == "12 things wait for you"
    assert text.count("A task of the workflow") == reminding.NAMED
    assert "All of it: https://flows.example.org/waiting/" in text


def test_a_mail_server_that_is_away_is_tried_again(settings, wait, caplog):
    with mail_server() as gone:
        settings.MAILERS = mailers(gone.port)
    wait()
    assert tell_of_new(NOTHING) == NOTHING
    assert "nobody was told: ConnectionRefusedError" in caplog.text
    assert not SentMail.objects.exists()

    with mail_server() as back:
        settings.MAILERS = mailers(back.port)
        tell_of_new(NOTHING)
    assert told(back) == ["alice", "carol"]


def test_an_address_that_is_refused_is_noted_and_not_tried_again(settings, wait):
    with mail_server(RCPT="550 nobody here") as refusing:
        settings.MAILERS = mailers(refusing.port)
        wait()
        known = tell_of_new(NOTHING)
        tell_of_new(known)
    faults = SentMail.objects.values_list("fault", flat=True)
    assert list(faults) == ["SMTPRecipientsRefused"] * 2


def test_a_look_costs_few_queries_where_nothing_is_new(server, run, wait):
    for number in range(50):
        wait(path=f"m[{number}]/ask")
    known = tell_of_new(NOTHING)
    before = len(connection.queries_log)
    connection.force_debug_cursor = True
    tell_of_new(known)
    connection.force_debug_cursor = False
    assert len(connection.queries_log) - before == 2


def test_without_a_mail_server_nothing_is_sent(settings):
    settings.MAILERS = {}
    assert not reminding.is_on()


@pytest.mark.django_db(transaction=True)
async def test_the_server_process_tells_by_itself(server, workflow, people, monkeypatch):
    monkeypatch.setattr(background, "MAIL_SECONDS", 0.05)
    asking = definition_of([{"id": "ask", "type": "flow.ask", "config": {"title": VALUE}}])
    alice = people["alice"]
    await in_thread(lambda: Run.objects.start(workflow.revise(asking, alice), alice, {}))
    await background.start()
    async with asyncio.timeout(20):
        while not server.messages:  # noqa: ASYNC110 - the server runs in a thread of its own
            await asyncio.sleep(0.05)
    await background.stop()
    assert "Something waits for you" in server.messages[0]["Subject"]
