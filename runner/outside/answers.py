"""Answers: sends a call, follows where it is led as far as it may be, and gives what comes back.

Loads the HTTP client: import it inside of the body that uses it.
"""

import codecs
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace

import httpx2

from runner.errors import Refused, RunnerError, SizeLimit, Unavailable
from runner.execution.network import Network
from runner.outside.bodies import content_of, sized
from runner.outside.budget import Budget
from runner.outside.calls import Call, check_same, headers_for, place_of
from runner.outside.guard import GuardedTransport

_END = b""
_ALWAYS = {"User-Agent": "Anabranch", "Accept": "*/*", "Accept-Encoding": "gzip, deflate"}
WEB_ENCODING = "utf-8"


class Answer:
    """What the other side says: its status and headers, then its body as it comes."""

    def __init__(self, response: httpx2.Response, budget: Budget) -> None:
        self.status = response.status_code
        self.reason = response.reason_phrase
        self.headers: Mapping[str, str] = {
            name: response.headers[name] for name in response.headers
        }
        self.url = str(response.url)
        self.host = response.url.host
        self.encoding = _known(response.charset_encoding)
        self._response = response
        self._budget = budget

    @property
    def media_type(self) -> str:
        """What the body is, in small letters, without parameters; empty if it is not said."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def declared_bytes(self) -> int:
        """How long the body says it is, packed; 0 if it does not."""
        text = self.headers.get("content-length", "")
        return int(text) if text.isdecimal() else 0

    @property
    def location(self) -> str:
        """Where a redirect that was not followed leads; empty for any other answer."""
        return self.headers.get("location", "") if self.status // 100 == 3 else ""

    async def beginning(self, most: int) -> str:
        """Give so many bytes of the body as text, also of a longer one or one that breaks off."""
        found = b""
        try:
            async for block in self.blocks(most):
                found += block
        except RunnerError:
            pass
        return self.text_of(found)

    def text_of(self, block: bytes) -> str:
        """Read bytes as text, signs that are none replaced."""
        return readable(block.decode(self.encoding, errors="replace"))

    async def texts(self, most: int) -> AsyncIterator[str]:
        """Give the body as text; signs that two blocks share come with the second one.

        Raises SizeLimit beyond `most` bytes, as they came and in UTF-8: what is no text grows.
        """
        decoder = codecs.getincrementaldecoder(self.encoding)(errors="replace")
        count = 0
        async for block in self.blocks(most):
            text = readable(decoder.decode(block))
            count += len(text.encode())
            if count > most:
                raise self._too_much(most)
            if text:
                yield text
        if text := decoder.decode(b"", final=True):
            yield readable(text)

    async def blocks(self, most: int) -> AsyncIterator[bytes]:
        """Give the body unpacked, block by block; raises SizeLimit beyond `most` bytes of it."""
        count = 0
        incoming = self._response.aiter_bytes()
        with faults_of(self.host):
            while block := await self._budget.spend(anext(incoming, _END)):
                count += len(block)
                if count > most:
                    raise self._too_much(most)
                yield block

    def _too_much(self, most: int) -> SizeLimit:
        return SizeLimit(
            f"{self.host} answers with more than the {most / (1 << 20):g} MiB that are taken; ask "
            "for less, or for a file."
        )

    async def events(self, most: int) -> AsyncIterator[httpx2.ServerSentEvent]:
        """Give the body as server-sent events; raises Refused if it is none."""
        if self.media_type != "text/event-stream":
            raise Refused(
                f"{self.host} answers with {self.media_type or 'something unnamed'} where events "
                "were asked for (text/event-stream)."
            )
        # Of what was unpacked and counted: the client's own reader counts nothing.
        counted = httpx2.Response(
            200,
            headers={"content-type": "text/event-stream; charset=utf-8"},
            content=self.blocks(most),
            request=self._response.request,
        )
        with faults_of(self.host):
            async for event in httpx2.EventSource(counted):
                yield event


def readable(text: str) -> str:
    """Replace the one sign that no value may have."""
    return text.replace("\0", "\ufffd")


def _known(encoding: str | None) -> str:
    """Give an encoding of text that Python knows; the web's own for any other."""
    try:
        found = codecs.lookup(encoding or WEB_ENCODING)
    except LookupError:
        return WEB_ENCODING
    return found.name if found._is_text_encoding else WEB_ENCODING  # noqa: SLF001 - codecs has no other way to ask


@asynccontextmanager
async def answered(call: Call, network: Network, seconds: float) -> AsyncIterator[Answer]:
    """Send a call and give the answer, closed at the end; raises Refused and Unavailable."""
    budget = Budget(place_of(call.url).host, min(seconds, network.seconds))
    timeout = httpx2.Timeout(None, connect=network.connect_seconds)
    async with httpx2.AsyncClient(
        transport=GuardedTransport(network), trust_env=False, timeout=timeout
    ) as client:
        client.headers = httpx2.Headers(_ALWAYS)
        response = await _Asking(client, call, network, budget).answer()
        try:
            yield Answer(response, budget)
        finally:
            await response.aclose()


class _Asking:
    """One call on its way, from where it was sent to where it is led on."""

    def __init__(
        self, client: httpx2.AsyncClient, call: Call, network: Network, budget: Budget
    ) -> None:
        self._client = client
        self._call = call
        self._network = network
        self._budget = budget
        self._left = call.redirects

    async def answer(self) -> httpx2.Response:
        """Give the answer that leads no further, as far as it may be followed."""
        step = self._call
        while True:
            response = await self._sent(step)
            try:
                onward = self._onward(response)
            except BaseException:
                await response.aclose()
                raise
            if onward is None:
                return response
            await response.aclose()
            body = step.body if onward.method == step.method else b""
            step = replace(step, url=str(onward.url), method=onward.method, body=body)

    async def _sent(self, step: Call) -> httpx2.Response:
        host = self._budget.host = place_of(step.url).host
        headers = headers_for(self._call, step.url, self._network) | sized(step.body)
        with faults_of(host):
            request = self._client.build_request(
                step.method, step.url, headers=headers, content=content_of(step.body)
            )
            check_same(step.url, request.url.host)
            return await self._budget.spend(self._client.send(request, stream=True))

    def _onward(self, response: httpx2.Response) -> httpx2.Request | None:
        """Give what an answer leads to; None if it is the last, or is not followed."""
        _check_headers(response, self._network)
        if not response.has_redirect_location or not self._call.redirects:
            return None
        if not self._left:
            raise Refused(
                f"{self._budget.host} leads on more than {self._call.redirects} times; ask for the "
                "address that it leads to, or allow more redirects."
            )
        self._left -= 1
        if response.next_request is None:
            raise Refused(f"{self._budget.host} leads on to something that is no address.")
        return response.next_request


def _check_headers(response: httpx2.Response, network: Network) -> None:
    size = sum(len(name) + len(value) + 4 for name, value in response.headers.raw)
    if size > network.header_bytes:
        raise SizeLimit(
            f"{response.url.host} answers with more than {network.header_bytes >> 10} KiB of "
            "headers, which is not taken."
        )


@contextmanager
def faults_of(host: str) -> Iterator[None]:
    """Turn what the client raises into one sentence, and say whether trying again may help."""
    try:
        yield
    except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as fault:
        raise _said(fault, host) from fault


def _said(fault: Exception, host: str) -> RunnerError:
    if isinstance(fault, httpx2.InvalidURL):
        return Refused(f"{host} is asked for by no valid URL ({fault}).")
    if isinstance(fault, httpx2.ConnectTimeout):
        return Unavailable(f"{host} does not answer; is it up, and is the port right?")
    if isinstance(fault, httpx2.ConnectError):
        if _is_certificate(fault):
            return Refused(f"The certificate of {host} is not trusted; it has to be mended there.")
        return Unavailable(f"No connection to {host} could be made; is it up?")
    if isinstance(fault, httpx2.DecodingError):
        return Refused(f"{host} answers with a body that is not packed as it says.")
    if isinstance(fault, httpx2.SSEError):
        return SizeLimit(f"{host} sends an event that is larger than what is taken.")
    if isinstance(fault, httpx2.RemoteProtocolError) and "too long" in str(fault):
        return SizeLimit(f"{host} answers with more headers than are taken.")
    return Unavailable(f"The connection to {host} broke off before the end of its answer.")


def _is_certificate(fault: BaseException | None) -> bool:
    while fault is not None:
        if isinstance(fault, ssl.SSLCertVerificationError):
            return True
        fault = fault.__cause__ or fault.__context__
    return False
