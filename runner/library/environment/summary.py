"""What was verified of an installation, added up."""

from collections.abc import Iterable, Mapping
from typing import Any

from runner.graph.ports import Ports
from runner.graph.task import Task


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
