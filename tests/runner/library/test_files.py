"""Any file as bytes, and any value as a file."""

import json

import pytest

from runner import TaskGraphRunner, TaskRunner
from runner.errors import RunFault
from runner.execution.artifacts import MemoryArtifacts, RunArtifacts
from runner.execution.host import Host
from runner.library.file.read import BLOCK, Read
from runner.library.file.write import Write

CONTENT = bytes(range(256)) * 1000


@pytest.fixture
def host():
    """What lends its artifacts to the runs."""
    return Host(artifacts=MemoryArtifacts(), is_watched=lambda _run: True)


def file_of(host, content):
    """Keep a file as a run would find it."""
    return RunArtifacts(host.artifacts, "").save(content, "a.bin", "application/octet-stream")


async def written(host, value, name):
    """Write a file; give it with its content."""
    file = (await TaskRunner(host=host).run(Write, {"value": value, "name": name}))["file"]
    content = await TaskRunner(host=host).run(Read, {"file": file})
    return file, content["content"]


async def test_a_file_is_read_block_by_block(host):
    run = TaskGraphRunner(host=host).start(Read, {"file": file_of(host, CONTENT)})
    chunks = [chunk async for chunk in run.stream("content")]
    assert b"".join(chunks) == CONTENT
    assert len(chunks) == -(-len(CONTENT) // BLOCK)


async def test_an_empty_file_is_empty(host):
    assert await TaskRunner(host=host).run(Read, {"file": file_of(host, b"")}) == {"content": b""}


async def test_a_file_that_is_too_large_is_refused_with_what_to_do(host):
    with pytest.raises(RunFault, match=r"256,000 bytes; 1,000 is the most\. Raise the setting"):
        await TaskRunner(host=host).run(Read({"largest": 1000}), {"file": file_of(host, CONTENT)})


@pytest.mark.parametrize(
    ("value", "name", "content", "media_type"),
    [
        ({"a": ["ü", None]}, "a.json", '{\n  "a": [\n    "ü",\n    null\n  ]\n}\n', "application/json"),
        ([{"a": 1}, {"b": [2]}], "a.csv", "a,b\r\n1,\r\n,[\n  2\n]\r\n", "text/csv"),
        ("# A", "a.md", "# A", "text/markdown"),
        ("<b>", "a.HTML", "<b>", "text/html"),
        ("x", "name", "x", "text/plain"),
    ],
)  # fmt: skip
async def test_the_name_says_the_form(host, value, name, content, media_type):
    file, found = await written(host, value, name)
    assert (file.name, file.media_type) == (name, media_type)
    assert found.decode().replace('"', "") == content.replace('"', "")


async def test_a_file_in_json_is_named_by_what_finds_it_again(host):
    kept = file_of(host, CONTENT)
    _, found = await written(host, {"files": [kept]}, "a.json")
    assert json.loads(found) == {"files": [kept.to_json()]}


async def test_bytes_are_kept_as_they_are(host):
    file, found = await written(host, CONTENT, "a.bin")
    assert (found, file.media_type) == (CONTENT, "application/octet-stream")


@pytest.mark.parametrize(
    ("value", "name", "said"),
    [
        ({"a": 1}, "a.txt", "'a.txt' takes a text; make one of the value, or let the name end in"),
        ([1], "a.csv", "'a.csv' takes a list of mappings, a row each"),
    ],
)
async def test_a_value_that_does_not_fit_the_name_gets_a_sentence(host, value, name, said):
    with pytest.raises(RunFault, match=said):
        await written(host, value, name)
