"""The licence file of an installed package."""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from runner.errors import RunnerError
from runner.graph.ports import Ports
from runner.graph.task import Task

LONGEST = 20_000
_NAMES = ("LICENSE", "LICENCE", "COPYING", "NOTICE")


class LicenseFile(Task):
    """Reads the beginning of the licence file that an installed package brought along.

    The text is empty where there is none; 20,000 characters of it say which licence it is.
    """

    name = "environment.license_file"
    title = "Licence file"
    effect = "none"
    blocking = True

    class Inputs(Ports):
        """A package with `name`."""

        package: dict[str, Any]

    class Outputs(Ports):
        """The beginning of its licence."""

        text: str

    def execute(self, inputs: Any, _context: Any) -> dict[str, Any]:
        """Read the first file that looks like a licence."""
        name = str(inputs.package.get("name", ""))
        try:
            files = distribution(name).files or []
        except (PackageNotFoundError, ValueError):
            raise RunnerError(f"There is no package '{name:.80}' in this installation.") from None
        for file in files:
            if file.name.upper().startswith(_NAMES):
                return {"text": _beginning(Path(str(file.locate())))}
        return {"text": ""}


def _beginning(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as opened:
            return opened.read(LONGEST)
    except OSError:
        return ""
