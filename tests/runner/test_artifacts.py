"""Artifacts: files as values, saved and read in every place, kept by hash and scope."""

import asyncio
import copy
import hashlib
import io
import stat

import pytest

from runner import Artifact, Ports, Task, TaskRunner, ValueFault
from runner.errors import DamagedArtifact, MissingArtifact, RunFault, RunnerError, SizeLimit
from runner.execution.artifacts import FolderArtifacts, MemoryArtifacts, RunArtifacts
from runner.execution.host import Host
from runner.graph.artifact import clean_name
from runner.graph.ports import Port
from runner.graph.values import decode, encode
from tests.process_tasks import CopiedApart, CopiedApartBlocking, CopiedWhole, LeftOpen

pytestmark = pytest.mark.usefixtures("counted_children")

TEXT = b"rivers" * 100_000
DIGEST = hashlib.sha256(TEXT).hexdigest()
FILE = Artifact(digest=DIGEST, size=len(TEXT), name="rivers.txt", media_type="text/plain")


class Copied(Task):
    """A file, read and kept again, on the event loop."""

    name = "test.copied"

    class Inputs(Ports):
        file: Artifact

    class Outputs(Ports):
        copied: Artifact

    async def execute(self, inputs, context):
        with inputs.file.open() as content:
            return {"copied": await context.save_artifact(content, "copy.bin")}


class CopiedInThread(Copied):
    """The same in a thread."""

    name = "test.copied-in-thread"
    blocking = True

    def execute(self, inputs, context):
        with inputs.file.open() as content:
            return {"copied": context.save_artifact(content, "copy.bin")}


@pytest.fixture(params=["memory", "folder"])
def store(request, tmp_path):
    """A store of each kind."""
    return MemoryArtifacts() if request.param == "memory" else FolderArtifacts(tmp_path)


def _kept(store, content=TEXT, scope=""):
    return RunArtifacts(store, scope).save(content, "rivers.txt", "text/plain")


# ── the value ───────────────────────────────────────────────────────────────────────────────────


def test_an_artifact_is_written_the_same_whatever_the_way_it_came():
    """Engine 2.2."""
    text = encode({"file": FILE})
    assert text == (
        f'{{"file":{{"$artifact":{{"digest":"{DIGEST}","media_type":"text/plain",'
        f'"name":"rivers.txt","size":{len(TEXT)}}}}}}}'
    )
    assert decode(text) == {"file": FILE}
    assert encode(decode(text)) == text


def test_an_artifact_never_changes():
    """Engine 2.3."""
    with pytest.raises(AttributeError, match="name of an artifact never changes"):
        FILE.name = "other.txt"
    assert FILE.name == "rivers.txt"


def test_a_copy_of_an_artifact_is_the_same_artifact():
    """Engine 2.2: known by the hash of its content, with a name and a media type."""
    copied = copy.deepcopy({"files": [FILE]})["files"][0]
    other = Artifact(**(FILE.to_json() | {"name": "other.txt"}))
    assert {copied, FILE, other} == {FILE, other}


def test_an_artifact_is_shown_by_its_name_or_else_by_its_hash():
    nameless = Artifact(**(FILE.to_json() | {"name": ""}))
    assert [repr(FILE), repr(nameless)] == [
        "Artifact('rivers.txt', 600000 bytes)",
        f"Artifact('{DIGEST[:12]}', 600000 bytes)",
    ]


@pytest.mark.parametrize("document", ["[]", "{}", f'{{"digest":"{DIGEST}","size":1}}'])
def test_a_text_that_describes_no_artifact_is_refused(document):
    """Engine 2.2."""
    with pytest.raises(ValueFault, match="describes no artifact"):
        decode(f'{{"$artifact":{document}}}')


@pytest.mark.parametrize("kind", [Artifact, list[Artifact], object])
def test_a_port_keeps_artifacts_as_they_are(kind):
    """Engine 2.2."""
    port = Port(name="file", type=kind)
    value = [FILE] if kind == list[Artifact] else FILE
    assert port.decode(port.encode(value)) == value


@pytest.mark.parametrize("given", ["a.txt", {"digest": DIGEST, "size": 1}, FILE.to_json()])
def test_what_only_looks_like_an_artifact_is_none(given):
    with pytest.raises(ValueFault, match="wants a file"):
        Port(name="file", type=Artifact).encode(given)


@pytest.mark.parametrize(
    "change",
    [
        {"digest": "../../etc/passwd"},
        {"digest": "A" * 64},
        {"size": -1},
        {"size": True},
        {"size": (1 << 50) + 1},
        {"name": "../x"},
        {"name": "x" * 201},
        {"name": "half\ud800"},
        {"media_type": "text/html; charset=x"},
        {"media_type": "text\r\nX-Evil: 1"},
    ],
)
def test_what_no_stored_file_has_is_refused(change):
    with pytest.raises(ValueFault):
        Artifact(**(FILE.to_json() | change))


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\report.pdf", "report.pdf"),
        ("..", ""),
        ("a\r\nb\0.txt", "ab.txt"),
        ("gnp.\u202etxt.exe", "gnp.txt.exe"),
        ("n" * 300 + ".txt", "n" * 196 + ".txt"),
    ],
)
def test_a_name_is_cleaned_of_what_no_name_should_have(name, cleaned):
    assert clean_name(name) == cleaned
    assert clean_name(cleaned) == cleaned


# ── the stores ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("content", [bytes, io.BytesIO, lambda text: [text[:7], b"", text[7:]]])
def test_content_is_kept_by_its_hash_whatever_it_came_as(store, content):
    saved = _kept(store, content(TEXT))
    assert saved == FILE
    with RunArtifacts(store, "").open(saved) as opened:
        assert opened.read() == TEXT


def test_content_of_another_scope_cannot_be_named(store):
    saved = _kept(store, scope="one")
    with pytest.raises(MissingArtifact):
        RunArtifacts(store, "two").open(saved)


@pytest.mark.parametrize(("kind", "extra"), [(MemoryArtifacts, ()), (FolderArtifacts, (1,))])
def test_a_file_of_the_limit_is_kept_and_one_byte_more_is_refused(tmp_path, kind, extra):
    """Engine 4.9."""
    store = kind(*([tmp_path] if extra else []), limit=1000)
    assert _kept(store, b"x" * 1000).size == 1000
    with pytest.raises(SizeLimit, match="more than 1000 bytes"):
        _kept(store, b"x" * 1001)
    assert list((tmp_path / "incoming").glob("*")) == []


def test_a_run_without_a_scope_keeps_its_files_in_the_folder_too(tmp_path):
    _kept(FolderArtifacts(tmp_path))
    assert (tmp_path / "-" / DIGEST[:2] / DIGEST[2:]).read_bytes() == TEXT


def test_a_file_is_for_its_owner_alone_and_links_are_not_followed(tmp_path):
    store = FolderArtifacts(tmp_path)
    _kept(store, scope="team")
    place = tmp_path / "team" / DIGEST[:2] / DIGEST[2:]
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700
    place.unlink()
    place.symlink_to("/etc/passwd")
    with pytest.raises(MissingArtifact):
        store.open("team", DIGEST)


@pytest.mark.parametrize(("scope", "digest"), [("..", DIGEST), ("a/b", DIGEST), ("a", "../x")])
def test_no_scope_and_no_hash_leads_out_of_the_folder(tmp_path, scope, digest):
    with pytest.raises(ValueFault):
        FolderArtifacts(tmp_path).open(scope, digest)


@pytest.mark.parametrize("taken", ["team", "incoming"])
def test_a_file_that_the_storage_does_not_take_is_refused_in_a_sentence(tmp_path, taken):
    """Engine 6.4."""
    (tmp_path / taken).write_text("a file, where a folder should be")
    with pytest.raises(
        RunnerError, match=r"This file cannot be kept: (Not a directory|File exists)"
    ):
        _kept(FolderArtifacts(tmp_path), scope="team")
    assert list(tmp_path.glob("incoming/*")) == []


def test_content_that_changed_is_noticed_at_its_end(tmp_path):
    store = FolderArtifacts(tmp_path)
    saved = _kept(store, scope="team")
    place = tmp_path / "team" / DIGEST[:2] / DIGEST[2:]
    place.write_bytes(TEXT[:-1] + b"!")
    with pytest.raises(DamagedArtifact), RunArtifacts(store, "team").open(saved) as content:
        content.read()
    _kept(store, scope="team")
    with RunArtifacts(store, "team").open(saved) as content:
        assert content.read() == TEXT


# ── in bodies ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "kind", [Copied, CopiedInThread, CopiedApart, CopiedApartBlocking, CopiedWhole]
)
async def test_a_body_reads_and_saves_artifacts_in_every_place(store, kind):
    """Engine 2.2, 8.2."""
    host = Host(artifacts=store)
    outputs = await TaskRunner(host=host).run(kind, {"file": _kept(store)})
    copy = outputs["copied"]
    assert (copy.digest, copy.size, copy.name) == (DIGEST, len(TEXT), "copy.bin")
    with host.artifacts.open("", copy.digest) as content:
        assert content.read() == TEXT


@pytest.mark.parametrize("kind", [Copied, CopiedInThread, CopiedApart])
async def test_a_body_is_told_when_content_is_missing(tmp_path, kind):
    host = Host(artifacts=FolderArtifacts(tmp_path))
    with pytest.raises(RunFault, match="cannot be read"):
        await TaskRunner(host=host).run(kind, {"file": FILE})


@pytest.mark.parametrize("kind", [Copied, CopiedInThread, CopiedApart])
async def test_a_body_is_told_when_a_file_is_larger_than_what_is_kept(tmp_path, kind):
    _kept(FolderArtifacts(tmp_path))
    host = Host(artifacts=FolderArtifacts(tmp_path, limit=1000))
    with pytest.raises(RunFault, match="more than 1000 bytes"):
        await TaskRunner(host=host).run(kind, {"file": FILE})
    assert list((tmp_path / "incoming").iterdir()) == []


class Watched(FolderArtifacts):
    """A folder that knows which of its files were opened."""

    def __init__(self, folder):
        super().__init__(folder)
        self.opened = []

    def open(self, scope, digest):
        self.opened.append(super().open(scope, digest))
        return self.opened[-1]


async def test_what_a_dead_process_had_open_is_let_go(tmp_path):
    """Engine 8.2: neither what it read nor what it had half written is left behind."""
    store = Watched(tmp_path)
    with pytest.raises(RunFault, match="ended without a result"):
        await TaskRunner(host=Host(artifacts=store)).run(LeftOpen, {"file": _kept(store)})
    assert [each.closed for each in store.opened] == [True]
    assert list((tmp_path / "incoming").iterdir()) == []


def test_outside_of_a_body_nothing_is_read():
    with pytest.raises(MissingArtifact, match="only a task that runs"):
        FILE.open()


async def test_saving_does_not_hold_the_loop(tmp_path):
    """The loop goes on while the content comes."""
    ticks: list[int] = []

    def slow_blocks():
        for _ in range(3):
            asyncio.run_coroutine_threadsafe(_tick(ticks), loop).result()
            yield b"x"

    class Slow(Task):
        name = "test.slow"

        class Outputs(Ports):
            file: Artifact

        async def execute(self, inputs, context):
            return {"file": await context.save_artifact(slow_blocks())}

    loop = asyncio.get_running_loop()
    outputs = await TaskRunner(host=Host(artifacts=FolderArtifacts(tmp_path))).run(Slow)
    assert (outputs["file"].size, len(ticks)) == (3, 3)


async def _tick(ticks):
    ticks.append(1)
