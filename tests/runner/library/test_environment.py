"""What is installed here, and the summary of a verification."""

from runner.library.environment import records
from tests.drive import kinds_of, outputs_of

INTACT = {"name": "a", "round": 1, "files": 2, "bytes": 10, "changed": [], "missing": []}


async def test_every_round_lists_the_same_packages(run_task):
    packages = outputs_of(await run_task("environment.records", rounds=2, limit=3))["packages"]
    first, second = packages[:3], packages[3:]

    assert [each["round"] for each in packages] == [1, 1, 1, 2, 2, 2]
    assert [each["name"] for each in first] == [each["name"] for each in second]
    assert all(each["files"] >= 0 and each["version"] for each in packages)


async def test_no_more_rounds_than_a_map_has_items_for(run_task, monkeypatch):
    monkeypatch.setattr(records, "ITEMS_AT_MOST", 7)
    run = await run_task("environment.records", rounds=5, limit=3)

    assert len(outputs_of(run)["packages"]) == 6
    assert "TaskLogged" in kinds_of(run, "it")


async def test_without_a_limit_all_packages_are_listed(run_task):
    packages = outputs_of(await run_task("environment.records"))["packages"]

    assert "pydantic" in {each["name"] for each in packages}


async def test_the_summary_adds_up(run_task):
    again = INTACT | {"round": 2}
    outputs = outputs_of(await run_task("environment.summary", results=[INTACT, again]))

    assert outputs["summary"] == {
        "packages": 1, "rounds": 2, "files": 4, "bytes": 20, "changed": 0, "missing": 0,
    }  # fmt: skip
    assert "Every file is as it was installed." in outputs["report"]


async def test_the_summary_names_what_is_not_as_installed(run_task):
    broken = INTACT | {"changed": ["a/x.py"], "missing": ["a/y.py"]}
    report = outputs_of(await run_task("environment.summary", results=[broken, broken]))["report"]

    assert report.count("- changed: `a/x.py` of a") == 1
    assert report.count("- missing: `a/y.py` of a") == 1


async def test_a_summary_of_nothing_is_empty(run_task):
    outputs = outputs_of(await run_task("environment.summary", results=[]))

    assert set(outputs["summary"].values()) == {0}
