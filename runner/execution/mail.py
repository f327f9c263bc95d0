"""Mail: what a task wants sent, and who sends it for a process."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.headerregistry import Address
from typing import Literal, Protocol
from urllib.parse import unquote, urlsplit

from runner.errors import Refused, RunnerError

URL = "ANABRANCH_EMAIL_URL"
SENDER = "ANABRANCH_EMAIL_FROM"
DEFAULT = "default"
EXAMPLE = "smtp+tls://user:password@mail.example.org:587"
#: For how many seconds a mail server may be silent.
PATIENCE = 30.0
_PORTS: Mapping[str, int] = {"smtp": 25, "smtp+tls": 587, "smtps": 465}
_SECURITY: Mapping[str, "Security"] = {"smtp": "", "smtp+tls": "starttls", "smtps": "tls"}
_SPECIAL = r"\s@<>,;:\"\\()\[\]\x00-\x1f\x7f"
#: In ASCII: what is beyond it many servers do not take. Names may be in any script.
_ADDRESS = re.compile(rf"(?=[\x21-\x7e]+\Z)[^{_SPECIAL}]{{1,64}}@[^{_SPECIAL}]{{1,253}}")
_NAMED = re.compile(r"(?P<name>[^<>\"\\\x00-\x1f\x7f\u2028\u2029]{0,200})<(?P<address>[^<>]+)>")

type Security = Literal["", "starttls", "tls"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MailFile:
    """A file that goes along."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A message by the mailer `alias`.

    `key` is the same for every attempt to send this message, so that its id is.
    """

    alias: str
    to: tuple[Address, ...]
    subject: str
    text: str
    key: str
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    html: str = ""
    files: tuple[MailFile, ...] = ()

    def id_from(self, sender: str) -> str:
        """Give the message's id, at the sender's domain."""
        return f"<{self.key[:32]}@{address_in(sender).domain}>"


class Mailer(Protocol):
    """Who sends mail for a process, as its operator set it up."""

    async def send(self, mail: Mail) -> str:
        """Send a message and give its id; raises Refused and Unavailable."""


class NoMailer:
    """Sends nothing, and says what to set."""

    async def send(self, mail: Mail) -> str:
        """Raise Refused."""
        raise Refused(
            f"No mail is sent from here: the operator has to set {URL}, such as {EXAMPLE}, and {SENDER}."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where mail is handed over, and from whom."""

    host: str
    port: int
    sender: str
    user: str = ""
    password: str = ""
    security: Security = ""

    def __repr__(self) -> str:
        """Leave the password out."""
        return f"MailServer({self.host}:{self.port})"


def servers_in(environment: Mapping[str, str]) -> dict[str, MailServer]:
    """Read ANABRANCH_EMAIL_URL, and ANABRANCH_EMAIL_URL_NEWS for the alias "news"; by alias.

    Raises RunnerError with a sentence.
    """
    found = {}
    for name, url in environment.items():
        if (name != URL and not name.startswith(f"{URL}_")) or not url:
            continue
        alias = name.removeprefix(URL).removeprefix("_").lower() or DEFAULT
        found[alias] = _server(name, url, environment.get(SENDER, ""))
    return found


def _server(name: str, url: str, sender: str) -> MailServer:
    # No part of the URL is said: it holds a password.
    fault = RunnerError(f"{name} is no mail server; write it as {EXAMPLE}.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise fault from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise fault
    try:
        address_in(sender)
    except Refused:
        raise RunnerError(
            f"{name} is set, so {SENDER} has to say who sends, such as Flows <flows@example.org>."
        ) from None
    return MailServer(
        host=parts.hostname,
        port=port or _PORTS[parts.scheme],
        sender=sender,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        security=_SECURITY[parts.scheme],
    )


def address_in(text: str) -> Address:
    """Read "a@b.org" or "Ada <a@b.org>"; raises Refused for anything else.

    As text it has its name in quotes where that is needed, so that it stays one address.
    """
    named = _NAMED.fullmatch(text)
    name, address = (named["name"].strip(), named["address"]) if named else ("", text)
    if not _ADDRESS.fullmatch(address):
        raise Refused(
            f"'{text[:80]}' is no address of one person; write a@example.org or Ada <a@example.org>, "
            "each on its own."
        )
    user, _, domain = address.rpartition("@")
    return Address(display_name=name, username=user, domain=domain)
