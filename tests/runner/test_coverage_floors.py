"""The floors of coverage: what is added up, and what is under a floor."""

import pytest

from tests.coverage_floors import Share, below, package_of, shares

FLOORS = {"engine": 100, "engine/deep": 50}


def said(lines: int, branches: int, of_lines: int, of_branches: int) -> dict[str, dict[str, int]]:
    summary = {"covered_lines": lines, "covered_branches": branches}
    return {"summary": summary | {"num_statements": of_lines, "num_branches": of_branches}}


@pytest.mark.parametrize(
    ("file", "package"),
    [("engine/a.py", "engine"), ("engine/deep/a.py", "engine/deep"), ("engineer/a.py", "")],
)
def test_a_file_is_under_the_floor_of_its_innermost_package(file, package):
    assert package_of(file, FLOORS) == package


def test_statements_and_branches_are_added_up_by_package():
    files = {"runner/graph/a.py": said(3, 1, 4, 2), "runner/graph/b.py": said(1, 0, 1, 0)}

    assert shares(files) == {"runner/graph": Share(covered=5, total=7)}


def test_one_branch_too_few_is_under_a_floor_of_100():
    full, lacks_one = Share(covered=10, total=10), Share(covered=9_999, total=10_000)
    half = Share(covered=1, total=2)

    assert below({"engine": full, "engine/deep": half}, FLOORS) == []
    assert below({"engine": lacks_one, "engine/deep": half}, FLOORS) == [
        "engine: 99.99 %, and the floor is 100 %"
    ]


def test_a_package_that_nobody_measured_is_under_its_floor():
    assert below({"engine": Share(covered=1, total=1)}, FLOORS) == [
        "engine/deep: 0.00 %, and the floor is 50 %"
    ]
