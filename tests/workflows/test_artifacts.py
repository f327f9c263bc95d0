"""What is kept beside the database: large values and files, before the rows that mention them."""

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from django.core.files.storage import storages

from runner.errors import MissingArtifact, StorageTrouble
from runner.execution.artifacts import RunArtifacts
from runner.execution.store import CacheEntry, ChunkBatch
from runner.graph.values import decode, encode
from runner.run import events as happened
from runner.run.checkpoint import SavedState, TaskCheckpoint
from tests.store_contract import batch_of
from tests.workflows.test_store import in_thread, stores  # noqa: F401 - a fixture
from workflows.artifacts import StoredArtifacts
from workflows.forgetting import forget_content
from workflows.large_values import put_aside, reference_in
from workflows.models import (
    Checkpoint,
    Chunk,
    Run,
    RunContent,
    RunEvent,
    StoredContent,
    WorkflowDraft,
)

pytestmark = pytest.mark.django_db(transaction=True)

LIMIT = 256 * 1024
LARGE = encode("x" * LIMIT)
SMALL = encode("x" * (LIMIT - 2))
FUTURE = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
def store(stores):  # noqa: F811
    """The store of this process."""
    return stores()


@pytest.fixture
def submit(workflow, alice):
    """Queue a run of the workflow."""

    async def submit(inputs=None):
        return await in_thread(lambda: Run.objects.start(workflow.latest, alice, inputs or {}))

    return submit


@pytest.fixture
async def stored(store, submit):
    """A claimed run."""
    await submit()
    return (await store.claim("one", 1))[0]


def _files(folder):
    return [each for each in (folder / "artifacts").glob("*/??/*") if each.is_file()]


def _completed(stored, outputs, **more):
    kept = TaskCheckpoint(path="a", attempt=1, seq=2, outputs=outputs, **more)
    done = happened.TaskCompleted("a", 1, outputs)
    return batch_of(stored, happened.RunStarted(), done, checkpoints=(kept,))


async def _again(store, stored):
    await store.release("one", [stored.run])
    return (await store.claim("two", 1))[0]


# ── large values ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("text", "files"), [(SMALL, 0), (LARGE, 1)])
async def test_a_value_over_the_limit_is_a_file(store, stored, tmp_path, text, files):
    """Engine 4.9: 256 KiB is kept in the database, one byte more is not."""
    assert len(SMALL) == LIMIT
    await store.commit(_completed(stored, {"value": text}))
    row = await in_thread(lambda: Checkpoint.objects.get().value)
    assert (len(_files(tmp_path)), len(row) < LIMIT) == (files, bool(files))
    assert (await _again(store, stored)).checkpoints[0].outputs == {"value": text}


def test_signs_of_many_bytes_count_as_bytes(team):
    """Engine 4.9."""
    text = encode("é" * (LIMIT // 2))
    assert len(text) < LIMIT
    assert reference_in(put_aside(str(team.pk), text))


async def test_what_a_run_starts_from_and_gives_may_be_large(store, submit, tmp_path):
    run = await submit({"text": "y" * LIMIT, "n": 1})
    (stored,) = await store.claim("one", 1)
    assert len(run.inputs) < 200
    assert decode(stored.inputs) == {"text": "y" * LIMIT, "n": 1}
    await store.commit(batch_of(stored, happened.RunStarted(), happened.RunCompleted({"b": LARGE})))
    row, event = await in_thread(lambda: (Run.objects.get(), RunEvent.objects.latest("seq")))
    assert len(row.outputs) < 200
    assert len(event.payload) < 200
    assert len(_files(tmp_path)) == 2


async def test_saved_state_and_decisions_may_be_large(store, stored):
    """Engine 7.4, 1.3."""
    saved = SavedState(attempt=1, value=LARGE)
    kept = TaskCheckpoint(
        path="a", attempt=1, seq=2, done=False, saved=saved, decisions={"rows": LARGE, "n": 3}
    )
    made = happened.DecisionMade("a", 1, "rows", LARGE)
    await store.commit(batch_of(stored, happened.RunStarted(), made, checkpoints=(kept,)))
    rows = await in_thread(
        lambda: (Checkpoint.objects.get().value, RunEvent.objects.latest("seq").payload)
    )
    assert max(map(len, rows)) < 1000
    assert (await _again(store, stored)).checkpoints == (kept,)


async def test_chunks_may_be_large_and_keep_their_boundaries(store, stored, tmp_path):
    """Engine 4.11."""
    large = ChunkBatch(path="a", port="text", attempt=1, first=0, items=(LARGE, '"b"'))
    small = ChunkBatch(path="a", port="text", attempt=1, first=2, items=('"c"',))
    await store.commit(batch_of(stored, happened.RunStarted(), chunks=(large, small)))
    row = await in_thread(lambda: Chunk.objects.order_by("first").first())
    assert (len(row.items) < 200, row.last, row.size) == (True, 1, len(LARGE) + 3)
    assert await store.read_chunks(stored.run, "a", "text", 1) == [large, small]
    assert len(_files(tmp_path)) == 1


async def test_cached_results_may_be_large(store, stored, tmp_path):
    """Engine 7.8."""
    cached = CacheEntry(
        scope=stored.scope, key="k", outputs={"v": LARGE}, streams={"s": (LARGE, '"b"')}
    )
    await store.commit(batch_of(stored, happened.RunStarted(), cache=(cached,)))
    assert await store.read_cache(stored.scope, "k") == cached
    _files(tmp_path)[0].unlink()
    assert await store.read_cache(stored.scope, "k") is None


async def test_nobody_makes_up_a_reference(store, stored):
    text = encode({"$stored": f"{'a' * 64} 3"})
    await store.commit(_completed(stored, {"value": text}))
    assert (await _again(store, stored)).checkpoints[0].outputs == {"value": text}


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(b"other")])
async def test_a_run_whose_file_is_not_right_is_quarantined_and_others_go_on(
    store, stored, submit, tmp_path, harm
):
    """P5."""
    await store.commit(_completed(stored, {"value": LARGE}))
    harm(_files(tmp_path)[0])
    other = await submit()
    await store.release("one", [stored.run])
    assert [each.run for each in await store.claim("two", 9)] == [str(other.pk)]
    row = await in_thread(lambda: Run.objects.get(pk=stored.run))
    assert row.status == "quarantined"
    assert "The content" in row.error


# ── files before rows ───────────────────────────────────────────────────────────────────────────


async def test_a_file_that_cannot_be_written_is_trouble_with_the_storage(store, stored, tmp_path):
    """P10."""
    (tmp_path / "artifacts").write_text("in the way")
    with pytest.raises(StorageTrouble, match="cannot be written"):
        await store.commit(_completed(stored, {"value": LARGE}))
    (tmp_path / "artifacts").unlink()
    await store.commit(_completed(stored, {"value": LARGE}))


async def test_other_runs_are_kept_while_a_large_value_is_written(
    store, stored, submit, monkeypatch
):
    """P1: the writer never waits for a file."""
    other = await submit()
    (second,) = await store.claim("one", 1, [stored.run])
    wait = threading.Event()
    put = StoredArtifacts._put
    monkeypatch.setattr(StoredArtifacts, "_put", lambda *given: (wait.wait(20), put(*given)))
    slow = asyncio.create_task(store.commit(_completed(stored, {"value": LARGE})))
    await store.commit(batch_of(second, happened.RunStarted()))
    assert (await in_thread(lambda: Run.objects.get(pk=other.pk).seq), slow.done()) == (1, False)
    wait.set()
    await slow


def _process(data, failpoints=""):
    """Drive what waits in a data directory to its end, in a process of its own."""
    env = os.environ | {
        "ANABRANCH_DATA": str(data),
        "ANABRANCH_FAILPOINTS": failpoints,
        "DATABASE_URL": "",
    }
    done = subprocess.run(
        [sys.executable, "-c", DRIVE],
        cwd=Path(__file__).parents[2],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr + done.stdout


DRIVE = """
import asyncio, json, os
os.environ["DJANGO_SETTINGS_MODULE"] = "workflows.settings"
import django
django.setup()
from django.contrib.auth.models import User
from django.core.management import call_command
from workflows import background
from workflows.models import Run, StoredContent, Team, Workflow
call_command("migrate", verbosity=0)
if not Run.objects.exists():
    alice = User.objects.create_user("alice")
    made = Workflow.objects.create(team=Team.objects.create(), name="w", created_by=alice)
    topics = {"all": "Rivers part, and meet again.\\n\\n" * 12_000}
    task = {"id": "a", "type": "debug.log", "inputs": {"value": topics}}
    drawn = {"v": 1, "name": "w", "tasks": [task], "inputs": [], "dataflows": [],
             "outputs": [{"name": "value", "from": "a.value"}]}
    Run.objects.start(made.revise(json.dumps(drawn), alice), alice, {})

async def drive():
    await background.start()
    while not await Run.objects.filter(status__in=["completed", "quarantined", "failed"]).aexists():
        await asyncio.sleep(0.05)
    await background.stop()

asyncio.run(drive())
run = Run.objects.get()
print(json.dumps({
    "status": run.status, "epoch": run.epoch, "outputs": run.outputs, "error": run.error,
    "known": sorted(StoredContent.objects.values_list("digest", flat=True)),
}))
"""


@pytest.mark.slow
def test_a_process_that_is_killed_between_file_and_commit_leaves_at_most_a_file(tmp_path):
    """P1: kill -9; the next process goes on, and every file is one that a row mentions."""
    code, said = _process(tmp_path, "files_kept=kill")
    assert code == -signal.SIGKILL, said
    left = _files(tmp_path)
    assert len(left) == 1
    code, said = _process(tmp_path)
    assert code == 0, said
    found = json.loads(said.splitlines()[-1])
    assert (found["status"], found["epoch"] > 1) == ("completed", True), said
    assert reference_in(found["outputs"].removeprefix('{"value":').removesuffix("}"))
    assert [each.parent.name + each.name for each in _files(tmp_path)] == found["known"]
    for each in _files(tmp_path):
        digest = hashlib.sha256(each.read_bytes()).hexdigest()
        assert digest == each.parent.name + each.name


def test_a_file_that_nothing_mentions_is_forgotten_when_it_is_old(run, tmp_path):
    put_aside(str(run.team_id), LARGE)
    _end(run)
    assert forget_content(datetime.now(UTC) - timedelta(hours=1)) == 0
    assert forget_content(FUTURE) == 1
    assert _files(tmp_path) == []


# ── files of tasks ──────────────────────────────────────────────────────────────────────────────


def _saved(team, content=b"rivers"):
    return RunArtifacts(StoredArtifacts(), str(team.pk)).save(content, "a.txt", "text/plain")


@pytest.mark.usefixtures("charlie")
def test_content_of_another_team_cannot_be_named(team):
    other = type(team).objects.exclude(pk=team.pk).get()
    saved = _saved(team)
    with pytest.raises(MissingArtifact):
        RunArtifacts(StoredArtifacts(), str(other.pk)).open(saved)


async def test_a_run_mentions_the_files_that_its_values_name(store, stored, team):
    saved = await in_thread(lambda: _saved(team))
    outputs = {"file": encode([saved, {"$artifact": saved.to_json() | {"digest": "b" * 64}}])}
    await store.commit(_completed(stored, outputs))
    mentions = await in_thread(lambda: list(RunContent.objects.select_related("content")))
    assert [(each.content.digest, each.name, each.media_type) for each in mentions] == [
        (saved.digest, "a.txt", "text/plain")
    ]


@pytest.mark.parametrize(
    "value",
    [
        {"$artifact": "text"},
        {"$artifact": "text", "other": 1},
        {"other": 1, "$artifact": {"digest": "a" * 64}},
        '{"$artifact":{"digest":1}}',
        {'{"$artifact":': 1},
        [{"$artifact": None, "$stored": None}],
    ],
)
async def test_what_only_looks_like_a_mention_is_none(store, stored, value):
    text = encode(value)
    await store.commit(_completed(stored, {"value": text}))
    assert (await _again(store, stored)).checkpoints[0].outputs == {"value": text}
    assert not await in_thread(StoredContent.objects.exists)


async def test_files_inside_of_a_large_value_are_mentioned_too(store, stored, team):
    saved = await in_thread(lambda: _saved(team))
    await store.commit(_completed(stored, {"all": encode([saved, "x" * LIMIT])}))
    digests = await in_thread(lambda: set(StoredContent.objects.values_list("digest", flat=True)))
    assert saved.digest in digests
    assert len(digests) == 2


# ── forgetting ──────────────────────────────────────────────────────────────────────────────────


def _end(*runs):
    Run.objects.filter(pk__in=[each.pk for each in runs]).update(status="completed")


def test_content_is_forgotten_once_no_run_mentions_it(workflow, alice, tmp_path):
    start = partial(Run.objects.start, workflow.latest, alice, {"text": "y" * LIMIT})
    first, second = start(), start()
    _end(first, second)
    assert (forget_content(FUTURE), len(_files(tmp_path))) == (0, 1)
    first.delete()
    assert forget_content(FUTURE) == 0
    second.delete()
    assert forget_content(datetime.now(UTC) - timedelta(hours=1)) == 0
    assert (forget_content(FUTURE), _files(tmp_path)) == (1, [])


def test_what_a_run_under_way_may_hold_is_not_forgotten(run, team):
    """A body may keep a file for days before it says so."""
    saved = _saved(team)
    StoredContent.objects.create(team=team, digest=saved.digest, size=saved.size)
    Run.objects.filter(pk=run.pk).update(created_at=datetime(2020, 1, 1, tzinfo=UTC))
    assert forget_content(FUTURE) == 0
    _end(run)
    assert forget_content(FUTURE) == 1


async def test_what_a_cached_result_mentions_is_not_forgotten(store, stored):
    """Engine 7.8."""
    cached = CacheEntry(scope=stored.scope, key="k", outputs={"v": LARGE})
    await store.commit(batch_of(stored, happened.RunStarted(), cache=(cached,)))

    def forget():
        Run.objects.all().delete()
        return forget_content(FUTURE)

    assert await in_thread(forget) == 0
    assert await store.read_cache(stored.scope, "k") == cached


@pytest.mark.parametrize("has_row", [True, False])
@pytest.mark.parametrize("where", ["a version", "a draft", "an act"])
def test_what_a_drawing_names_is_not_forgotten(where, has_row, workflow, alice, team):
    """A constant of a drawing is mentioned by no run until one begins; the draft has an undo."""
    saved = _saved(team)
    if has_row:
        StoredContent.objects.create(team=team, digest=saved.digest, size=saved.size)
    named = json.dumps({"inputs": {"file": {"$artifact": saved.to_json()}}})
    if where == "a version":
        naming = workflow.versions.create(number=9, definition=named, digest="9")
    elif where == "a draft":
        naming = WorkflowDraft.objects.create(workflow=workflow, definition=named)
    else:
        naming = workflow.acts.create(revision=1, person=alice, kind="do", changes=named)
    assert forget_content(FUTURE) == 0
    naming.delete()
    assert forget_content(FUTURE) == 1


def test_what_the_drawing_of_another_team_names_is_forgotten(workflow, charlie):
    other = charlie.memberships.get().team
    saved = _saved(other)
    workflow.versions.create(number=9, definition=saved.digest, digest="9")
    assert forget_content(FUTURE) == 1


def test_content_that_is_put_in_place_again_is_young_again(team, tmp_path):
    saved = _saved(team)
    StoredContent.objects.create(team=team, digest=saved.digest, size=saved.size)
    (file,) = _files(tmp_path)
    os.utime(file, (0, 0))
    _saved(team)
    assert forget_content(datetime.now(UTC) - timedelta(hours=1)) == 0
    os.utime(file, (0, 0))
    StoredContent.objects.update(created_at=datetime(2020, 1, 1, tzinfo=UTC))
    assert forget_content(datetime.now(UTC) - timedelta(hours=1)) == 1


def test_what_was_being_written_is_forgotten_later(tmp_path):
    writer = StoredArtifacts().create("team")
    writer.write(b"half")
    assert forget_content(datetime.now(UTC) - timedelta(hours=1)) == 0
    assert len(list((tmp_path / "artifacts" / "incoming").iterdir())) == 1
    forget_content(FUTURE)
    assert list((tmp_path / "artifacts" / "incoming").iterdir()) == []
    writer.discard()


def test_the_folder_has_no_address_on_the_web():
    with pytest.raises(ValueError, match="not accessible via a URL"):
        storages["artifacts"].url("a")
