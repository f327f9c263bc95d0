"""The Python distributions installed here."""

from importlib.metadata import Distribution, distributions
from typing import Annotated, Any

from pydantic import Field

from runner.graph.ports import Ports
from runner.graph.task import Task

#: As many as a map takes; the rounds that would go beyond are left out.
ITEMS_AT_MOST = 10_000


class Records(Task):
    """Lists the installed distributions that recorded hashes of their files, once for each round."""

    name = "environment.records"
    title = "Installed packages"
    effect = "none"
    blocking = True

    class Inputs(Ports):
        """How often to go through all packages, and how many there may be (0: all)."""

        rounds: Annotated[int, Field(ge=1, le=1000)] = 1
        limit: Annotated[int, Field(ge=0)] = 0

    class Outputs(Ports):
        """Packages with `name`, `version`, `files` (a count) and `round`."""

        packages: list[dict[str, Any]]

    def execute(self, inputs: Any, context: Any) -> dict[str, Any]:
        """Give the packages by name, round after round."""
        found = {each.name: _listed(each) for each in distributions()}
        named = [found[name] for name in sorted(found, key=str.casefold) if found[name]["files"]]
        chosen = named[: inputs.limit or None]
        rounds = min(inputs.rounds, max(1, ITEMS_AT_MOST // max(1, len(chosen))))
        if rounds < inputs.rounds:
            context.log.warning("A map takes %s items: %s rounds.", ITEMS_AT_MOST, rounds)
        numbers = range(1, rounds + 1)
        return {"packages": [package | {"round": each} for each in numbers for package in chosen]}


def _listed(package: Distribution) -> dict[str, Any]:
    return {
        "name": package.name,
        "version": package.version,
        "files": (package.read_text("RECORD") or "").count(",sha256="),
    }
