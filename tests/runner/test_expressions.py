"""Expressions: what people write is evaluated in a sandbox, within limits."""

import asyncio
import subprocess
import sys
from datetime import datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import RunnerError
from runner.execution.expressions import FUNCTIONS, LONGEST, MontyExpressions, check
from runner.graph.artifact import Artifact

SECONDS = 10
VALUES = {"text": "hey", "numbers": [3, 1, 2], "nothing": None, "row": {"price": 1.5}}


@pytest.fixture
async def expressions():
    """Give expressions whose workers end with the test."""
    opened = MontyExpressions()
    yield opened
    await opened.close()


async def evaluate(expressions, source, values=VALUES):
    return await asyncio.wait_for(expressions.evaluate(source, values), SECONDS)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("1 + 1", 2),
        ("  text.upper()\n", "HEY"),
        ("sorted(numbers)[-1] > 2 and 'many' or 'few'", "many"),
        ("{'total': sum(n * row['price'] for n in numbers)}", {"total": 9.0}),
        ("nothing is None", True),
        ("(1, 2)", [1, 2]),
        ("[m := max(numbers), m + 1]", [3, 4]),
        ("list(map(lambda n: n + len(text), numbers))", [6, 4, 5]),
        ("10**30", 10**30),
        (r"'\d'", r"\d"),
    ],
)
async def test_an_expression_gives_a_value(expressions, source, value):
    """Engine 8.3."""
    assert await evaluate(expressions, source) == value


@pytest.mark.parametrize(
    "source",
    [
        "().__class__.__bases__[0].__subclasses__()",
        "text.__class__",
        "'{0.__class__.__init__}'.format(text)",
        "f'{text.__class__}'",
        "(lambda: 0).__globals__",
        "(lambda: 0).__code__",
        "[].__reduce_ex__(2)",
        "len.__self__",
        "format(text, '{0.__class__}')",
        "[t for t in [1] if t.__class__]",
    ],
)
async def test_an_expression_reaches_no_object_behind_a_value(expressions, source):
    """Engine 8.3."""
    with pytest.raises(RunnerError, match="The expression failed"):
        await evaluate(expressions, source)


@pytest.mark.parametrize(
    "source",
    [
        "__import__('os').system('id')",
        "open('/etc/passwd').read()",
        "eval('1')",
        "exec('import os')",
        "globals()",
        "getattr(text, 'upper')",
        "print(text)",
        "__builtins__",
        "type(text)",
        "object()",
        "compile('1', 'x', 'eval')",
        "input()",
    ],
)
async def test_an_expression_calls_nothing_but_plain_functions(expressions, source):
    """Engine 8.3."""
    with pytest.raises(RunnerError, match="The expression uses"):
        await evaluate(expressions, source)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("[0 for a in range(10**9) for b in range(10**9) if b < 0]", "longer than 0.5 s"),
        ("10**3999999 * 10**3999999", "longer than 0.5 s"),
        ("'a' * 10**9", "more than 64 MiB"),
        ("'a'.ljust(10**9)", "more than 64 MiB"),
        ("'a'.zfill(10**9)", "more than 64 MiB"),
        ("'%999999999d' % 1", "more than 64 MiB"),
        ("f'{1:999999999}'", "more than 64 MiB|longer than"),
        ("[0] * 10**9", "more than 64 MiB"),
        ("list(range(10**9))", "more than 64 MiB|longer than"),
        ("9**9**9", "more than 64 MiB"),
        ("[[i for i in range(1000)] for j in range(100000)]", "more than 64 MiB|longer than"),
        ("(lambda f: f(f))(lambda f: f(f))", "calls itself too deeply"),
        ("-" * (LONGEST - 1) + "1", "nested"),
        ("1" + "+1" * 999, "nested"),
        ("int('9' * 5000)", "Exceeds the limit"),
    ],
)
async def test_a_greedy_expression_ends_with_a_sentence(expressions, source, said):
    """Engine 8.3."""
    with pytest.raises(RunnerError, match=said):
        await evaluate(expressions, source)

    assert await evaluate(expressions, "1 + 1") == 2


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("row['cost']", "The expression failed at character 1: KeyError: cost."),
        ("row['timeout']", "failed at character 1: KeyError: timeout."),
        ("1 / 0", "The expression failed at character 1: ZeroDivisionError: division by zero."),
        ("float('nan')", "no usable value. The number nan"),
        ("{1, 2}", "no usable value. A value of type set"),
        ("{1: 2}", "no usable value. The key 1"),
        ("'\\0'", "no usable value. Text with a NUL"),
        ("len", "no usable value. A value of type"),
    ],
)
async def test_a_failure_is_one_sentence(expressions, source, said):
    """Engine 6.4."""
    with pytest.raises(RunnerError) as refused:
        await evaluate(expressions, source)
    assert said in refused.value.sentence
    assert "\n" not in refused.value.sentence


async def test_a_value_that_the_sandbox_does_not_know_is_refused(expressions):
    with pytest.raises(RunnerError, match=r"was given no usable value\. A value of type object"):
        await evaluate(expressions, "text", {"text": object()})


async def test_an_expression_sees_an_id_as_text_and_a_file_as_what_is_known_of_it(expressions):
    """Engine 8.3."""
    file = Artifact(digest="0" * 64, size=7, name="a.txt", media_type="text/plain")
    values = {"id": UUID(int=1), "files": [file]}

    found = await evaluate(expressions, "[id, files[0]['name'], files[0]['size']]", values)

    assert found == ["00000000-0000-0000-0000-000000000001", "a.txt", 7]


async def test_a_date_of_a_port_may_be_compared(expressions):
    assert await evaluate(expressions, "when.year", {"when": datetime(2026, 1, 2)}) == 2026  # noqa: DTZ001


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("", "is empty"),
        ("# nothing", "not an expression"),
        ("x = 1", "not an expression"),
        ("1; 2", "not an expression"),
        ("import os", "not an expression"),
        ("while True: pass", "not an expression"),
        ("yield 1", "not an expression"),
        ("(" * 1000, "too many nested parentheses"),
        ("\0", "not an expression"),
        ("\ud800", "not an expression"),
        ("'a' * 10", None),
        ("'" + "x" * LONGEST + "'", "at most 2,000 characters; this one has 2,002"),
        ("text + other", "uses 'other'; it may use numbers, text and functions such as len"),
        ("[n for n in numbers if n > limit]", "uses 'limit'"),
        ("(lambda n: n + m)(1)", "uses 'm'"),
        ("[n for n in numbers] + [n]", "uses 'n'"),
    ],
)
def test_an_expression_is_checked_without_evaluating_it(source, said):
    """Engine 8.3, 3.1."""
    found = check(source, ["text", "numbers"])

    assert found is None if said is None else said in str(found)


def test_an_expression_over_no_values_says_so():
    assert "it may use no values and functions" in str(MontyExpressions().check("x", ()))


@given(st.text(max_size=60) | st.text("()[]{}'\"\\:=,.+-*lambdfori \n1_x", max_size=200))
def test_whatever_is_written_the_check_answers(source):
    found = check(source, ["x"])

    assert found is None or found.endswith(".")


async def test_every_offered_function_exists(expressions):
    found = await evaluate(expressions, f"[repr(f) for f in [{', '.join(sorted(FUNCTIONS))}]]")

    assert len(found) == len(FUNCTIONS)


async def test_a_busy_expression_leaves_the_loop_free(expressions):
    busy = asyncio.create_task(evaluate(expressions, "[0 for a in range(10**9) if a < 0]"))
    turns = 0
    while not busy.done():
        await asyncio.sleep(0)
        turns += 1

    assert turns > 100
    assert isinstance(busy.exception(), RunnerError)


async def test_a_cancelled_expression_lets_the_next_one_go(expressions):
    """Engine 5.8."""
    busy = asyncio.create_task(expressions.evaluate("[0 for a in range(10**9) if a < 0]", {}))
    await evaluate(expressions, "1")
    busy.cancel()
    with pytest.raises(asyncio.CancelledError):
        await busy

    assert await asyncio.gather(*(evaluate(expressions, "1 + 1") for _ in range(4))) == [2] * 4


def test_the_sandbox_is_loaded_at_the_first_use():
    code = "import sys, runner.execution.expressions; sys.exit('pydantic_monty' in sys.modules)"

    assert (
        subprocess.run([sys.executable, "-c", code], timeout=SECONDS, check=False).returncode == 0
    )
