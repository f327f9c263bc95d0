"""email.send to a mail server on this machine, by the standard library and by Django."""

import asyncio
import base64

import pytest

from runner.execution.artifacts import MemoryArtifacts, RunArtifacts
from runner.execution.mail import servers_in
from runner.execution.network import Network
from runner.outside.smtp import SmtpMailer
from runner.run.status import RunStatus
from tests.certificates import certificate_in, context_of
from tests.outside import Asking
from tests.smtp_sink import taking_mail

FROM = "Flows <flows@example.org>"
MAIL = {"to": ["Ada <ada@example.org>"], "subject": "Der Fluß stieg", "text": "3,2 m 🌊"}


@pytest.fixture(params=["standard library", "Django"])
def sending(request, settings):
    """Give a function that makes a run of email.send, by each of the mailers."""

    def make(sink, config=None, *, url="smtp://127.0.0.1:{port}", **given):
        set_up = {"ANABRANCH_EMAIL_URL": url.format(port=sink.port), "ANABRANCH_EMAIL_FROM": FROM}
        servers = servers_in(set_up)
        mailer = _mailer(request.param, servers, settings)
        return Asking("email.send", config or {}, mailer=mailer, **MAIL | given)

    return make


def _mailer(kind, servers, settings):
    if kind == "standard library":
        return SmtpMailer(servers)
    from workflows.mailers import mailers_for

    settings.MAILERS = mailers_for(servers)
    settings.DEFAULT_FROM_EMAIL = FROM
    return _django()


def _django():
    from workflows.mailing import DjangoMailer

    return DjangoMailer()


def body_of(message, kind):
    return message.get_body((kind,)).get_content().strip()


async def test_a_mail_is_handed_over_with_all_that_it_says(sending):
    async with taking_mail() as sink:
        people = {
            "cc": ["Bödö, of Example <bob@example.org>"],
            "bcc": ["eve@example.org"],
            "reply_to": ["desk@example.org"],
        }
        run = await sending(sink, html="<b>3,2 m</b>", **people).end()
    (message,) = sink.messages
    assert message["Subject"] == "Der Fluß stieg"
    assert (message["From"], message["To"]) == (FROM, "Ada <ada@example.org>")
    assert (message["Cc"], message["Reply-To"]) == (
        '"Bödö, of Example" <bob@example.org>',
        "desk@example.org",
    )
    assert (body_of(message, "plain"), body_of(message, "html")) == ("3,2 m 🌊", "<b>3,2 m</b>")
    assert sink.recipients == ["ada@example.org", "bob@example.org", "eve@example.org"]
    assert "eve" not in message.as_string()
    assert run.outputs == {"id": message["Message-ID"], "recipients": 3}


async def test_files_go_along(sending):
    async with taking_mail() as sink:
        artifacts = MemoryArtifacts()
        kept = RunArtifacts(artifacts, "")
        files = [
            kept.save(b"a;b\n", "rivers.csv", "text/csv"),
            kept.save(b"Subject: x\n\ny\n", "old.eml", "message/rfc822"),
            kept.save(bytes(range(256)), "x.bin", "image/png"),
        ]
        await sending(sink, artifacts=artifacts, files=files).end()
    found = {
        each.get_filename(): each.get_content() for each in sink.messages[0].iter_attachments()
    }
    assert found["old.eml"] == b"Subject: x\n\ny\n"
    assert found["x.bin"] == bytes(range(256))
    assert found["rivers.csv"] == "a;b\n"


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ({"subject": "a\r\nBcc: eve@example.org"}, "The subject has line ends"),
        ({"subject": "a\u2028b"}, "The subject has line ends"),
        ({"to": ["ada@example.org\nBcc: eve@example.org"]}, "is no address of one person"),
        ({"cc": ["Ada\r\nX: y <ada@example.org>"]}, "is no address of one person"),
        ({"reply_to": ["a@b\nX: y"]}, "is no address of one person"),
        ({"to": []}, "has no recipient"),
        ({"text": ""}, "says nothing"),
        ({"bcc": ["a@example.org", "b@example.org"]}, "has 3 recipients, and 2 are allowed"),
    ],
)
async def test_what_must_not_be_sent_is_refused_before_anything_is(sending, inputs, sentence):
    async with taking_mail() as sink:
        run = await sending(sink, network=Network(mail_recipients=2), **inputs).end()
    assert sentence in run.error.message
    assert not sink.came.is_set()


@pytest.mark.parametrize("size", [10, 11])
async def test_files_have_a_limit(sending, size):
    """Trust S16."""
    async with taking_mail() as sink:
        artifacts = MemoryArtifacts()
        file = RunArtifacts(artifacts, "").save(b"x" * size, "x", "image/png")
        network = Network(mail_bytes=10)
        await sending(sink, artifacts=artifacts, network=network, files=[file]).end()
    assert len(sink.messages) == (1 if size == 10 else 0)


@pytest.mark.parametrize(
    ("replies", "sentence"),
    [
        ({"RCPT": "550 nobody"}, "takes nothing for ada@example.org"),
        ({"DATA": "451 later"}, "The mail server says 451: later"),
        ({"MAIL": "552 too much"}, "The mail server says 552: too much"),
    ],
)
async def test_what_the_server_says_is_told(sending, replies, sentence):
    async with taking_mail(None, **replies) as sink:
        run = await sending(sink).end()
    assert sentence in run.error.message
    assert sink.messages == []


async def test_the_user_of_the_url_is_let_in(sending):
    replies = {"EHLO": "250-sink\r\n250 AUTH PLAIN", "AUTH": "235 come in"}
    async with taking_mail(None, **replies) as sink:
        await sending(sink, url="smtp://ada:p%40ss@127.0.0.1:{port}").end()
    assert sink.logins == ["AUTH PLAIN " + base64.b64encode(b"\0ada\0p@ss").decode()]
    assert len(sink.messages) == 1


async def test_a_password_that_is_not_taken_is_told_to_the_operator_and_not_shown(sending, caplog):
    replies = {"EHLO": "250-sink\r\n250 AUTH PLAIN", "AUTH": "535 no"}
    async with taking_mail(None, **replies) as sink:
        run = await sending(sink, url="smtp://ada:secret-4711@127.0.0.1:{port}").end()
    assert "the operator has to renew its password" in run.error.message
    assert "secret-4711" not in run.everything + caplog.text


async def test_a_server_whose_certificate_nobody_vouches_for_gets_nothing(sending, tmp_path):
    async with taking_mail(context_of(certificate_in(tmp_path))) as sink:
        run = await sending(sink, url="smtps://ada:secret@127.0.0.1:{port}").end()
    assert run.error.message == "The certificate of the mail server is not trusted."
    assert (sink.logins, sink.messages) == ([], [])


async def test_a_server_that_cannot_encrypt_gets_nothing_where_that_was_asked_for(sending):
    async with taking_mail() as sink:
        run = await sending(sink, url="smtp+tls://ada:secret@127.0.0.1:{port}").end()
    assert "does not do what it is set up for" in run.error.message
    assert (sink.logins, sink.messages) == ([], [])


async def test_a_server_that_breaks_off_leaves_it_open_whether_the_mail_was_sent(sending):
    async with taking_mail(DATA="221 bye") as sink:
        sink.closes_on.add("DATA")
        run = await sending(sink).end()
    assert run.error.message == "The mail server broke off; the message may have been sent."


async def test_a_server_that_is_not_there_gets_a_sentence(sending):
    async with taking_mail() as sink:
        pass
    run = await sending(sink).end()
    assert run.error.message == "The mail server does not answer."


async def test_an_unknown_mailer_gets_the_names_of_those_there_are(sending):
    async with taking_mail() as sink:
        run = await sending(sink, {"mailer": "news"}).end()
    assert run.error.message == "There is no mailer 'news'; there is default."


async def test_a_cancel_ends_it_at_once(sending):
    """Promise P8."""
    async with taking_mail(MAIL="silence") as sink:
        run = sending(sink)
        under_way = await run.begin()
        await sink.came.wait()
        run.executor.cancel("ada")
        await asyncio.wait_for(under_way, 1)
    assert run.status is RunStatus.CANCELLED


async def test_a_server_without_mailers_says_what_to_set(settings):
    del settings.MAILERS
    run = await Asking("email.send", {}, mailer=_django(), **MAIL).end()
    assert "set ANABRANCH_EMAIL_URL" in run.error.message


async def test_without_a_mailer_it_says_what_to_set():
    run = await Asking("email.send", {}, **MAIL).end()
    assert "set ANABRANCH_EMAIL_URL, such as smtp+tls://user:password@" in run.error.message
