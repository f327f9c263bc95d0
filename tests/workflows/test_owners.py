"""Locks tell the living from the dead."""

import fcntl
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


def test_two_that_look_at_a_dead_owner_see_the_same(locks, tmp_path, monkeypatch):
    locks.hold("me")
    locks.free()
    flock, seen = fcntl.flock, []

    def looked_at_by_another(descriptor, operation):
        flock(descriptor, operation)
        monkeypatch.setattr(fcntl, "flock", flock)
        seen.append(OwnerLocks(tmp_path / "owners").is_dead("me"))

    monkeypatch.setattr(fcntl, "flock", looked_at_by_another)
    assert locks.is_dead("me")
    assert seen == [True]


def test_a_file_that_is_removed_before_it_is_locked_is_made_again(locks, tmp_path, monkeypatch):
    """P4: who forgets the dead may come between the making of a file and its lock."""
    flock, other = fcntl.flock, OwnerLocks(tmp_path / "owners")

    def forgotten_before(descriptor, operation):
        monkeypatch.setattr(fcntl, "flock", flock)
        other.forget("me")
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", forgotten_before)
    locks.hold("me")
    assert other.known() == ["me"]
    assert not other.is_dead("me")


def test_an_owner_id_is_new_every_time():
    assert new_owner() != new_owner()
