"""Files as text and back."""

import pytest

from runner import TaskGraphRunner, TaskRunner, series
from runner.errors import RunFault
from runner.execution.artifacts import MemoryArtifacts, RunArtifacts
from runner.execution.host import Host
from runner.library.file.read_text import TEXT_BLOCK, ReadText
from runner.library.file.write_text import WriteText

TEXT = "Flüsse, die sich teilen 🌊\n" * 5000


@pytest.fixture
def host():
    """What lends its artifacts to the runs."""
    return Host(artifacts=MemoryArtifacts())


def _file(host, content, name="rivers.txt"):
    return RunArtifacts(host.artifacts, "").save(content, name, "text/plain")


async def test_a_text_is_read_block_by_block_and_no_sign_is_torn(host):
    """Engine 4.1."""
    file = _file(host, TEXT.encode())
    run = TaskGraphRunner(host=host).start(ReadText, {"file": file})
    chunks = [chunk async for chunk in run.stream("text")]
    assert "".join(chunks) == TEXT
    assert len(chunks) == -(-len(TEXT.encode()) // TEXT_BLOCK)


@pytest.mark.parametrize(
    ("content", "text"), [(b"", ""), (b"\xef\xbb\xbfmarked", "marked"), (b"a\r\nb", "a\r\nb")]
)
async def test_a_text_is_what_the_file_holds(host, content, text):
    outputs = await TaskRunner(host=host).run(ReadText, {"file": _file(host, content)})
    assert outputs == {"text": text}


@pytest.mark.parametrize("content", [b"\xff\xfe", "half \u00e9".encode()[:-1]])
async def test_what_is_no_text_gets_a_sentence(host, content):
    with pytest.raises(RunFault, match="no text in UTF-8"):
        await TaskRunner(host=host).run(ReadText, {"file": _file(host, content)})


async def test_a_text_becomes_a_file_under_its_name(host):
    outputs = await TaskRunner(host=host).run(WriteText, {"text": TEXT, "name": "../a/out.txt"})
    file = outputs["file"]
    assert (file.name, file.size, file.media_type) == ("out.txt", len(TEXT.encode()), "text/plain")


async def test_a_text_that_is_still_read_is_written_along(host):
    """Engine 4.6."""
    file = _file(host, TEXT.encode())
    outputs = (
        await TaskGraphRunner(host=host)
        .start(series(ReadText, WriteText), {"file": file})
        .outputs()
    )
    assert outputs["file"].digest == file.digest
