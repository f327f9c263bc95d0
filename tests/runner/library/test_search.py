"""Ranking passages."""

from tests.drive import outputs_of

PASSAGES = [
    {"topic": "sleep", "text": "Nothing to find here."},
    {"topic": "files", "text": "Open a file, then read the file line by line."},
    {"topic": "lines", "text": "A line of text, and a great deal of other text around it."},
]


async def test_the_passage_that_shares_most_words_comes_first(run_task):
    run = await run_task("search.rank", passages=PASSAGES, keywords=["files", "line"])
    hits = outputs_of(run)["hits"]

    assert [each["topic"] for each in hits] == ["files", "lines"]
    assert hits[0]["score"] > hits[1]["score"]


async def test_no_more_hits_than_asked_for(run_task):
    run = await run_task("search.rank", passages=PASSAGES, keywords=["line"], limit=1)

    assert len(outputs_of(run)["hits"]) == 1


async def test_words_of_the_query_language_are_only_words(run_task):
    run = await run_task("search.rank", passages=PASSAGES, keywords=["AND", 'a"b', "*", "NEAR("])

    assert [each["topic"] for each in outputs_of(run)["hits"]] == ["lines"]


async def test_without_keywords_there_is_nothing_to_find(run_task):
    assert outputs_of(await run_task("search.rank", passages=PASSAGES, keywords=[]))["hits"] == []
