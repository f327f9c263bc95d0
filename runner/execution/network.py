"""Network: what a process lends to tasks that speak to other machines, as its operator says."""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from runner.errors import RunnerError

#: What may be reached on any public host; every other port is listed like an internal host.
PUBLIC_PORTS = frozenset({80, 443})
INTERNAL_HOSTS = "ANABRANCH_INTERNAL_HOSTS"
_HOST = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+):(?P<port>[0-9]{1,5})", re.ASCII)
_LAST_PORT = 65535

type Resolve = Callable[[str, int], Awaitable[list[str]]]


async def resolve(host: str, port: int) -> list[str]:
    """Give the addresses of a host, in the order of the system; raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Which hosts inside may be reached, and how much of an answer is taken.

    `internal_hosts` are ("host", port), exactly as a URL names them. `value_bytes` bounds what an
    answer puts into values, `file_bytes` what it puts into a file, both unpacked;
    `header_bytes` all headers of an answer together. `seconds` is the longest that a task may
    wait for the other side, `redirects` the most that it may follow. `mail_recipients` and
    `mail_bytes` bound one mail and its files.
    """

    internal_hosts: frozenset[tuple[str, int]] = frozenset()
    value_bytes: int = 10 << 20
    file_bytes: int = 256 << 20
    header_bytes: int = 64 << 10
    seconds: float = 3600.0
    connect_seconds: float = 10.0
    redirects: int = 5
    mail_recipients: int = 50
    mail_bytes: int = 20 << 20
    resolve: Resolve = field(default=resolve)

    def lists(self, host: str, port: int) -> bool:
        """Whether the operator lets tasks reach this host and port, wherever it is."""
        return (host.lower().rstrip("."), port) in self.internal_hosts


def listed_as(host: str, port: int) -> str:
    """Write a host with its port, as the operator lists it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def network_in(environment: Mapping[str, str]) -> Network:
    """Read the operator's settings; raises RunnerError with a sentence for one that does not fit."""
    known = Network()
    return Network(
        internal_hosts=internal_hosts_in(environment.get(INTERNAL_HOSTS, "")),
        value_bytes=_whole(environment, "ANABRANCH_HTTP_BYTES", known.value_bytes, 1 << 30),
        file_bytes=_whole(environment, "ANABRANCH_HTTP_FILE_BYTES", known.file_bytes, 1 << 40),
        header_bytes=_whole(
            environment, "ANABRANCH_HTTP_HEADER_BYTES", known.header_bytes, 96 << 10
        ),
        seconds=float(_whole(environment, "ANABRANCH_HTTP_SECONDS", int(known.seconds), 86_400)),
        redirects=_whole(environment, "ANABRANCH_HTTP_REDIRECTS", known.redirects, 20, least=0),
        mail_recipients=_whole(
            environment, "ANABRANCH_EMAIL_RECIPIENTS", known.mail_recipients, 1000
        ),
        mail_bytes=_whole(environment, "ANABRANCH_EMAIL_BYTES", known.mail_bytes, 1 << 30),
    )


def internal_hosts_in(text: str) -> frozenset[tuple[str, int]]:
    """Read "llm.lan:11434 [::1]:8080"; raises RunnerError for what is no host with its port."""
    found = set()
    for each in text.replace(",", " ").lower().split():
        parts = _HOST.fullmatch(each)
        if parts is None or not 0 < int(parts["port"]) <= _LAST_PORT:
            raise RunnerError(
                f"{INTERNAL_HOSTS} has '{each[:80]}'; write each host with its port, "
                "such as llm.lan:11434."
            )
        found.add((parts["host"].strip("[]").rstrip("."), int(parts["port"])))
    return frozenset(found)


def _whole(
    environment: Mapping[str, str], name: str, default: int, most: int, *, least: int = 1
) -> int:
    text = environment.get(name, "")
    if not text:
        return default
    if not text.isdecimal() or not least <= int(text) <= most:
        raise RunnerError(f"{name} must be a whole number, {least} to {most}.")
    return int(text)
