"""Which processes of this data directory live: each holds a lock on a file named by its owner id.

The kernel frees the lock the moment a process dies, however it dies; so a dead owner is known at
once, without waiting for its lease and whatever the clock says.
"""

import fcntl
import os
import secrets
from pathlib import Path


def new_owner() -> str:
    """Make the id of this process's runner: never the same twice."""
    return f"{os.getpid()}-{secrets.token_hex(8)}"


class OwnerLocks:
    """The lock files of one data directory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, int] = {}

    def hold(self, owner: str) -> None:
        """Hold this owner's lock until `free` or the end of the process."""
        if owner in self._held:
            return
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = self._locked(self._path(owner))
        while descriptor is None:
            descriptor = self._locked(self._path(owner))
        self._held[owner] = descriptor

    @staticmethod
    def _locked(path: Path) -> int | None:
        """Open and lock a file; None if it was removed meanwhile, by one who saw it unlocked."""
        # Not inheritable: a child that outlives the process must not keep the lock alive.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        # Not for long: others only look.
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            if path.stat().st_ino == os.fstat(descriptor).st_ino:
                return descriptor
        except FileNotFoundError:
            pass
        os.close(descriptor)
        return None

    def is_dead(self, owner: str) -> bool:
        """Whether the owner lived here and does no more; False when only its lease can tell."""
        if owner in self._held:
            return False
        try:
            descriptor = os.open(self._path(owner), os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            # Shared: two that look at the same time must not take each other for the owner.
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(descriptor)
        return True

    def forget(self, owner: str) -> None:
        """Remove the file of a dead owner that owns nothing any more."""
        self._path(owner).unlink(missing_ok=True)

    def known(self) -> list[str]:
        """The owners that have a file."""
        return [path.stem for path in self._folder.glob("*.lock")]

    def free(self) -> None:
        """Let go of all that is held here; the files stay, as those of the dead."""
        for descriptor in self._held.values():
            os.close(descriptor)
        self._held.clear()

    def _path(self, owner: str) -> Path:
        return self._folder / f"{owner}.lock"
