"""What pages say of a run whose results the storage does not take (P10)."""

import pytest

from workflows import stalls
from workflows.frames import news_since
from workflows.models import Run

pytestmark = pytest.mark.django_db


@pytest.fixture
def stalled(run):
    """A run of this process that stalls; it is kept as running."""
    Run.objects.filter(pk=run.pk).update(status="running")
    stalls.note(str(run.pk), stalled=True)
    yield run
    stalls.note(str(run.pk), stalled=False)


def test_the_page_says_that_the_storage_stops_the_run(stalled, client_of, alice):
    text = client_of(alice).get(f"/runs/{stalled.pk}/").content.decode()
    assert "waits for the storage" in text
    assert "goes on by itself" in text
    assert ">Continue<" not in text


def test_a_watching_page_hears_it_and_the_end_of_it_without_an_event(stalled):
    begins = news_since(str(stalled.pk), 0, known_status="running")
    assert "waits for the storage" in begins.frames["tree"][0].text
    assert news_since(str(stalled.pk), 0, known_status=begins.status).frames == {}
    stalls.note(str(stalled.pk), stalled=False)
    after = news_since(str(stalled.pk), 0, known_status=begins.status)
    assert after.status == "running"
    assert "waits for the storage" not in after.frames["tree"][0].text


def test_what_is_kept_of_the_run_stays_as_it_is(stalled):
    news_since(str(stalled.pk), 0)
    assert Run.objects.get(pk=stalled.pk).status == "running"
