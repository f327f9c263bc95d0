"""The Python distributions installed here, with their licences."""

from importlib.metadata import Distribution, distributions
from typing import Annotated, Any

from pydantic import Field

from runner.graph.ports import Ports
from runner.graph.task import Task

_PREFIX = "License :: "
_LONGEST = 100


class Packages(Task):
    """Lists the installed distributions with the licence that each one declares.

    The licence is the expression of its metadata, else its classifiers, else the first line of
    what it says about its licence; nothing where it says nothing.
    """

    name = "environment.packages"
    title = "Packages and licences"
    effect = "none"
    blocking = True

    class Inputs(Ports):
        """How many packages there may be (0: all), in order of name."""

        limit: Annotated[int, Field(ge=0)] = 0

    class Outputs(Ports):
        """Packages with `name`, `version` and `license`."""

        packages: list[dict[str, str]]

    def execute(self, inputs: Any, _context: Any) -> dict[str, Any]:
        """Give each package once, by name."""
        found = {each.name: each for each in distributions() if each.name}
        named = [found[name] for name in sorted(found, key=str.casefold)]
        return {"packages": [_told(each) for each in named[: inputs.limit or None]]}


def _told(package: Distribution) -> dict[str, str]:
    return {"name": package.name, "version": package.version, "license": _license(package)}


def _license(package: Distribution) -> str:
    metadata = package.metadata
    if expression := metadata.get("License-Expression"):
        return str(expression)
    classified = [
        each.removeprefix(_PREFIX).rpartition(" :: ")[2]
        for each in metadata.get_all("Classifier", [])
        if each.startswith(_PREFIX)
    ]
    if classified:
        return " OR ".join(classified)
    said = str(metadata.get("License", "")).strip()
    return said.partition("\n")[0][:_LONGEST] if said != "UNKNOWN" else ""
