"""Signatures of webhooks: HMAC-SHA-256 after Standard Webhooks 1.0 (pure)."""

import base64
import binascii
import hmac
from collections.abc import Mapping

PREFIX = "whsec_"
#: In seconds, as the libraries of Standard Webhooks have it.
TOLERANCE = 300
_DIGITS = 12


def signed(secret: str, identifier: str, at: int, body: bytes) -> Mapping[str, str]:
    """Give the headers that sign a body; `at` is in seconds since 1970, `identifier` has no dot."""
    said = f"{identifier}.{at}.".encode() + body
    signature = base64.b64encode(hmac.digest(_key(secret), said, "sha256")).decode()
    return {
        "webhook-id": identifier,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{signature}",
    }


def is_signed(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> bool:
    """Whether headers sign a body with a secret, not more than five minutes before or after `now`.

    `now` is in seconds since 1970; the header of signatures may hold several, by several secrets.
    """
    identifier, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not identifier or not (at.isascii() and at.isdigit()) or len(at) > _DIGITS:
        return False
    if abs(now - int(at)) > TOLERANCE:
        return False
    expected = signed(secret, identifier, int(at), body)["webhook-signature"]
    given = headers.get("webhook-signature", "").split()
    return any(hmac.compare_digest(each.encode(), expected.encode()) for each in given)


def _key(secret: str) -> bytes:
    """Read "whsec_" and base64; any other text is the key itself."""
    if secret.startswith(PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        except binascii.Error:
            pass
    return secret.encode()
