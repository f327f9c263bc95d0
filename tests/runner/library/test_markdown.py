"""Markdown as HTML."""

import asyncio
import sys

import pytest

from runner.errors import RunnerError
from runner.library.text import markdown
from runner.library.text.markdown import Markdown, as_html
from tests.drive import outputs_of
from tests.runner.library.flowing import cancelled, fed, first_of

HARMFUL = [
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "![x](http://tracker.example/a.png)",
    '<a href="x" onclick="alert(1)">x</a>',
    "[x](data:text/html,<b>)",
]


async def test_markdown_with_a_table_becomes_html(run_task):
    text = "# Rivers\n\n| a | b |\n|---|---|\n| 1 | ~~2~~ |\n"
    html = outputs_of(await run_task("text.markdown", text=text))["html"]
    assert "<h1>Rivers</h1>" in html
    assert "<td><s>2</s></td>" in html


@pytest.mark.parametrize("text", HARMFUL)
def test_nothing_in_it_can_run_or_load(text):
    html = as_html(text)
    for harm in ("<script", "<img", 'href="javascript', 'href="data', '<a href="x" on'):
        assert harm not in html


async def test_what_has_come_is_shown_before_the_rest():
    assert await first_of(fed(Markdown(), "text", ["# A", "b"], "html"), "html") == "<h1>A</h1>\n"


async def test_the_last_page_has_everything(monkeypatch):
    monkeypatch.setattr(markdown, "PAUSE_SECONDS", 60)
    gate = asyncio.Event()
    gate.set()
    run = fed(Markdown(), "text", ["# A", "b\n", "\n- c\n"], "html", gate=gate)
    assert await run.outputs() == {"html": "<h1>Ab</h1>\n<ul>\n<li>c</li>\n</ul>\n"}


async def test_nothing_is_an_empty_page(run_task):
    assert outputs_of(await run_task("text.markdown", text="")) == {"html": ""}


async def test_too_much_is_refused_with_what_to_do(run_task):
    run = await run_task("text.markdown", {"longest": 5}, text="123456")
    assert "more than 5 characters; shorten it, or raise" in run.entries[-1].event.error.message


async def test_a_text_that_never_ends_can_be_left():
    run = fed(Markdown(), "text", ["# A"], "html")
    await asyncio.sleep(0)
    assert await cancelled(run) < 1


def test_where_a_package_is_missing_it_says_so(monkeypatch):
    markdown._renderer.cache_clear()
    monkeypatch.setitem(sys.modules, "nh3", None)
    with pytest.raises(RunnerError, match="needs the packages markdown-it-py and nh3"):
        as_html("# A")
