"""Refuse a request body that is too large while it arrives.

Django looks at the size only after Twisted has spooled the body and Daphne has queued it in
memory: one request of a gigabyte would cost a gigabyte twice before it was refused.
"""

import io
from typing import Any

import daphne.http_protocol
from django.conf import settings

_SENTENCE = b"This is more than the 2 MB that one request may hold.\n"
_REFUSAL = (
    b"HTTP/1.1 413 Payload Too Large\r\nConnection: close\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(_SENTENCE), _SENTENCE)
)


class CappedRequest(daphne.http_protocol.WebRequest):  # type: ignore[misc]
    """A request that answers 413 once its body passes the limit."""

    _received = 0
    _refused = False

    def gotLength(self, length: int | None) -> None:  # noqa: N802
        """Look at the announced length, when all headers are there."""
        if length is not None and length > settings.BODY_LIMIT:
            self.content = io.BytesIO()
            self._refuse()
            return
        super().gotLength(length)
        # In memory: a chunked body announces no length and would open a temporary file.
        self.content = io.BytesIO()

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802
        """Count what arrives; a chunked body announces no length."""
        if self._refused:
            return
        self._received += len(data)
        if self._received > settings.BODY_LIMIT:
            self._refuse()
            return
        super().handleContentChunk(data)

    def process(self) -> Any:
        """Hand the request on, unless it was refused."""
        return None if self._refused else super().process()

    def _refuse(self) -> None:
        self._refused = True
        self.channel.transport.write(_REFUSAL)
        self.channel.loseConnection()


def install() -> None:
    """Make Daphne use it; it looks the class up for every connection."""
    daphne.http_protocol.WebRequest = CappedRequest
