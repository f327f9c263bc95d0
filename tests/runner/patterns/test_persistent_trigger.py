"""Workflow pattern 24, persistent trigger: an answer is kept until the run takes it."""

from runner import GraphBuilder
from runner.execution.background import _answer
from runner.library.flow.ask import Ask
from tests.runs import Driven


async def test_an_answer_that_came_while_nobody_drove_the_run_is_taken_later():
    """Engine 6.3."""
    graph = GraphBuilder("ask")
    fields = [{"name": "colour", "type": "str"}]
    ask = graph.add("ask", Ask({"title": "Which?", "kind": "input", "fields": fields}))
    graph.output("answer", ask.answer)

    async with Driven(graph) as driven:
        await driven.until("TaskAwaiting", "ask")
        await driven.stop()
        payload = {"path": "ask", "value": {"colour": "blue"}}
        driven.store.ask(driven.run, "answer", "alice", payload)

        await driven.take_up()
        await driven.until("TaskAwaiting", "ask", times=2)
        (request,) = await driven.store.requests([driven.run])
        _answer(driven.executor, request)
        ran = await driven.end()

    assert ran.outputs == {"answer": {"colour": "blue"}}
