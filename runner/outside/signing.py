"""Signatures of webhooks: HMAC-SHA-256 after Standard Webhooks 1.0 (pure)."""

import base64
import binascii
import hmac
from collections.abc import Mapping

PREFIX = "whsec_"


def signed(secret: str, identifier: str, at: int, body: bytes) -> Mapping[str, str]:
    """Give the headers that sign a body; `at` is in seconds since 1970, `identifier` has no dot."""
    said = f"{identifier}.{at}.".encode() + body
    signature = base64.b64encode(hmac.digest(_key(secret), said, "sha256")).decode()
    return {
        "webhook-id": identifier,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{signature}",
    }


def _key(secret: str) -> bytes:
    """Read "whsec_" and base64; any other text is the key itself."""
    if secret.startswith(PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        except binascii.Error:
            pass
    return secret.encode()
