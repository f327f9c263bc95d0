"""Where a request comes from, also behind a proxy."""

from django.conf import settings
from django.http import HttpRequest


def address_of(request: HttpRequest) -> str:
    """Give the address that the proxy saw, if one ends TLS before us; else whoever connected.

    Only the last entry of X-Forwarded-For is the proxy's own; the others anybody can write.
    """
    seen = request.META.get("HTTP_X_FORWARDED_FOR", "") if settings.HTTPS else ""
    address: str = seen.rpartition(",")[2].strip() or request.META.get("REMOTE_ADDR", "")
    return address
