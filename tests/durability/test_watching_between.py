"""Two server processes on one database: a page of one follows a run that the other executes."""

import statistics
import sys

import pytest

from tests.durability.floods import install
from tests.durability.test_watching import seconds_of, seen_by, words
from tests.durability.watched import Watched

pytestmark = pytest.mark.slow

PAGES = 3


class Beside(Watched):
    """A server beside another on its data directory, which `manage.py serve` would refuse."""

    @property
    def command(self):
        bind = ["-b", "127.0.0.1", "-p", str(self.port)]
        return [sys.executable, "-m", "daphne", *bind, "workflows.asgi:application"]


@pytest.fixture(params=["redis", "poll"])
def servers(request, tmp_path, monkeypatch):
    """Two servers, with a Redis or without."""
    if request.param == "redis":
        monkeypatch.setenv("REDIS_URL", request.getfixturevalue("redis").url)
    install(tmp_path / "packages")
    made = Watched(tmp_path), Beside(tmp_path)
    for each in made:
        each.start()
    yield made
    for each in made:
        assert each.stop() == 0, each.output()


def test_a_page_follows_a_run_wherever_it_is_executed(servers, request, capsys):
    """P9. Whichever process executes it, the pages of the other see the same in time."""
    one, other = servers
    one.prepare(words(one, "between"))
    other.cookie = one.cookie.replace(str(one.port), str(other.port))
    (run,) = one.runs
    with one.pages(run, PAGES) as here, other.pages(run, PAGES) as there:
        seconds_of(one, run, "between")
        seen = [seen_by(here), seen_by(there)]
    delays = sorted(statistics.median(page["delays"]) for pages in seen for page in pages)
    with capsys.disabled():
        print(  # noqa: T201 - the figure is what the two ways differ in
            f"\n{request.node.callspec.id}: event to page p50 {delays[0]:.2f} s in the process "
            f"that executes it, {delays[-1]:.2f} s in the other"
        )
    assert {page["text"] for pages in seen for page in pages} == {one.text_of(run)}
    assert min(page["frames"] for pages in seen for page in pages) > 3
