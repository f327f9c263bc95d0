"""Files: checking them against what was recorded of them."""

import base64
import hashlib
import os
import re
import time
from importlib.metadata import PackageNotFoundError, PackagePath, distribution
from pathlib import Path
from typing import Any

from runner.errors import RunnerError
from runner.graph.ports import Ports
from runner.graph.task import Task

BLOCK = 1 << 20
PROGRESS_SECONDS = 0.25
OBSERVED = re.compile(r"[\w-]+ [\w\[\]/-]+")


class VerifyPackage(Task):
    """Hashes every file of an installed package and compares it with the package's RECORD."""

    name = "file.verify_package"
    title = "Verify package"
    effect = "repeatable"
    blocking = True

    class Inputs(Ports):
        """A package with `name` and `round`; `observer` is a file that is told when it is done."""

        package: dict[str, Any]
        observer: str = ""

    class Outputs(Ports):
        """Its `name`, `round`, counts of `files` and `bytes`, names of `changed` and `missing`."""

        result: dict[str, Any]

    def execute(self, inputs: Any, context: Any) -> dict[str, Any]:
        """Verify, tell the observer, give the result."""
        result = _verified(inputs.package, context)
        if inputs.observer:
            _observe(Path(inputs.observer), f"{context.run} {context.path}")
        return {"result": result}


def _verified(package: dict[str, Any], context: Any) -> dict[str, Any]:
    changed: list[str] = []
    missing: list[str] = []
    files, size, told = _recorded(str(package.get("name", ""))), 0, time.monotonic()
    for number, file in enumerate(files):
        if context.cancelled:
            raise RunnerError("Stopped before the last file.")
        if time.monotonic() - told > PROGRESS_SECONDS:
            told = time.monotonic()
            context.progress(number / len(files), str(file))
        found = _hashed(file)
        if found is None:
            missing.append(str(file))
        else:
            size += found[1]
            changed += [] if found[0] == _expected(file) else [str(file)]
    about = {"name": package["name"], "round": package.get("round", 1)}
    return about | {"files": len(files), "bytes": size, "changed": changed, "missing": missing}


def _recorded(name: str) -> list[PackagePath]:
    """Give the files whose hash was recorded; Python's own caches and RECORD itself have none."""
    try:
        files = distribution(name).files
    except (PackageNotFoundError, ValueError):
        raise RunnerError(f"There is no package '{name}' in this installation.") from None
    return [file for file in files or () if file.hash]


def _hashed(file: PackagePath) -> tuple[bytes, int] | None:
    """Give a file's digest and size; None if it is not there."""
    digest, size = hashlib.new(file.hash.mode if file.hash else "sha256"), 0
    try:
        with Path(file.locate()).open("rb") as opened:
            while block := opened.read(BLOCK):
                digest.update(block)
                size += len(block)
    except FileNotFoundError:
        return None
    return digest.digest(), size


def _expected(file: PackagePath) -> bytes:
    text = file.hash.value if file.hash else ""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _observe(path: Path, line: str) -> None:
    """Append a line; a file that holds anything but such lines is somebody else's."""
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK | os.O_NOFOLLOW
    try:
        with os.fdopen(os.open(path, flags, 0o600), "r+", encoding="utf-8") as file:
            first = file.readline(BLOCK).rstrip("\n")
            if first and not OBSERVED.fullmatch(first):
                raise RunnerError(f"{path} holds something else than an observer's lines.")
            os.write(file.fileno(), f"{line}\n".encode())
    except (OSError, ValueError) as fault:
        raise RunnerError(f"The observer {path} cannot be written: {fault}.") from fault
