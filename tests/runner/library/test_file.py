"""Verifying an installed package against its RECORD."""

import base64
import hashlib
import sys

import pytest

from runner.errors import RunnerError
from runner.library.file import verify_package
from runner.library.file.verify_package import VerifyPackage
from runner.run.status import RunStatus
from tests.drive import outputs_of

NAME = "made-up-package"


class Context:
    """Stands for what a blocking body is given."""

    run = "run-1"
    path = "it"

    def __init__(self, *, cancelled=False):
        self.cancelled = cancelled


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An installed package of three files; the third is not there."""
    folder = tmp_path / "made_up_package-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 1\n")
    (tmp_path / "good.py").write_bytes(b"good")
    (tmp_path / "changed.py").write_bytes(b"changed")
    lines = [_line("good.py", b"good"), _line("changed.py", b"before"), _line("gone.py", b"")]
    (folder / "RECORD").write_text("\n".join([*lines, f"{folder.name}/RECORD,,"]))
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return {"name": NAME, "round": 1}


def _line(name, content):
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(content)}"


async def test_changed_and_missing_files_are_named(run_task, package):
    result = outputs_of(await run_task("file.verify_package", package=package))["result"]

    assert result["changed"] == ["changed.py"]
    assert result["bytes"] == len(b"good") + len(b"changed")
    assert result["missing"] == ["gone.py"]
    assert result["files"] == 3


async def test_every_pass_reads_each_file_again(run_task, package):
    run = await run_task("file.verify_package", package=package, passes=3)
    result = outputs_of(run)["result"]

    assert result["bytes"] == 3 * (len(b"good") + len(b"changed"))
    assert (result["files"], result["changed"]) == (3, ["changed.py"])


async def test_a_long_verification_says_how_far_it_is(run_task, package, monkeypatch):
    """Engine 5.9."""
    monkeypatch.setattr(verify_package, "PROGRESS_SECONDS", -1.0)
    run = await run_task("file.verify_package", package=package, passes=2)

    events = [each.event for each in run.entries if each.event.kind == "TaskProgressed"]
    files = ["good.py", "changed.py", "gone.py"]
    assert [each.message for each in events] == [*files, *files]
    assert [each.fraction for each in events] == [pytest.approx(n / 6) for n in range(6)]


async def test_an_unknown_package_fails_with_a_sentence(run_task):
    run = await run_task("file.verify_package", package={"name": "no-such-package-here"})

    assert run.status is RunStatus.FAILED
    assert run.entries[-1].event.error.message == (
        "There is no package 'no-such-package-here' in this installation."
    )


async def test_the_observer_gets_a_line_for_each_finished_package(
    run_task, package, tmp_path, monkeypatch
):
    observer = tmp_path / "observer.txt"
    monkeypatch.setenv("ANABRANCH_OBSERVER", str(observer))
    run = await run_task("file.verify_package", package=package)
    await run_task("file.verify_package", package=package)

    assert observer.read_text().splitlines() == [f"{run.id} it", f"{run.id} it"]


async def test_an_observer_that_cannot_be_written_fails_with_a_sentence(
    run_task, package, tmp_path, monkeypatch
):
    monkeypatch.setenv("ANABRANCH_OBSERVER", str(tmp_path))
    run = await run_task("file.verify_package", package=package)

    assert "cannot be written" in run.entries[-1].event.error.message


def test_a_cancelled_body_stops_and_tells_no_observer(package, tmp_path, monkeypatch):
    observer = tmp_path / "observer.txt"
    monkeypatch.setenv("ANABRANCH_OBSERVER", str(observer))
    inputs = VerifyPackage.Inputs(package=package)

    with pytest.raises(RunnerError, match="Stopped"):
        VerifyPackage().execute(inputs, Context(cancelled=True))
    assert not observer.exists()
