"""A text cut into passages while it grows."""

import asyncio
import textwrap
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner import TaskRunner
from runner.errors import RunFault
from runner.library.text.cut import Cut
from runner.library.text.passages import passages_of
from runner.library.text.split import Split
from tests.runner.library.flowing import cancelled, fed, first_of

LINE = "river " * 30


@given(st.text(alphabet="ab \n", max_size=300), st.integers(1, 40), st.integers(1, 60))
def test_a_text_gives_the_same_words_however_it_comes(text, size, step):
    chunks = textwrap.wrap(text, step, drop_whitespace=False, replace_whitespace=False)
    found = "".join(passages_of(chunks, size))
    assert found.replace(" ", "").replace("\n", "") == text.replace(" ", "").replace("\n", "")
    assert all(len(each) <= size for each in passages_of([text], size))


@given(st.text(alphabet="abc \n", max_size=400), st.integers(4, 60))
def test_passages_that_overlap_are_no_longer_than_others(text, size):
    found = list(passages_of([text], size, size // 2))
    assert all(len(each) <= size for each in found)
    assert "".join(passages_of([text], size)).split() or not found


async def test_a_passage_begins_with_the_end_of_the_one_before():
    text = " ".join(f"word{number}" for number in range(40))
    it = Cut({"topic": "it"})
    found = (await TaskRunner().run(it, {"text": text, "size": 80, "overlap": 20}))["passages"]
    words = [each["text"].split() for each in found]
    assert {each["topic"] for each in found} == {"it"}
    assert len(words) > 4
    assert all(after[0] in before for before, after in pairwise(words))


async def test_the_first_passage_flows_on_while_the_text_still_grows():
    run = fed(Cut(), "text", [LINE, "\n\n", LINE, "\n\n", LINE], "passages", size=200)
    assert await first_of(run, "passages") == {"topic": "", "text": LINE}


async def test_an_overlap_of_more_than_half_is_refused():
    with pytest.raises(RunFault, match="by up to half of their size; lower `overlap`"):
        await TaskRunner().run(Cut, {"text": "a", "size": 10, "overlap": 6})


async def test_a_text_that_never_ends_can_be_left():
    run = fed(Cut(), "text", [LINE], "passages")
    await asyncio.sleep(0)
    assert await cancelled(run) < 1


async def test_texts_by_topic_may_overlap_too():
    given = {"topics": {"a": "one two three", "b": "four"}, "size": 9, "overlap": 4}
    found = (await TaskRunner().run(Split, given))["passages"]
    assert {each["topic"] for each in found} == {"a", "b"}
    assert len(found) > 2
