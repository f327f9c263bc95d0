"""Splitting, keywords, the extractive answer, the counter and the report."""

import pytest

from runner.library.text.answer import NOTHING_FOUND
from runner.run.status import RunStatus
from tests.drive import kinds_of, outputs_of

HIT = {"topic": "files", "text": "Of other things.\nA file is opened by open().", "score": 1.0}


async def test_a_text_is_cut_at_empty_lines_and_between_words(run_task):
    run = await run_task("text.split", topics={"a": "one two\n\nthree four five", "b": ""}, size=10)

    assert outputs_of(run)["passages"] == [
        {"topic": "a", "text": "one two"},
        {"topic": "a", "text": "three"},
        {"topic": "a", "text": " four five"},
    ]


async def test_a_word_longer_than_a_passage_loses_nothing(run_task):
    run = await run_task("text.split", topics={"a": "x" * 25}, size=10)

    assert [len(each["text"]) for each in outputs_of(run)["passages"]] == [10, 10, 5]


async def test_a_passage_size_of_nothing_is_refused(run_task):
    with pytest.raises(ValueError, match="of at least 1, not 0"):
        await run_task("text.split", topics={"a": "x"}, size=0)


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("How do I open a file, and a FILE?", ["open", "file"]),
        ("How do I do it?", ["how", "do", "i", "it"]),
        ("", []),
        ("Öffne 文件 🙂", ["öffne", "文件"]),
    ],
)
async def test_keywords_leave_out_the_words_that_say_little(run_task, question, words):
    assert outputs_of(await run_task("text.keywords", question=question))["keywords"] == words


async def test_a_hit_without_any_keyword_is_quoted_from_its_beginning(run_task):
    run = await run_task("text.answer", {"pace": 0}, question="colours?", hits=[HIT])

    assert outputs_of(run)["text"] == f"From “files”:\n{HIT['text']}"


async def test_the_answer_quotes_from_the_first_line_that_fits(run_task):
    run = await run_task("text.answer", {"pace": 0}, question="open a file?", hits=[HIT])

    assert outputs_of(run)["text"] == "From “files”:\nA file is opened by open()."
    assert "StreamOpened" in kinds_of(run, "it")


async def test_the_answer_is_no_longer_than_asked(run_task):
    config = {"pace": 0, "words": 3}
    run = await run_task("text.answer", config, question="file", hits=[HIT, HIT])

    assert outputs_of(run)["text"] == "From “files”:\nA file is"


async def test_without_hits_the_answer_says_so(run_task):
    run = await run_task("text.answer", {"pace": 0}, question="?", hits=[])

    assert outputs_of(run)["text"] == NOTHING_FOUND


async def test_markup_is_quoted_as_it_is(run_task):
    hit = {"topic": "<b>", "text": "<script>alert('🙂')</script>"}
    run = await run_task("text.answer", {"pace": 0}, question="script", hits=[hit])

    assert "<script>alert('🙂')</script>" in outputs_of(run)["text"]


@pytest.mark.parametrize(("text", "count"), [("one two\n three", 3), ("", 0), ("  ", 0), ("x", 1)])
async def test_words_are_counted(run_task, text, count):
    assert outputs_of(await run_task("text.count_words", text=text))["count"] == count


async def test_the_report_holds_question_answer_and_count(run_task):
    run = await run_task("text.report", question="a\nb", text=" yes ", words=1)

    assert outputs_of(run)["report"] == "# Answer\n\n> a\n> b\n\nyes\n\n1 words\n"
    assert run.status is RunStatus.COMPLETED
