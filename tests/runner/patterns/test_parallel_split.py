"""Workflow pattern 2, parallel split: several tasks go on with the same value."""

from runner import GraphBuilder, parallel, task
from tests.runs import run


@task(effect="none")
async def words(text: str) -> int:
    """How many words a text has."""
    return len(text.split())


@task(effect="none")
async def letters(text: str) -> int:
    """How many characters a text has."""
    return len(text)


async def test_a_port_feeds_as_many_tasks_as_dataflows_leave_it():
    """Engine 3.1, 5.10."""
    graph = GraphBuilder("split")
    text = graph.input("text", "str")
    graph.output("words", graph.add("words", words, text=text).result)
    graph.output("letters", graph.add("letters", letters, text=text).result)

    ran = await run(graph, {"text": "to be or not"})

    assert ran.outputs == {"words": 4, "letters": 12}


async def test_tasks_side_by_side_are_one_task():
    """Engine 2.8."""
    graph = GraphBuilder("split")
    both = graph.add("both", parallel(words, letters), text="to be or not")
    graph.output("words", both.words_result)
    graph.output("letters", both.letters_result)

    ran = await run(graph)

    assert ran.outputs == {"words": 4, "letters": 12}
