"""The shipped demos, run for real."""

import pytest

from runner.graph.definition import GraphDefinition
from runner.graph.registry import default_registry
from runner.run.status import RunStatus
from tests.drive import kinds_of, outputs_of
from tests.runner.library.conftest import DEMOS


@pytest.mark.parametrize("path", sorted(DEMOS.glob("*.json")), ids=lambda path: path.stem)
def test_a_demo_has_no_problem_and_its_own_name(path):
    definition = GraphDefinition.from_json(path.read_bytes())

    assert definition.check(default_registry()) == []
    assert definition.name == path.stem
    assert definition.title
    assert definition.help


async def test_the_manual_has_topics(run_task):
    topics = outputs_of(await run_task("demo.python_manual"))["topics"]

    assert "open" in " ".join(topics.values())


async def test_the_manual_answers_a_question(run_demo):
    run = await run_demo("ask-the-python-manual")
    outputs = outputs_of(run)

    assert run.status is RunStatus.COMPLETED
    assert "file" in outputs["answer"]
    assert outputs["words"] == len(outputs["answer"].split())
    assert outputs["answer"].strip() in outputs["report"]


async def test_words_are_counted_while_the_answer_arrives(run_demo):
    run = await run_demo("ask-the-python-manual", question="What is a class?")
    log = [(each.event.kind, getattr(each.event, "path", "")) for each in run.entries]

    assert log.index(("TaskStarted", "words")) < log.index(("TaskCompleted", "answer"))
    assert log.index(("TaskStarted", "report")) > log.index(("TaskCompleted", "answer"))
    assert {"TaskStarted", "TaskCompleted"} <= set(kinds_of(run, "retrieve"))


async def test_a_question_that_nothing_fits_gets_an_honest_answer(run_demo):
    outputs = outputs_of(await run_demo("ask-the-python-manual", question="xyzzy 🙂"))

    assert outputs["answer"] == "The texts say nothing about this."


async def test_some_packages_are_verified(run_demo, tmp_path, monkeypatch):
    observer = tmp_path / "observer.txt"
    monkeypatch.setenv("ANABRANCH_OBSERVER", str(observer))
    run = await run_demo("verify-this-installation", rounds=2, limit=2)
    summary = outputs_of(run)["summary"]

    assert (summary["packages"], summary["rounds"]) == (2, 2)
    assert sorted(observer.read_text().splitlines()) == [
        f"{run.id} verify[{index}]/hash" for index in range(4)
    ]
