"""Locks tell the living from the dead."""

import subprocess
import sys

import pytest

from workflows.owners import OwnerLocks, new_owner


@pytest.fixture
def locks(tmp_path):
    """The locks of one process; freed at the end."""
    made = OwnerLocks(tmp_path / "owners")
    yield made
    made.free()


def test_an_owner_that_holds_its_lock_lives(locks, tmp_path):
    locks.hold("me")
    locks.hold("me")
    assert not locks.is_dead("me")
    assert not OwnerLocks(tmp_path / "owners").is_dead("me")


def test_an_owner_whose_lock_is_free_is_dead(locks, tmp_path):
    locks.hold("me")
    locks.free()
    assert OwnerLocks(tmp_path / "owners").is_dead("me")


def test_of_an_owner_without_a_file_only_its_lease_can_tell(locks):
    assert not locks.is_dead("elsewhere")


def test_a_forgotten_owner_has_no_file(locks):
    locks.hold("me")
    locks.free()
    assert locks.known() == ["me"]
    locks.forget("me")
    assert locks.known() == []


def test_a_killed_process_is_dead_at_once(locks, tmp_path):
    code = (
        "from pathlib import Path; from workflows.owners import OwnerLocks; import sys\n"
        f"OwnerLocks(Path({str(tmp_path / 'owners')!r})).hold('other')\n"
        "print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        assert not locks.is_dead("other")
        other.kill()
        other.wait()
        assert locks.is_dead("other")


def test_an_owner_id_is_new_every_time():
    assert new_owner() != new_owner()
