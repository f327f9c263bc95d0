"""The guard: opens connections to addresses that were looked at, and to no others.

It stands where the socket is opened. So every spelling of an address, every redirect and every
answer of a name server passes through it, and what was looked at is what is connected to.
"""

import socket
import ssl
from collections.abc import Iterable
from functools import cache
from typing import Any

import httpcore2
import httpx2

from runner.errors import Refused, Unavailable
from runner.execution.network import INTERNAL_HOSTS, PUBLIC_PORTS, Network, listed_as
from runner.outside.addresses import is_public

_FOR_GOOD = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Connects to public hosts on the usual ports, and to what the operator lists."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the protocol of httpcore
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first address that answers; raises Refused before any packet leaves."""
        addresses = await self._allowed(host, port)
        for address in addresses[:-1]:
            try:
                return await self._inner.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return await self._inner.connect_tcp(
            addresses[-1], port, timeout, local_address, socket_options
        )

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore2.AsyncNetworkStream:
        """Refuse: nothing on this machine is meant."""
        raise Refused("Tasks do not connect to sockets of this machine.")

    async def _allowed(self, host: str, port: int) -> list[str]:
        if self._network.lists(host, port):
            return await self._addresses(host, port)
        if port not in PUBLIC_PORTS:
            raise Refused(
                f"Port {port} of {host} is not reached by tasks; the operator can list "
                f"{listed_as(host, port)} in {INTERNAL_HOSTS}."
            )
        addresses = await self._addresses(host, port)
        if not all(map(is_public, addresses)):
            raise Refused(
                f"{host} is not on the public internet; the operator can list "
                f"{listed_as(host, port)} in {INTERNAL_HOSTS}."
            )
        return addresses

    async def _addresses(self, host: str, port: int) -> list[str]:
        try:
            addresses = await self._network.resolve(host, port)
        except (OSError, UnicodeError) as fault:
            if getattr(fault, "errno", None) in _FOR_GOOD or isinstance(fault, UnicodeError):
                raise Refused(f"There is no host {host}; check its name.") from fault
            raise Unavailable(f"The address of {host} could not be found out now.") from fault
        if not addresses:
            raise Refused(f"The host {host} has no address; check its name.")
        return addresses


class GuardedTransport(httpx2.AsyncHTTPTransport):
    """HTTP/1.1 over the guard, without proxies; `_pool` is all that the base class has."""

    def __init__(self, network: Network) -> None:
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=_trusted(), network_backend=GuardedBackend(network)
        )


@cache
def _trusted() -> ssl.SSLContext:
    """Load the authorities once: that takes longer than a request."""
    return httpcore2.default_ssl_context()
