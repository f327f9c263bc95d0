"""`manage.py start_task` writes a package that works as it is."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_what_it_writes_passes_its_own_test(tmp_path):
    call_command("start_task", "acme.shout", into=tmp_path)
    folder = tmp_path / "anabranch-acme"
    told = tomllib.loads((folder / "pyproject.toml").read_text())
    assert told["project"]["entry-points"]["anabranch.tasks"] == {"acme": "anabranch_acme"}
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-c", "pyproject.toml", "-p", "no:cacheprovider"],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed" in tested.stdout, tested.stdout + tested.stderr


@pytest.mark.parametrize("name", ["shout", "Acme.shout", "acme.class", "a b.c", "acme.", "é.x", ""])
def test_what_is_no_name_is_refused_with_one_that_is(tmp_path, name):
    with pytest.raises(CommandError, match=r"one like 'acme\.shout' is"):
        call_command("start_task", name, into=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_name_of_another_task_is_refused(tmp_path):
    with pytest.raises(CommandError, match=r"There is a task type 'text\.split' already"):
        call_command("start_task", "text.split", into=tmp_path)


def test_nothing_is_overwritten(tmp_path):
    call_command("start_task", "acme.shout", into=tmp_path)
    changed = tmp_path / "anabranch-acme" / "anabranch_acme.py"
    changed.write_text("mine")
    with pytest.raises(CommandError, match="is there already; nothing was written"):
        call_command("start_task", "acme.whisper", into=tmp_path)
    assert changed.read_text() == "mine"


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CommandError, match=r"cannot be written: No such file or directory\."):
        call_command("start_task", "acme.shout", into=tmp_path / "nowhere")
