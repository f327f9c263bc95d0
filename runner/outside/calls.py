"""Calls: what is to be sent where, checked before anything is sent (pure)."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple
from urllib.parse import SplitResult, urlencode, urlsplit, urlunsplit

from runner.errors import Refused
from runner.execution.network import INTERNAL_HOSTS, Network, listed_as
from runner.execution.secrets import Secret
from runner.graph.artifact import Artifact

LONGEST_URL = 8192
MOST_HEADERS = 100
_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,200}")
_VALUE = re.compile(r"[\x20-\x7e\x80-\xff\t]{0,8192}")
#: Headers that frame a message or steer a connection: they are not a person's to set.
_OURS = frozenset(
    [
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ]
)
#: What still goes along when a redirect leads to another host.
_HARMLESS = frozenset(["accept", "accept-language", "content-type", "user-agent"])

type Scheme = Literal["bearer", "basic", "header"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A secret and how it is sent: as a bearer token, as "name:password", or as a whole header."""

    secret: Secret
    scheme: Scheme = "bearer"
    header: str = "Authorization"

    def goes_to(self, place: "Place", network: Network) -> bool:
        """Whether it may go there."""
        bound = {each.rstrip(".") for each in self.secret.hosts}
        return place.host in bound and _is_safe(place, network)

    def sent_to(self, place: "Place", network: Network) -> tuple[str, str]:
        """Give the header for a place; raises RunnerError for one where it may not go."""
        name, text = self.secret.name, self.secret.reveal(place.host)
        if not _is_safe(place, network):
            raise Refused(
                f"The credential '{name}' is only sent encrypted; write https://, or let the "
                f"operator list {listed_as(place.host, place.port)} in {INTERNAL_HOSTS}."
            )
        if not _VALUE.fullmatch(text):
            raise Refused(f"The credential '{name}' has signs that no header may have.")
        if self.scheme == "bearer":
            return "Authorization", f"Bearer {text}"
        if self.scheme == "basic":
            return "Authorization", f"Basic {base64.b64encode(text.encode()).decode()}"
        return self.header, text


def _is_safe(place: "Place", network: Network) -> bool:
    """Whether what is sent is read on the way by nobody but those whom the operator trusts."""
    return place.scheme == "https" or network.lists(place.host, place.port)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request to another machine; `redirects` is how many it may be led on."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Artifact = b""
    credential: Credential | None = None
    redirects: int = 0


class Place(NamedTuple):
    """Where a URL leads: what must be the same for two URLs to lead to the same server."""

    scheme: str
    host: str
    port: int


def place_of(url: str) -> Place:
    """Give where a URL leads; raises Refused for a URL that is not taken."""
    parts = _split(url)
    if parts.scheme not in _PORTS:
        raise Refused(f"'{url[:80]}' is no address of the web; begin it with https://.")
    if parts.username is not None or parts.password is not None:
        raise Refused("A URL holds no name and password; keep them as a credential.")
    try:
        port = parts.port or _PORTS[parts.scheme]
    except ValueError as fault:
        raise Refused(f"The port in '{url[:80]}' is none.") from fault
    if not parts.hostname:
        raise Refused(f"'{url[:80]}' names no host; write it as https://example.org/path.")
    return Place(parts.scheme, parts.hostname.rstrip("."), port)


def check_same(url: str, host: str) -> None:
    """Raise Refused if the client reads another host in a URL than the credential was bound by."""
    if place_of(url).host != host.lower().rstrip("."):
        raise Refused(f"'{url[:80]}' can be read in two ways; write its host in plain letters.")


def _split(url: str) -> SplitResult:
    if len(url) > LONGEST_URL:
        raise Refused(f"A URL has at most {LONGEST_URL} characters.")
    if any(ord(sign) <= 0x20 or ord(sign) == 0x7F or sign == "\\" for sign in url):
        raise Refused(f"'{url[:80]}' has blanks or signs that no URL may have; encode them.")
    try:
        return urlsplit(url)
    except ValueError as fault:
        raise Refused(f"'{url[:80]}' is no URL.") from fault


def check_headers(headers: Mapping[str, str]) -> None:
    """Raise Refused for headers that no message may have, or that are not a person's to set."""
    if len(headers) > MOST_HEADERS:
        raise Refused(f"A request has at most {MOST_HEADERS} headers of its own.")
    for name, value in headers.items():
        if not _NAME.fullmatch(name):
            raise Refused(f"'{name[:80]}' is no name of a header.")
        if name.lower() in _OURS or name.lower().startswith("proxy-"):
            raise Refused(f"The header {name} is set by the connection itself; leave it out.")
        if not _VALUE.fullmatch(value):
            raise Refused(f"The header {name} has line ends or signs that no header may have.")


def headers_for(call: Call, url: str, network: Network) -> dict[str, str]:
    """Give what goes along to a URL: the one of the call, or one that a redirect leads to.

    A credential goes to the hosts it is bound to, encrypted, or to what the operator lists; what a
    person wrote into headers goes no further than the server that they wrote it for.
    """
    place, credential = place_of(url), call.credential
    headers = dict(call.headers)
    if place != place_of(call.url):
        headers = {name: each for name, each in headers.items() if name.lower() in _HARMLESS}
    if credential is None:
        return headers
    if url != call.url and not credential.goes_to(place, network):
        return headers
    name, text = credential.sent_to(place, network)
    return {each: said for each, said in headers.items() if each.lower() != name.lower()} | {
        name: text
    }


def with_query(url: str, query: Mapping[str, Any]) -> str:
    """Add values to the query of a URL; a list gives its name several times."""
    if not query:
        return url
    parts = _split(url)
    said = {name: _in_query(each) for name, each in query.items() if each is not None}
    more = urlencode(said, doseq=True)
    return urlunsplit(parts._replace(query=f"{parts.query}&{more}" if parts.query else more))


def _in_query(value: Any) -> Any:
    """Write yes and no as the web does."""
    if isinstance(value, list):
        return [_in_query(each) for each in value]
    return str(value).lower() if isinstance(value, bool) else value
