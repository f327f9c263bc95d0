"""Where a request comes from."""

import pytest

from workflows.client_address import address_of


@pytest.mark.parametrize(
    ("https", "forwarded", "address"),
    [
        (False, "", "10.0.0.1"),
        (False, "1.1.1.1", "10.0.0.1"),
        (True, "", "10.0.0.1"),
        (True, "1.1.1.1", "1.1.1.1"),
        (True, "6.6.6.6, 1.1.1.1", "1.1.1.1"),
    ],
)
def test_only_what_the_proxy_itself_saw_counts(rf, settings, https, forwarded, address):
    settings.HTTPS = https
    request = rf.get("/", REMOTE_ADDR="10.0.0.1", headers={"x-forwarded-for": forwarded})

    assert address_of(request) == address
