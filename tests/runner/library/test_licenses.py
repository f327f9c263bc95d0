"""What the installed packages declare of their licences."""

from importlib.metadata import PathDistribution, version

import pytest

from runner.library.environment.packages import _license
from tests.drive import outputs_of


async def test_each_package_is_listed_once_with_its_licence(run_task):
    packages = outputs_of(await run_task("environment.packages"))["packages"]
    by_name = {each["name"]: each for each in packages}
    assert len(by_name) == len(packages) > 10
    assert by_name["pydantic"] == {
        "name": "pydantic",
        "version": version("pydantic"),
        "license": "MIT",
    }


async def test_no_more_packages_than_asked_for(run_task):
    assert len(outputs_of(await run_task("environment.packages", limit=2))["packages"]) == 2


@pytest.mark.parametrize(
    ("lines", "license"),
    [
        ("License-Expression: MIT OR Apache-2.0\nLicense: other", "MIT OR Apache-2.0"),
        ("License: A\nClassifier: License :: OSI Approved :: MIT License", "MIT License"),
        ("License: BSD\n        and its long text", "BSD"),
        ("License: UNKNOWN", ""),
        ("Summary: nothing said", ""),
    ],
)
def test_a_licence_is_taken_from_what_says_it_best(tmp_path, lines, license):  # noqa: A002
    (tmp_path / "METADATA").write_text(f"Metadata-Version: 2.4\nName: a\n{lines}\n")
    assert _license(PathDistribution(tmp_path)) == license


async def test_a_licence_file_is_read(run_task):
    text = outputs_of(await run_task("environment.license_file", package={"name": "pydantic"}))
    assert "MIT License" in text["text"]


async def test_a_package_that_is_not_there_gets_a_sentence(run_task):
    run = await run_task("environment.license_file", package={"name": "no-such-package"})
    assert "There is no package 'no-such-package'" in run.entries[-1].event.error.message


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Give a function that installs a package `little` with these files recorded."""

    def install(*files):
        folder = tmp_path / "little-1.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text("Metadata-Version: 2.4\nName: little\nVersion: 1\n")
        (folder / "RECORD").write_text("".join(f"{file},,\n" for file in files))
        monkeypatch.syspath_prepend(tmp_path)

    return install


@pytest.mark.parametrize("files", [(), ("little.py",), ("LICENSE",), ("LICENSES",)])
async def test_where_no_licence_can_be_read_the_text_is_empty(run_task, installed, tmp_path, files):
    """LICENSE is recorded, and not there any more; LICENSES is a folder."""
    installed(*files)
    (tmp_path / "LICENSES").mkdir()
    run = await run_task("environment.license_file", package={"name": "little"})
    assert outputs_of(run) == {"text": ""}
