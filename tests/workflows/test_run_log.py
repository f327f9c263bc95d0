"""The log of a run: searched as a whole, filtered, paged, harmless (R1, R15)."""

import json

import pytest
from django.utils import timezone

from workflows.models import RunEvent
from workflows.run_log import LINES, LogQuery, as_jsonl, log_page, log_query_of, matching, plain


@pytest.fixture
def logged(run):
    """Write lines as (path, level, text), numbered from 1, for the run."""

    def write(lines):
        now = timezone.now()
        RunEvent.objects.bulk_create(
            [
                RunEvent(
                    run=run,
                    seq=number,
                    at=now,
                    kind="TaskLogged",
                    path=path,
                    payload=json.dumps({"level": level, "message": text}),
                )
                for number, (path, level, text) in enumerate(lines, 1)
            ],
            batch_size=5000,
        )
        return run

    return write


def test_a_hit_in_line_1_of_100_000_is_found(logged):
    """R15."""
    many = (("b", "INFO", f"row {number}") for number in range(99_999))
    run = logged([("a", "INFO", "the Needle"), *many])

    page = log_page(run, LogQuery(words="needle"))

    assert [line.seq for line in page.lines] == [1]
    assert (page.hits, page.total) == (1, 100_000)


def test_a_page_is_the_newest_lines_and_says_how_many_are_before(logged):
    """R1."""
    run = logged([("a", "INFO", str(number)) for number in range(LINES + 1)])

    page = log_page(run, LogQuery())
    first = log_page(run, LogQuery(before=page.lines[0].seq))

    assert (len(page.lines), page.earlier, page.later) == (LINES, 1, 0)
    assert [line.seq for line in first.lines] == [1]
    assert (first.previous, first.later) == ("", LINES)


def test_exactly_a_page_of_lines_has_nothing_before_it(logged):
    page = log_page(logged([("a", "INFO", "x")] * LINES), LogQuery())

    assert (len(page.lines), page.previous) == (LINES, "")


@pytest.mark.parametrize("words", ["", "x"])
def test_a_link_to_a_line_shows_it_with_what_follows(logged, words):
    run = logged([("a", "INFO", "x")] * (3 * LINES))

    page = log_page(run, LogQuery(around=LINES, words=words))

    seqs = [line.seq for line in page.lines]
    assert LINES in seqs
    assert page.later == 3 * LINES - seqs[-1] > 0


def test_a_level_takes_what_is_worse_and_a_task_what_is_inside(logged):
    run = logged(
        [
            ("a", "INFO", "1"),
            ("a[0]/b", "ERROR", "2"),
            ("a/c", "WARNING", "3"),
            ("ab", "ERROR", "4"),
        ]
    )

    assert [line.text for line in matching(run, LogQuery(level="WARNING"))] == ["2", "3", "4"]
    assert [line.text for line in matching(run, LogQuery(task="a"))] == ["1", "2", "3"]
    page = log_page(run, LogQuery(task="a", level="ERROR"))
    assert (page.hits, page.total) == (1, 4)


@pytest.mark.parametrize(
    "text", ["\x1b[31mred\x1b[0m", "\x1b]0;title\x07red", "\x1bcred", "re\x08d", "red\r"]
)
def test_what_only_a_terminal_understands_is_taken_out(text):
    assert plain(text) == "red"


def test_what_cannot_be_meant_is_not_asked():
    asked = log_query_of({"level": ["LOUD"], "before": ["-1"], "line": ["9" * 30], "q": [" a "]})

    assert asked == LogQuery(words="a")


def test_jsonl_gives_back_every_line(logged):
    run = logged([("a", "INFO", "one\ntwo"), ("b", "ERROR", "é")])

    lines = [json.loads(each) for each in as_jsonl(matching(run, LogQuery()))]

    assert [(each["task"], each["text"]) for each in lines] == [("a", "one\ntwo"), ("b", "é")]
