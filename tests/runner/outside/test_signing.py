"""Signatures of webhooks."""

import base64
import hmac

from runner.outside.signing import signed


def test_the_vector_of_the_specification_is_signed_as_it_says():
    """Standard Webhooks 1.0."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    headers = signed(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')

    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-timestamp"] == "1614265330"


def test_a_secret_of_another_form_is_the_key_itself():
    for secret in ("a plain secret", "whsec_not base64!"):
        said = signed(secret, "id", 1, b"x")["webhook-signature"].removeprefix("v1,")
        assert base64.b64decode(said) == hmac.digest(secret.encode(), b"id.1.x", "sha256")
