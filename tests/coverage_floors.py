"""What share of each package the tests execute, and the floor that it must not fall under.

`make check` runs it after the tests. A floor is only ever raised; 100 means that every branch
is taken by some test or is not there.
"""

import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coverage import Coverage

#: In percent of statements and branches, by package; the longest name that fits a file counts.
FLOORS: Mapping[str, float] = {
    "runner": 100,
    "runner/console": 100,
    "runner/editing": 100,
    "runner/execution": 98,
    "runner/graph": 100,
    "runner/library": 100,
    "runner/outside": 100,
    "runner/run": 100,
    "workflows": 70,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How many statements and branches were executed, of how many."""

    covered: int = 0
    total: int = 0

    def __add__(self, other: "Share") -> "Share":
        return Share(covered=self.covered + other.covered, total=self.total + other.total)

    @property
    def percent(self) -> float:
        """Nothing of nothing is nothing: such a package was not measured."""
        return 100 * self.covered / self.total if self.total else 0.0


NOTHING = Share()


def package_of(file: str, packages: Iterable[str] = FLOORS) -> str:
    """Name the package whose floor a file is under; empty if it is under none."""
    fitting = [each for each in packages if file.startswith(f"{each}/")]
    return max(fitting, key=len, default="")


def shares(files: Mapping[str, Mapping[str, Any]]) -> dict[str, Share]:
    """Add up by package what coverage says of files in its JSON report."""
    found: dict[str, Share] = defaultdict(Share)
    for file, said in files.items():
        summary = said["summary"]
        found[package_of(file)] += Share(
            covered=summary["covered_lines"] + summary["covered_branches"],
            total=summary["num_statements"] + summary["num_branches"],
        )
    return dict(found)


def below(found: Mapping[str, Share], floors: Mapping[str, float] = FLOORS) -> list[str]:
    """Say which packages are under their floor; a package that nobody measured is."""
    return [
        f"{package}: {found.get(package, NOTHING).percent:.2f} %, and the floor is {floor:g} %"
        for package, floor in floors.items()
        if found.get(package, NOTHING).percent < floor
    ]


def measured(data: str = ".cache/coverage") -> dict[str, Share]:
    """Read what the last run of the tests executed."""
    coverage = Coverage(data_file=data)
    coverage.load()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "coverage.json"
        coverage.json_report(outfile=str(report))
        return shares(json.loads(report.read_text(encoding="utf-8"))["files"])


def main() -> int:
    """Write the shares; give 1 if one is under its floor."""
    found = measured()
    for package, floor in FLOORS.items():
        share = found.get(package, NOTHING)
        sys.stdout.write(
            f"{package:18} {share.percent:7.2f} % of {share.total:6,}, floor {floor:g} %\n"
        )
    too_few = below(found)
    for sentence in too_few:
        sys.stderr.write(f"error: the tests execute too little of {sentence}.\n")
    return bool(too_few)


if __name__ == "__main__":
    sys.exit(main())
