"""What one expression may take is what the host says: time, memory, and how long it may start."""

import pytest

from runner.errors import ExpressionError
from runner.execution.expressions import ExpressionLimits, MontyExpressions
from runner.execution.host import Host
from runner.graph.building import GraphBuilder
from runner.graph.expression import expression
from tests.runs import run
from tests.tasks import Number

FOREVER = "[0 for a in range(10**9) for b in range(10**9) if b < 0]"
LARGE = "len('a' * 3_000_000)"


async def refused_by(limits: ExpressionLimits, source: str) -> str:
    """Evaluate an expression beyond a limit; give the sentence, and see that the next one works."""
    expressions = MontyExpressions(limits, workers=1)
    try:
        with pytest.raises(ExpressionError) as refusal:
            await expressions.evaluate(source, {})
        assert await expressions.evaluate("1 + 1", {}) == 2
    finally:
        await expressions.close()
    return str(refusal.value)


@pytest.mark.parametrize("seconds", [0.05, 0.2])
async def test_an_expression_has_the_time_that_the_limit_gives(seconds):
    """Engine 8.3."""
    said = await refused_by(ExpressionLimits(seconds=seconds), FOREVER)
    assert said == f"The expression takes longer than {seconds:g} s."


async def test_an_expression_has_the_memory_that_the_limit_gives():
    """Engine 8.3."""
    said = await refused_by(ExpressionLimits(memory_bytes=2 << 20), LARGE)
    assert said == "The expression needs more than 2 MiB of memory."
    more = MontyExpressions(ExpressionLimits(memory_bytes=8 << 20), workers=1)
    assert await more.evaluate(LARGE, {}) == 3_000_000
    await more.close()


async def test_an_expression_that_finds_no_worker_in_time_says_so():
    """Engine 8.3."""
    few = MontyExpressions(workers=1, wait=0.05)
    pool = await few._pool.open()
    async with pool.checkout():
        # As after a cancel, when the worker has not been replaced yet.
        with pytest.raises(ExpressionError, match=r"No worker for expressions came in 0\.05 s\."):
            await few.evaluate("1 + 1", {})
    assert await few.evaluate("1 + 1", {}) == 2
    await few.close()


@pytest.mark.parametrize(
    ("limits", "source", "said"),
    [
        (ExpressionLimits(seconds=0.05), FOREVER, "takes longer than 0.05 s"),
        (ExpressionLimits(memory_bytes=2 << 20), LARGE, "needs more than 2 MiB of memory"),
    ],
)
async def test_beyond_a_limit_the_task_fails_and_the_run_says_why(limits, source, said):
    """Engine 8.3, 5.5: it is not tried again."""
    expressions = MontyExpressions(limits, workers=1)
    graph = GraphBuilder("beyond")
    policy = {"retry": {"attempts": 3, "delay": 0.0}}
    graph.add("one", Number, value=expression(source), policy=policy)
    ran = await run(graph, host=Host(expressions=expressions))
    await expressions.close()
    (failed,) = ran.of("one", "TaskFailed")
    assert failed.error.type == "ExpressionError"
    assert said in failed.error.message
    assert not ran.of("one", "TaskRetrying")
