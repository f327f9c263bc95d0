"""A definition sent to a running server: five MiB for who has signed in, two for everybody else."""

import re
import urllib.error
import urllib.parse
import urllib.request

import pytest

from tests.durability.test_malformed import changed
from tests.workflows.test_serve import SECONDS, Server, environment

pytestmark = pytest.mark.slow
MIB = 1 << 20
ADDRESS = "/workflows/new/"
BOUNDARY = "river-delta"
PASSWORD = "river-delta-42"


class Browser:
    """Keeps cookies, follows redirects, and knows the fields of the form it looked at last."""

    def __init__(self, server):
        self.base = f"http://{':'.join(server.address)}"
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        self.page = ""

    def ask(self, path, body=None, kind="application/x-www-form-urlencoded"):
        """Give the status, and the address where it ended; 413 for what is cut off."""
        headers = {"Content-Type": kind}
        request = urllib.request.Request(self.base + path, body, headers)  # noqa: S310 - our own
        try:
            with self.opener.open(request, timeout=SECONDS) as answer:
                status, end = answer.status, answer.url
                self.page = answer.read().decode()
        except urllib.error.HTTPError as refusal:
            status, end = refusal.code, path
            self.page = refusal.read().decode()
        except (urllib.error.URLError, ConnectionError):
            return 413, path  # refused while it was on its way
        return status, end

    def found(self, pattern):
        """Give what stands in the page."""
        match = re.search(pattern, self.page)
        assert match, self.page
        return match[1]

    @property
    def token(self):
        """What a form of the page proves itself with."""
        return self.found(r'name="csrfmiddlewaretoken" value="([^"]+)"')

    def paste(self, text, address):
        """Send the form of the page with a text."""
        self.ask(ADDRESS)
        team = self.found(r'<option value="([^"]+)" selected>')
        fields = {"csrfmiddlewaretoken": self.token, "title": "Large", "team": team, "text": text}
        parts = [
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        ]
        body = f"{''.join(parts)}--{BOUNDARY}--\r\n".encode()
        return self.ask(address or self.own, body, f"multipart/form-data; boundary={BOUNDARY}")

    @property
    def own(self):
        """Where the form of the page goes to."""
        return self.found(r'id="begin-form" action="([^"]+)"')


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Somebody who has signed in at a server."""
    data = tmp_path_factory.mktemp("data")
    server = Server("manage.py", "serve", env=environment(data, ANABRANCH_DEMO_PASSWORD=PASSWORD))
    made = Browser(server)
    made.ask("/sign-in/")
    who = {"username": "demo", "password": PASSWORD, "csrfmiddlewaretoken": made.token}
    assert made.ask("/sign-in/", urllib.parse.urlencode(who).encode())[0] == 200
    yield made
    server.end()


def sized(size):
    """A definition of so many bytes."""
    return changed(help="x" * (size - len(changed(help=""))))


def is_made(outcome):
    """Whether it ended in the editor."""
    return outcome[0] == 200 and outcome[1].endswith("/edit/")


def test_who_has_signed_in_pastes_up_to_five_mib(browser):
    assert is_made(browser.paste(sized(5 * MIB), ""))
    assert browser.paste(sized(5 * MIB + 1), "")[0] == 422
    assert "The text is larger than 5 MiB." in browser.page


def test_six_mib_get_a_sentence_on_the_form_and_what_is_larger_is_cut_off(browser):
    assert browser.paste(sized(6 * MIB), "")[0] == 422
    assert browser.page.count('class="fault"') == 1
    assert browser.paste(sized(8 * MIB), "")[0] == 413


@pytest.mark.parametrize("address", [ADDRESS, f"{ADDRESS}?import=made:up:ticket"])
def test_without_the_ticket_of_the_form_three_mib_are_refused_while_they_arrive(browser, address):
    assert browser.paste(sized(3 * MIB), address)[0] == 413
    assert is_made(browser.paste(sized(MIB), address))
