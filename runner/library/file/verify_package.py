"""An installed package's files, compared with what was recorded of them."""

import base64
import csv
import hashlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from runner.errors import RunnerError
from runner.graph.ports import Ports
from runner.graph.task import Task

BLOCK = 1 << 20


PROGRESS_SECONDS = 0.25


#: The environment variable that names a file which gets a line for each finished package.
OBSERVER = "ANABRANCH_OBSERVER"


class VerifyPackage(Task):
    """Hashes every file of an installed package and compares it with the package's RECORD."""

    name = "file.verify_package"
    title = "Verify package"
    effect = "repeatable"
    blocking = True

    class Inputs(Ports):
        """A package with `name` and `round`; `passes` is how often each file is read."""

        package: dict[str, Any]
        passes: Annotated[int, Field(ge=1, le=100)] = 1

    class Outputs(Ports):
        """Its `name`, `round`, counts of `files` and `bytes`, names of `changed` and `missing`."""

        result: dict[str, Any]

    def execute(self, inputs: Any, context: Any) -> dict[str, Any]:
        """Verify, tell the operator's observer if there is one, give the result."""
        result = _verified(inputs.package, inputs.passes, context)
        observer = os.environ.get(OBSERVER)
        if observer:
            _observe(Path(observer), f"{context.run} {context.path}")
        return {"result": result}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recorded:
    """A file as it was installed; `digest` is the text that RECORD holds."""

    name: str
    place: Path
    algorithm: str
    digest: str


def _verified(package: dict[str, Any], passes: int, context: Any) -> dict[str, Any]:
    files = _recorded(str(package.get("name", "")))
    changed, missing, size = set(), set(), 0
    for file in _each(files, passes, context):
        found = _hashed(file)
        if found is None:
            missing.add(file.name)
            continue
        size += found[1]
        if found[0] != file.digest:
            changed.add(file.name)
    return {
        "name": package["name"],
        "round": package.get("round", 1),
        "files": len(files),
        "bytes": size,
        "changed": sorted(changed),
        "missing": sorted(missing),
    }


def _each(files: list[_Recorded], passes: int, context: Any) -> Iterator[_Recorded]:
    """Give every file once a pass; say how far it is, and stop when the run does."""
    told = time.monotonic()
    for number in range(len(files) * passes):
        if context.cancelled:
            raise RunnerError("Stopped before the last file.")
        file = files[number % len(files)]
        if time.monotonic() - told > PROGRESS_SECONDS:
            told = time.monotonic()
            context.progress(number / (len(files) * passes), file.name)
        yield file


def _recorded(name: str) -> list[_Recorded]:
    """Give the files whose hash was recorded; Python's own caches and RECORD itself have none.

    Read from RECORD itself, because `Distribution.files` leaves out what is not there any more.
    """
    try:
        package = distribution(name)
    except (PackageNotFoundError, ValueError):
        raise RunnerError(f"There is no package '{name}' in this installation.") from None
    rows = csv.reader((package.read_text("RECORD") or "").splitlines())
    return [
        _Recorded(
            name=row[0],
            place=Path(str(package.locate_file(row[0]))),
            algorithm=row[1].partition("=")[0],
            digest=row[1].partition("=")[2],
        )
        for row in rows
        if len(row) > 1 and "=" in row[1]
    ]


def _hashed(file: _Recorded) -> tuple[str, int] | None:
    """Give a file's digest, written as in RECORD, and its size; None if it is not there."""
    digest, size = hashlib.new(file.algorithm), 0
    try:
        with file.place.open("rb") as opened:
            while block := opened.read(BLOCK):
                digest.update(block)
                size += len(block)
    except FileNotFoundError:
        return None
    return base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode(), size


def _observe(path: Path, line: str) -> None:
    """Append a line; only the operator names the file, so no workflow can write where it likes."""
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")
    except OSError as fault:
        raise RunnerError(f"The observer {path} cannot be written: {fault}.") from fault
