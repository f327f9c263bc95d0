"""A mail server on this machine that takes what it is given, and keeps it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass(slots=True)
class Sink:
    """What came in; `replies` say what is answered to a command instead of yes."""

    replies: Mapping[str, str] = field(default_factory=dict)
    recipients: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    messages: list[EmailMessage] = field(default_factory=list)
    closes_on: set[str] = field(default_factory=set)
    came: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.came.set()
        writer.write(b"220 sink\r\n")
        while line := (await reader.readline()).decode().strip():
            word = line.partition(" ")[0].upper()
            if word in self.closes_on:
                break
            reply = self.replies.get(
                word, {"DATA": "354 go", "QUIT": "221 bye"}.get(word, "250 ok")
            )
            if reply == "silence":
                await asyncio.Event().wait()
            if word == "AUTH":
                self.logins.append(line)
            if word == "RCPT" and reply.startswith("250"):
                self.recipients.append(line.partition("<")[2].partition(">")[0])
            writer.write(f"{reply}\r\n".encode())
            if reply.startswith("354"):
                content = (await reader.readuntil(b"\r\n.\r\n"))[:-3]
                self.messages.append(message_from_bytes(content, policy=policy.default))
                writer.write(b"250 taken\r\n")
        writer.close()


@asynccontextmanager
async def taking_mail(tls: ssl.SSLContext | None = None, **replies: str) -> AsyncIterator[Sink]:
    """Take mail until the end of the block, over TLS if there is a context for it."""
    sink = Sink(replies)
    listening = await asyncio.start_server(sink.serve, "127.0.0.1", 0, ssl=tls)
    sink.port = listening.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        listening.close()
