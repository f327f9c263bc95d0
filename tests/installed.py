"""An installation that has been served once, to copy: a first start costs seconds of migrations.

The tests of a session share it, whichever of them is first; ANABRANCH_TEST_INSTALLED names its
folder. Where nothing names one, each server starts from nothing.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "ANABRANCH_TEST_INSTALLED"
ROOT = Path(__file__).resolve().parents[1]
#: What a start finds in its data directory; a lock or a log would be somebody else's.
KEPT = ("anabranch.sqlite3", "secret-key", "static", "uploads")


def install_into(data: Path, environment: Mapping[str, str]) -> None:
    """Copy the installation to a data directory that has no database.

    `environment` is what a server there will be started with; the first caller serves with it.
    """
    folder = os.environ.get(VARIABLE, "")
    if not folder or environment.get("DATABASE_URL") or (data / KEPT[0]).exists():
        return
    shared = Path(folder)
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / KEPT[0]).exists():
            _serve_once(shared, environment)
    for name in KEPT:
        source = shared / name
        copy = shutil.copytree if source.is_dir() else shutil.copy2
        copy(source, data / name)


def _serve_once(shared: Path, environment: Mapping[str, str]) -> None:
    making = shared / "making"
    making.mkdir()
    with subprocess.Popen(
        [sys.executable, "manage.py", "serve"],
        cwd=ROOT,
        env={**environment, "ANABRANCH_DATA": str(making), "PORT": "0"},
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert any("Serving on" in line for line in server.stdout or ())
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=60)
    # The database comes last: it says that all is there.
    for name in reversed(KEPT):
        (making / name).rename(shared / name)
