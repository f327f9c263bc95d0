"""Workflow patterns 9 and 29, discriminator: go on with whoever is first, cancel the others."""

from runner import GraphBuilder, task
from runner.graph.choices import FirstOf
from tests.held_tasks import GATES, Until
from tests.runs import Driven


@task(effect="none")
async def thanks(value: int) -> str:
    """Thank for a number."""
    return f"thanks for {value}"


async def test_what_follows_goes_on_with_the_first_and_the_others_are_cancelled():
    """Engine 8.1."""
    GATES.clear()
    graph = GraphBuilder("race")
    race = FirstOf.of(Until({"gate": "here"}), Until({"gate": "there"}))
    first = graph.add("first", race, value=7)
    graph.output("said", graph.add("thanks", thanks, value=first.result).result)

    async with Driven(graph) as driven:
        await driven.until("TaskStarted", "first/until_2")
        GATES["there"].set()
        ran = await driven.end()

    assert ran.outputs == {"said": "thanks for 7"}
    assert ran.status("first/until") == "cancelled"
    assert [each.decision for each in ran.of("first", "TaskDecided")] == [1]
