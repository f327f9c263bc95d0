"""Mail as tasks send it: by Django's mailers, as the operator set them up."""

import asyncio
import smtplib
from contextlib import suppress

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, mailers

from runner.execution.mail import Mail, NoMailer
from runner.outside.smtp import fault_of, part_of, unknown_alias


class DjangoMailer:
    """The Mailer protocol over MAILERS."""

    async def send(self, mail: Mail) -> str:
        """Send a message and give its id; raises Refused and Unavailable."""
        known = getattr(settings, "MAILERS", {})
        if not known:
            return await NoMailer().send(mail)
        if mail.alias not in known:
            raise unknown_alias(mail.alias, known)
        message = _message(mail)
        try:
            await asyncio.to_thread(_hand_over, message, mail.alias)
        except (smtplib.SMTPException, OSError) as fault:
            raise fault_of(fault) from fault
        return str(message.extra_headers["Message-ID"])


def _hand_over(message: EmailMultiAlternatives, alias: str) -> None:
    """Send it; a connection that came up half way is closed, too."""
    connection = mailers[alias]
    try:
        connection.send_messages([message])
    finally:
        with suppress(smtplib.SMTPException, OSError):
            connection.close()


def _message(mail: Mail) -> EmailMultiAlternatives:
    message = EmailMultiAlternatives(
        subject=mail.subject,
        body=mail.text,
        to=[*map(str, mail.to)],
        cc=[*map(str, mail.cc)],
        bcc=[*map(str, mail.bcc)],
        reply_to=[*map(str, mail.reply_to)],
        headers={"Message-ID": mail.id_from(settings.DEFAULT_FROM_EMAIL)},
    )
    if mail.html:
        message.attach_alternative(mail.html, "text/html")
    for file in mail.files:
        message.attach(part_of(file))
    return message
