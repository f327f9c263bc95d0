"""Which channel layer: this process's memory, or the Redis server that REDIS_URL names."""

from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

type Layer = dict[str, Any]

#: How long one command waits for Redis; a doorbell that is not heard in time is not needed.
REDIS_SECONDS = 2
#: Rings that wait for this process; those beyond are dropped.
CAPACITY = 1000
EXAMPLE = "redis://localhost:6379/0"
_SCHEMES = frozenset({"redis", "rediss", "unix"})


def layer_in(url: str) -> Layer:
    """Give Django's settings of the channel layer: in memory unless a URL names a Redis server.

    Raises ImproperlyConfigured, in one sentence without the password, when that cannot be.
    """
    return _redis(url) if url else _in_memory()


def _in_memory() -> Layer:
    return {
        "BACKEND": "channels.layers.InMemoryChannelLayer",
        "CONFIG": {"capacity": CAPACITY},
    }


def _redis(url: str) -> Layer:
    if not _is_address(url):
        raise ImproperlyConfigured(
            f"REDIS_URL must be the address of a Redis server, such as {EXAMPLE}."
        )
    if find_spec("channels_redis") is None:
        raise ImproperlyConfigured(
            "REDIS_URL needs the package channels-redis: run `sh .ci/bootstrap.sh server`."
        )
    from redis.asyncio.retry import Retry  # noqa: PLC0415 - not there where no Redis is used
    from redis.backoff import NoBackoff  # noqa: PLC0415

    host = {
        "address": url,
        "socket_connect_timeout": REDIS_SECONDS,
        "socket_timeout": REDIS_SECONDS,
        # One: the driver joins its channels again in it. More would only delay those who wait.
        "retry": Retry(NoBackoff(), 1),
    }
    return {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [host], "prefix": "anabranch"},
    }


def _is_address(url: str) -> bool:
    """Whether the driver would take it; asked here, since it only asks at the first ring."""
    try:
        parts = urlsplit(url)
        number = parts.path.lstrip("/") or "0"
        if parts.scheme == "unix":
            return bool(parts.path)
        return (
            parts.scheme in _SCHEMES and bool(parts.hostname) and parts.port != 0
        ) and number.isdigit()
    except ValueError:
        return False
