"""Signatures of webhooks."""

import base64
import hmac

import pytest

from runner.outside.signing import TOLERANCE, is_signed, signed


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


SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = 1614265330
SIGNED = dict(signed(SECRET, "msg_1", NOW, b"{}"))


@pytest.mark.parametrize("seconds", [0, TOLERANCE, -TOLERANCE])
def test_what_was_signed_lately_is_known_again(seconds):
    assert is_signed(SECRET, SIGNED, b"{}", NOW + seconds)


def test_one_of_several_signatures_is_enough():
    several = SIGNED | {"webhook-signature": f"v1,AAAA {SIGNED['webhook-signature']} v2,é"}
    assert is_signed(SECRET, several, b"{}", NOW)


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-id": "msg_2"},
        {"webhook-id": ""},
        {"webhook-timestamp": str(NOW + 1)},
        {"webhook-timestamp": "-1"},
        {"webhook-timestamp": "9" * 5000},
        {"webhook-timestamp": "²"},
        {"webhook-timestamp": ""},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,"},
        {"webhook-signature": SIGNED["webhook-signature"].replace("v1", "v2")},
    ],
)
def test_what_says_anything_else_is_not_signed(changed):
    assert not is_signed(SECRET, SIGNED | changed, b"{}", NOW)


def test_another_body_secret_or_time_is_not_signed():
    assert not is_signed(SECRET, SIGNED, b"{ }", NOW)
    assert not is_signed("whsec_AAAA", SIGNED, b"{}", NOW)
    assert not is_signed(SECRET, SIGNED, b"{}", NOW + TOLERANCE + 1)
    assert not is_signed(SECRET, SIGNED, b"{}", NOW - TOLERANCE - 1)
