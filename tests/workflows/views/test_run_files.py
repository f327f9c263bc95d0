"""Files of a run: who may have them, how they are given, and what a page says of them."""

import asyncio
import json

import pytest

from runner.execution.artifacts import RunArtifacts
from runner.graph.values import encode
from runner.run.checkpoint import TaskCheckpoint
from workflows.artifacts import StoredArtifacts
from workflows.large_values import put_aside
from workflows.models import Run, StoredContent
from workflows.models.artifact import mentions_in
from workflows.views.artifacts import BlockByBlock

CONTENT = b"<script>alert('a file')</script>"
LARGE = "Long words. " * 30_000


@pytest.fixture
def keep(rich_run):
    """Give a task of the run an output, as its owner would."""

    def keep(value, path="retrieve/rank"):
        text = put_aside(str(rich_run.team_id), encode(value))
        kept = TaskCheckpoint(path=path, attempt=1, seq=2, outputs={"result": text})
        rich_run.checkpoints.filter(path=path).delete()
        rich_run.checkpoints.create(path=path, attempt=1, seq=2, epoch=1, value=kept.to_json())
        StoredContent.objects.mention(rich_run, mentions_in([text]))

    return keep


@pytest.fixture
def saved(rich_run):
    """A file that a task of the run saved."""
    artifacts = RunArtifacts(StoredArtifacts(), str(rich_run.team_id))
    return artifacts.save(CONTENT, 'rivers "1".html', "text/html")


@pytest.fixture
def address(rich_run, keep, saved):
    """Where the file is given, once the run mentions it."""
    keep([saved])
    return f"/runs/{rich_run.pk}/files/{saved.digest}/"


def _place(tmp_path, run, digest):
    return tmp_path / "artifacts" / str(run.team_id) / digest[:2] / digest[2:]


# ── who may have them ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("person", ["alice", "bob"])
def test_who_sees_the_run_gets_the_file(client_of, request, address, person):
    answer = client_of(request.getfixturevalue(person)).get(address)
    assert answer.status_code == 200
    assert b"".join(answer) == CONTENT


def test_a_stranger_finds_nothing(client_of, charlie, address):
    assert client_of(charlie).get(address).status_code == 404


def test_who_is_not_signed_in_is_asked_to(client, address):
    answer = client.get(address)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in/?next=")


def test_it_cannot_be_posted_to(client_of, alice, address):
    assert client_of(alice).post(address).status_code == 405


def test_a_file_of_another_run_is_not_found(client_of, alice, address, rich_workflow, rich_run):
    other = Run.objects.start(rich_workflow.latest, alice, {"question": "?"})
    assert client_of(alice).get(address.replace(str(rich_run.pk), str(other.pk))).status_code == 404


@pytest.mark.parametrize("digest", ["a" * 64, "..", "%2e%2e%2fsecret-key", "x" * 900, "%00"])
def test_what_is_no_file_of_the_run_is_not_found(client_of, alice, rich_run, digest):
    assert client_of(alice).get(f"/runs/{rich_run.pk}/files/{digest}/").status_code == 404


def test_a_large_value_is_no_file(client_of, alice, rich_run, keep):
    keep(LARGE)
    digest = StoredContent.objects.get().digest
    assert client_of(alice).get(f"/runs/{rich_run.pk}/files/{digest}/").status_code == 404


# ── how they are given ──────────────────────────────────────────────────────────────────────────


def test_no_browser_runs_what_is_in_a_file(client_of, alice, address):
    answer = client_of(alice).get(address)
    answer.close()
    assert answer["Content-Disposition"] == 'attachment; filename="rivers \\"1\\".html"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["Content-Length"] == str(len(CONTENT))
    assert answer["Content-Type"] == "text/html"


def test_a_file_that_the_browser_has_is_not_sent_again(client_of, alice, address, saved):
    answer = client_of(alice).get(address, headers={"If-None-Match": f'"{saved.digest}"'})
    assert (answer.status_code, answer.content) == (304, b"")


def test_a_file_goes_out_block_by_block(tmp_path):
    """Under ASGI Django would read all of it into memory first."""
    (tmp_path / "large").write_bytes(bytes(1_000_000))

    async def blocks():
        with (tmp_path / "large").open("rb") as large:
            return [len(block) async for block in BlockByBlock(large)]

    assert asyncio.run(blocks()) == [262_144, 262_144, 262_144, 213_568]


@pytest.mark.parametrize("harm", ["missing", "other"])
def test_a_file_that_is_not_right_gets_a_sentence(
    client_of, alice, address, rich_run, saved, tmp_path, harm
):
    """P5: never a wrong file, and never a trace."""
    place = _place(tmp_path, rich_run, saved.digest)
    place.unlink() if harm == "missing" else place.write_bytes(b"other")
    answer = client_of(alice).get(address)
    assert answer.status_code == 410
    assert f"The content {saved.digest[:12]}" in answer.content.decode()


# ── what pages say ──────────────────────────────────────────────────────────────────────────────


def test_the_inspector_links_to_files_by_name(client_of, alice, rich_run, address, saved):
    page = client_of(alice).get(f"/runs/{rich_run.pk}/tasks/retrieve/rank/").content.decode()
    assert f'<a href="{address}">rivers &quot;1&quot;.html</a>' in page
    assert "text/html · 32 B" in page


def test_the_inspector_shows_the_first_words_of_a_large_value(client_of, alice, rich_run, keep):
    """Engine 4.9."""
    keep(LARGE)
    client, task = client_of(alice), f"/runs/{rich_run.pk}/tasks/retrieve/rank/"
    page = client.get(task).content.decode()
    assert "Long words. Long words." in page
    assert "Cut: 360 kB in all." in page
    assert len(page) < 20_000
    assert client.get(f"{task}?download=result").content.decode() == LARGE


def test_a_large_value_that_is_gone_gets_a_sentence(client_of, alice, rich_run, keep, tmp_path):
    keep(LARGE)
    _place(tmp_path, rich_run, StoredContent.objects.get().digest).unlink()
    client, task = client_of(alice), f"/runs/{rich_run.pk}/tasks/retrieve/rank/"
    assert "cannot be read: it is not where it was kept" in client.get(task).content.decode()
    assert client.get(f"{task}?download=result").status_code == 410


def test_large_chunks_are_shown_and_missing_ones_get_a_sentence(
    client_of, alice, rich_run, tmp_path
):
    """Engine 4.11."""
    text = put_aside(str(rich_run.team_id), json.dumps([LARGE]))
    rich_run.chunks.filter(path="answer").update(items=text, size=len(LARGE), last=0)
    client, task = client_of(alice), f"/runs/{rich_run.pk}/tasks/answer/"
    assert "Long words. Long words." in client.get(task).content.decode()
    assert client.get(f"/runs/{rich_run.pk}/").status_code == 200
    next((tmp_path / "artifacts").glob("*/??/*")).unlink()
    assert "[The content " in client.get(task).content.decode()


def test_a_run_page_shows_what_it_started_with_and_gave_by_size(client_of, alice, rich_run):
    large = put_aside(str(rich_run.team_id), encode(LARGE))
    inputs = f'{{"question":{large},"count":3}}'
    Run.objects.filter(pk=rich_run.pk).update(inputs=inputs, outputs=f'{{"answer":{large}}}')
    page = client_of(alice).get(f"/runs/{rich_run.pk}/")
    assert page.status_code == 200
    assert "$stored" not in page.content.decode()
    like = client_of(alice).get(
        f"/workflows/{rich_run.version.workflow_id}/run/?like={rich_run.pk}"
    )
    assert LARGE.strip() in like.content.decode()


# ── pictures ────────────────────────────────────────────────────────────────────────────────────

DOT = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0\x1f\x15\xc4\x89"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"


@pytest.fixture
def kept_file(rich_run, keep):
    """Let a task put out a file, and say where it would be drawn."""

    def save(content, name="dot.png", media_type="image/png"):
        artifacts = RunArtifacts(StoredArtifacts(), str(rich_run.team_id))
        saved = artifacts.save(content, name, media_type)
        keep(saved)
        return f"/runs/{rich_run.pk}/files/{saved.digest}/picture/"

    return save


def inspector(client_of, person, run):
    """Draw the page of the task that put it out."""
    return client_of(person).get(f"/runs/{run.pk}/tasks/retrieve/rank/").content.decode()


def test_a_picture_is_drawn_by_an_address_that_lets_it_do_nothing(
    client_of, alice, rich_run, kept_file
):
    address = kept_file(DOT)
    assert f'<img src="{address}" alt="dot.png"' in inspector(client_of, alice, rich_run)
    answer = client_of(alice).get(address)
    assert b"".join(answer) == DOT
    assert answer["Content-Type"] == "image/png"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert "Content-Disposition" not in answer or answer["Content-Disposition"] != "attachment"


@pytest.mark.parametrize(
    ("content", "media_type"),
    [(SVG, "image/svg+xml"), (SVG, "image/png"), (CONTENT, "image/jpeg"), (DOT, "text/html")],
)
def test_what_is_not_known_to_be_a_picture_is_only_saved(
    client_of, alice, rich_run, kept_file, content, media_type
):
    address = kept_file(content, "x", media_type)
    drawn = inspector(client_of, alice, rich_run)
    assert "<img" not in drawn
    assert address.removesuffix("picture/") in drawn
    if content is not DOT:
        assert client_of(alice).get(address).status_code == 404


def test_a_picture_has_the_type_of_its_bytes_whatever_it_was_called(client_of, alice, kept_file):
    answer = client_of(alice).get(kept_file(DOT, "x.html", "text/html"))
    assert b"".join(answer) == DOT
    assert answer["Content-Type"] == "image/png"


def test_a_stranger_sees_no_picture(client_of, charlie, kept_file):
    assert client_of(charlie).get(kept_file(DOT)).status_code == 404


def test_who_is_not_signed_in_sees_no_picture(client, kept_file):
    assert client.get(kept_file(DOT))["Location"].startswith("/sign-in/?next=")
