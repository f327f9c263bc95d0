"""email.send: sends a mail, once."""

import asyncio
from collections.abc import Mapping
from email.headerregistry import Address
from typing import Annotated, Any

from pydantic import Field

from runner.errors import Refused, SizeLimit
from runner.execution.mail import DEFAULT, Mail, MailFile, address_in
from runner.execution.network import Network
from runner.graph.artifact import Artifact
from runner.graph.ports import Ports
from runner.graph.task import Task

LONGEST_SUBJECT = 900


class Send(Task):
    """Sends a mail, once.

    By the mailer that the operator set up (ANABRANCH_EMAIL_URL, and ANABRANCH_EMAIL_URL_NEWS for the
    mailer "news"), and from the address that the operator chose. Each recipient is "a@example.org" or
    "Ada <a@example.org>". `html` is shown instead of `text` where a mail program can. At most
    ANABRANCH_EMAIL_RECIPIENTS people and ANABRANCH_EMAIL_BYTES of files.

    It is never sent twice by itself: when the server dies in between, a person decides. It is sent
    when the server took it; whether it arrives is not known. `id` is the message's id.

    Example: `to` ["ada@example.org"], `subject` The river rose, `text` 3.2 m, `files` [a report].
    """

    name = "email.send"
    title = "Send an e-mail"
    effect = "once"

    class Inputs(Ports):
        """Who gets it, and what it says."""

        to: list[str]
        subject: Annotated[str, Field(max_length=LONGEST_SUBJECT)]
        text: Annotated[str, Field(json_schema_extra={"ui": "multiline"})] = ""
        html: Annotated[
            str,
            Field(title="HTML", json_schema_extra={"ui": "multiline"}, description="May be empty."),
        ] = ""
        files: list[Artifact] = []
        cc: Annotated[list[str], Field(title="Copy to")] = []
        bcc: Annotated[list[str], Field(title="Hidden copy to")] = []
        reply_to: Annotated[list[str], Field(title="Answers to")] = []

    class Outputs(Ports):
        """The message's id, and how many people it was handed over for."""

        id: str
        recipients: int

    class Config(Ports):
        """By which mailer."""

        mailer: Annotated[str, Field(max_length=64, title="Mailer")] = DEFAULT

    async def execute(self, inputs: Any, context: Any) -> dict[str, Any]:
        """Check all of it, then send."""
        people = _people(inputs)
        count = _counted(people, context.network)
        if not inputs.subject.isprintable():
            raise Refused("The subject has line ends or signs that cannot be seen; leave them out.")
        if not inputs.text and not inputs.html:
            raise Refused("The mail says nothing: give a text.")
        mail = Mail(
            alias=self.config.mailer,
            **people,
            subject=inputs.subject,
            text=inputs.text,
            html=inputs.html,
            key=context.idempotency_key,
            files=await _files(inputs.files, context.network),
        )
        return {"id": await context.send_mail(mail), "recipients": count}


def _people(inputs: Any) -> dict[str, tuple[Address, ...]]:
    """Read all addresses; raises Refused for one that is none, and for no recipient."""
    if not inputs.to:
        raise Refused("The mail has no recipient: give an address in `to`.")
    fields = ("to", "cc", "bcc", "reply_to")
    return {name: tuple(map(address_in, getattr(inputs, name))) for name in fields}


def _counted(people: Mapping[str, tuple[Address, ...]], network: Network) -> int:
    """Count who gets it; raises Refused for too many."""
    everybody = {each.addr_spec.lower() for name in ("to", "cc", "bcc") for each in people[name]}
    if len(everybody) > network.mail_recipients:
        raise Refused(
            f"The mail has {len(everybody)} recipients, and {network.mail_recipients} are allowed; "
            "send several, or write to a list."
        )
    return len(everybody)


async def _files(files: list[Artifact], network: Network) -> tuple[MailFile, ...]:
    if sum(each.size for each in files) > network.mail_bytes:
        raise SizeLimit(
            f"The files of the mail have more than {network.mail_bytes / (1 << 20):g} MiB; send "
            "fewer, or a link."
        )
    return tuple([await asyncio.to_thread(_read, each) for each in files])


def _read(file: Artifact) -> MailFile:
    with file.open() as content:
        return MailFile(
            name=file.name or "file", media_type=file.media_type, content=content.read()
        )
