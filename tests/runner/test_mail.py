"""Mail servers as they stand in the environment, and addresses."""

import pytest

from runner.errors import Refused, RunnerError
from runner.execution.mail import Mail, MailServer, address_in, servers_in

FROM = {"ANABRANCH_EMAIL_FROM": "Flows <flows@example.org>"}


@pytest.mark.parametrize(
    ("url", "port", "security"),
    [
        ("smtp://mail.lan", 25, ""),
        ("smtp+tls://mail.lan", 587, "starttls"),
        ("smtps://mail.lan", 465, "tls"),
        ("smtps://mail.lan:2465", 2465, "tls"),
    ],
)
def test_a_url_says_where_mail_is_handed_over(url, port, security):
    (server,) = servers_in({"ANABRANCH_EMAIL_URL": url, **FROM}).values()
    assert (server.host, server.port, server.security) == ("mail.lan", port, security)


def test_each_further_url_is_a_mailer_by_its_name():
    urls = {"ANABRANCH_EMAIL_URL": "smtp://a", "ANABRANCH_EMAIL_URL_NEWS": "smtp://ada:p%40ss@b"}
    servers = servers_in(urls | FROM)
    assert list(servers) == ["default", "news"]
    assert (servers["news"].user, servers["news"].password) == ("ada", "p@ss")


def test_a_password_is_in_no_text_form():
    server = MailServer(host="a", port=1, sender="a@b", password="secret-4711")
    assert "secret-4711" not in f"{server!r} {server}"


@pytest.mark.parametrize(
    "url", ["mail.lan", "http://mail.lan", "smtp://", "smtp://a:b", "smtp://u:secret@h:99999"]
)
def test_what_is_no_mail_server_gets_an_example_and_is_not_repeated(url):
    with pytest.raises(RunnerError, match=r"write it as smtp\+tls://user:password@") as refused:
        servers_in({"ANABRANCH_EMAIL_URL": url, **FROM})
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("sender", ["", "Flows", "a@b, c@d"])
def test_a_server_without_a_sender_says_what_to_set(sender):
    with pytest.raises(RunnerError, match="ANABRANCH_EMAIL_FROM has to say who sends"):
        servers_in({"ANABRANCH_EMAIL_URL": "smtp://a", "ANABRANCH_EMAIL_FROM": sender})


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("a@b.org", "a@b.org"),
        ("Ada, of b <a@b.org>", "a@b.org"),
        ("Ödön <o.u+x@xn--bcher-kva.example>", "o.u+x@xn--bcher-kva.example"),
    ],
)
def test_an_address_may_have_a_name(text, address):
    assert address_in(text).addr_spec == address


@pytest.mark.parametrize(
    "text",
    ["", "ada", "@b.org", "a@", "a@b.org, c@d.org", "a@b.org\nBcc: c@d.org", "Ada\r\nBcc: c@d <a@b.org>",
     "Ada <a@b.org>\n", "<a@b.org> <c@d.org>", 'Ada" <a@b.org>', "a b@c.org", "ö@b.org", "a@bücher.example", "a@b.org;c@d.org", "a@b@c"],
)  # fmt: skip
def test_nothing_else_is_an_address(text):
    """Header injection, and two people in one."""
    with pytest.raises(Refused, match="is no address of one person"):
        address_in(text)


def test_a_message_has_the_same_id_in_every_attempt_at_the_domain_of_who_sends_it():
    mail = Mail(
        alias="default", to=(address_in("a@b.org"),), subject="s", text="t", key="0123456789" * 4
    )
    assert mail.id_from("Flows <flows@example.org>") == (
        "<01234567890123456789012345678901@example.org>"
    )


def test_a_name_stays_one_name_however_it_is_written():
    assert str(address_in("Ada, of b <a@b.org>")) == '"Ada, of b" <a@b.org>'
