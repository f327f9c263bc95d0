"""Environment: the Python distributions installed here, and whether their files are intact."""

from collections.abc import Iterable, Mapping
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


class Summary(Task):
    """Adds up what was verified, and names what has changed since it was installed."""

    name = "environment.summary"
    title = "Summary"
    effect = "none"

    class Inputs(Ports):
        """Results of `file.verify_package`."""

        results: list[dict[str, Any]]

    class Outputs(Ports):
        """The sums by name, and the same as Markdown."""

        summary: dict[str, int]
        report: str

    async def execute(self, inputs: Any, _context: Any) -> dict[str, Any]:
        """Add up and write."""
        summary = _sums(inputs.results)
        return {"summary": summary, "report": _report(summary, inputs.results)}


def _listed(package: Distribution) -> dict[str, Any]:
    return {
        "name": package.name,
        "version": package.version,
        "files": (package.read_text("RECORD") or "").count(",sha256="),
    }


def _sums(results: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    kept = list(results)
    return {
        "packages": len({each["name"] for each in kept}),
        "rounds": max((each["round"] for each in kept), default=0),
        "files": sum(each["files"] for each in kept),
        "bytes": sum(each["bytes"] for each in kept),
        "changed": sum(len(each["changed"]) for each in kept),
        "missing": sum(len(each["missing"]) for each in kept),
    }


def _report(summary: Mapping[str, int], results: Iterable[Mapping[str, Any]]) -> str:
    lines = ["# This installation", ""]
    lines += [f"- {name}: {count:,}" for name, count in summary.items()]
    wrong = {
        f"- {word}: `{file}` of {each['name']}"
        for each in results
        for word in ("changed", "missing")
        for file in each[word]
    }
    if not wrong:
        return "\n".join([*lines, "", "Every file is as it was installed.", ""])
    return "\n".join([*lines, "", "## Not as installed", "", *sorted(wrong), ""])
