"""Refuse a request body that is too large while it arrives.

Django looks at the size only after Twisted has spooled the body and Daphne has queued it in
memory: one request of a gigabyte would cost a gigabyte twice before it was refused.
"""

import io
import mmap
import tempfile
from typing import Any

import daphne.http_protocol
from django.conf import settings

from workflows.uploads import body_limit


class MappedBody(io.BytesIO):
    """A body on disk, given out as views of the file: it waits in a queue without any memory.

    It is a BytesIO for those who look at what kind of body there is; its own memory stays empty.
    """

    def __init__(self) -> None:
        super().__init__()
        # Its end is in `close`.
        self._file = tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR)  # noqa: SIM115
        self._view = memoryview(b"")
        self._position = 0

    def write(self, data: Any) -> int:
        """Take what arrives."""
        return self._file.write(data)

    def seek(self, position: int, whence: int = 0) -> int:
        """Go to the beginning, once all has arrived."""
        self._file.flush()
        if self._file.seek(0, io.SEEK_END):
            self._view = memoryview(mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ))
        self._position = position
        return position

    def read(self, size: int | None = -1) -> Any:
        """Give the next view of what has arrived."""
        end = len(self._view) if size is None or size < 0 else self._position + size
        view = self._view[self._position : end]
        self._position += len(view)
        return view

    def close(self) -> None:
        """Let go of the file; views that are still out keep what they show."""
        self._view = memoryview(b"")
        self._file.close()
        super().close()


class CappedRequest(daphne.http_protocol.WebRequest):  # type: ignore[misc]
    """A request that answers 413 once its body passes the limit."""

    _received = 0
    _refused = False
    _limit = 0

    def gotLength(self, length: int | None) -> None:  # noqa: N802
        """Look at the announced length, when all headers are there."""
        # The address has no public name yet at this point.
        self._limit = body_limit(self.channel._path.decode("latin-1"))  # noqa: SLF001
        if length is not None and length > self._limit:
            self.content = io.BytesIO()
            self._refuse()
            return
        super().gotLength(length)
        # In memory: a chunked body announces no length and would open a temporary file.
        self.content = MappedBody() if self._limit > settings.BODY_LIMIT else io.BytesIO()

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802
        """Count what arrives; a chunked body announces no length."""
        if self._refused:
            return
        self._received += len(data)
        if self._received > self._limit:
            self._refuse()
            return
        super().handleContentChunk(data)

    def process(self) -> Any:
        """Hand the request on, unless it was refused."""
        return None if self._refused else super().process()

    def _refuse(self) -> None:
        self._refused = True
        sentence = f"This is more than the {self._limit >> 20} MB that one request may hold.\n"
        self.channel.transport.write(_REFUSAL % (len(sentence), sentence.encode()))
        self.channel.loseConnection()


_REFUSAL = (
    b"HTTP/1.1 413 Payload Too Large\r\nConnection: close\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"Content-Length: %d\r\n\r\n%s"
)


def install() -> None:
    """Make Daphne use it; it looks the class up for every connection."""
    daphne.http_protocol.WebRequest = CappedRequest
