"""Workflow pattern 1, sequence: one task after the other."""

from runner import GraphBuilder, series, task
from tests.runs import run


@task(effect="none")
async def trimmed(text: str) -> str:
    """A text without the space around it."""
    return text.strip()


@task(effect="none")
async def loud(text: str) -> str:
    """A text in capitals."""
    return text.upper()


async def test_a_sequence_is_drawn_with_dataflows():
    """Engine 4.2."""
    graph = GraphBuilder("sequence")
    first = graph.add("first", trimmed, text=graph.input("text", "str"))
    second = graph.add("second", loud, text=first.result)
    graph.output("said", second.result)

    ran = await run(graph, {"text": " hello "})

    assert ran.outputs == {"said": "HELLO"}
    assert ran.place("TaskCompleted", "first") < ran.place("TaskCompleted", "second")


async def test_a_sequence_is_a_series_of_tasks():
    """Engine 2.8."""
    graph = GraphBuilder("sequence")
    both = graph.add("both", series(trimmed, loud), text=" hello ")
    graph.output("said", both.result)

    ran = await run(graph)

    assert ran.outputs == {"said": "HELLO"}
