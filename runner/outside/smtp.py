"""SMTP: hands mail over to a server, and says in a sentence why it was not taken."""

import asyncio
import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage, MIMEPart
from email.policy import default
from email.utils import formatdate
from typing import Any

from runner.errors import Refused, RunnerError, Unavailable
from runner.execution.mail import PATIENCE, Mail, MailFile, MailServer, address_in
from runner.graph.artifact import ANY_MEDIA_TYPE

_LATER = range(400, 500)


class SmtpMailer:
    """Sends by servers by alias, over the standard library: for the console and for scripts."""

    def __init__(self, servers: Mapping[str, MailServer]) -> None:
        self._servers = servers

    async def send(self, mail: Mail) -> str:
        """Send a message and give its id; raises Refused and Unavailable."""
        server = self._servers.get(mail.alias)
        if server is None:
            raise unknown_alias(mail.alias, self._servers)
        try:
            return await asyncio.to_thread(_hand_over, mail, server)
        except (smtplib.SMTPException, OSError) as fault:
            raise fault_of(fault) from fault


def unknown_alias(alias: str, known: Mapping[str, object]) -> Refused:
    """Say which mailers there are."""
    return Refused(f"There is no mailer '{alias[:64]}'; there is {', '.join(sorted(known))}.")


def message_of(mail: Mail, sender: str) -> EmailMessage:
    """Put a message together; recipients in `bcc` stand nowhere in it."""
    message = EmailMessage()
    message["Subject"] = mail.subject
    message["From"] = address_in(sender)
    for name, people in (("To", mail.to), ("Cc", mail.cc), ("Reply-To", mail.reply_to)):
        if people:
            message[name] = people
    message["Date"] = formatdate()
    message["Message-ID"] = mail.id_from(sender)
    message.set_content(mail.text)
    if mail.html:
        message.add_alternative(mail.html, subtype="html")
    for file in mail.files:
        message.add_attachment(file.content, **_shape(file))
    return message


def part_of(file: MailFile) -> MIMEPart:
    """Give a file as a part of a message, byte by byte as it is."""
    part = MIMEPart(policy=default)
    part.set_content(file.content, disposition="attachment", **_shape(file))
    return part


def _shape(file: MailFile) -> dict[str, Any]:
    main, _, sub = file.media_type.partition("/")
    if main in {"message", "multipart"}:
        main, _, sub = ANY_MEDIA_TYPE.partition("/")
    return {"maintype": main, "subtype": sub, "filename": file.name}


def _hand_over(mail: Mail, server: MailServer) -> str:
    message = message_of(mail, server.sender)
    people = [each.addr_spec for each in (*mail.to, *mail.cc, *mail.bcc)]
    with _connected(server) as connection:
        if server.user:
            connection.login(server.user, server.password)
        connection.send_message(message, address_in(server.sender).addr_spec, people)
    return str(message["Message-ID"])


def _connected(server: MailServer) -> smtplib.SMTP:
    if server.security == "tls":
        return smtplib.SMTP_SSL(
            server.host, server.port, timeout=PATIENCE, context=ssl.create_default_context()
        )
    connection = smtplib.SMTP(server.host, server.port, timeout=PATIENCE)
    try:
        if server.security == "starttls":
            connection.starttls(context=ssl.create_default_context())
    except BaseException:
        connection.close()
        raise
    return connection


def fault_of(fault: Exception) -> RunnerError:
    """Turn what sending raised into one sentence, and say whether trying again may help."""
    if isinstance(fault, smtplib.SMTPRecipientsRefused):
        return Refused(f"The mail server takes nothing for {', '.join(sorted(fault.recipients))}.")
    if isinstance(fault, smtplib.SMTPAuthenticationError):
        return Refused(
            "The mail server does not let us in; the operator has to renew its password."
        )
    if isinstance(fault, smtplib.SMTPResponseException):
        said = _read(fault.smtp_error)
        sentence = f"The mail server says {fault.smtp_code}: {said}"
        return (Unavailable if fault.smtp_code in _LATER else Refused)(sentence)
    if isinstance(fault, smtplib.SMTPNotSupportedError):
        return Refused("The mail server does not do what it is set up for; look at its URL.")
    if isinstance(fault, ssl.SSLCertVerificationError):
        return Refused("The certificate of the mail server is not trusted.")
    if isinstance(fault, smtplib.SMTPServerDisconnected):
        return Unavailable("The mail server broke off; the message may have been sent.")
    return Unavailable("The mail server does not answer.")


def _read(said: bytes | str) -> str:
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    return " ".join(text.split())[:200]
