"""Templates: nothing inline, every state has its look, every button a name."""

import re
from pathlib import Path

import pytest

from runner.run.status import LOOKS
from workflows.rows import Row, counted, look_of, status_of_group
from workflows.templatetags.said import TAB_ICONS
from workflows.wording import said_ago, said_duration, said_size

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
CSS = (ROOT / "static" / "states.css").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_template_brings_no_script_and_no_style_of_its_own(path):
    text = path.read_text(encoding="utf-8")

    assert not re.search(r"\sstyle=|<style|\son[a-z]+=|hx-on|js:|\|safe|autoescape off", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)


@pytest.mark.parametrize("status", LOOKS)
def test_every_state_has_a_colour_and_an_icon(status):
    icons = (ROOT / "templates" / "_icons.html").read_text(encoding="utf-8")

    assert f'[data-status="{status}"]' in CSS
    assert f'id="{LOOKS[status].icon}"' in icons


def test_an_unknown_state_is_shown_as_such():
    assert look_of("new-in-a-later-version").word == "unknown"


@pytest.mark.parametrize(
    ("counts", "total", "status"),
    [
        ({}, 3, "pending"),
        ({"completed": 1}, 3, "running"),
        ({"completed": 3}, 3, "completed"),
        ({"completed": 2, "failed": 1}, 3, "failed"),
        ({"running": 1, "failed": 1}, 3, "running"),
        ({"completed": 1, "cancelled": 2}, 3, "cancelled"),
    ],
)
def test_a_group_stands_where_its_tasks_stand(counts, total, status):
    assert status_of_group(counts, total=total) == status


def test_failures_are_counted_first():
    assert [each.status for each in counted({"completed": 2, "failed": 1, "pending": 0})] == [
        "failed",
        "completed",
    ]


def test_a_row_says_all_it_knows_in_one_phrase():
    row = Row(path="a", title="Summarise", status="running", fraction=0.4)

    assert row.spoken == "Summarise, running, 40 %"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0123, "12 ms"), (1.25, "1.2 s"), (59, "59 s"), (61, "1 min 01 s"), (3661, "1 h 01 min")],
)
def test_a_duration_is_said(seconds, words):
    assert said_duration(seconds) == words


@pytest.mark.parametrize(
    ("size", "words"), [(7, "7 B"), (1500, "1.5 kB"), (70_000, "70 kB"), (2_500_000, "2.5 MB")]
)
def test_a_size_is_said(size, words):
    assert said_size(size) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1, "just now"), (30, "30 s ago"), (120, "2 min ago"), (7200, "2 h ago"), (90_000, "03 May")],
)
def test_how_long_ago_is_said(seconds, words):
    from datetime import UTC, datetime, timedelta

    now = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)

    assert said_ago(now - timedelta(seconds=seconds), now).startswith(words)


def test_the_tab_of_a_browser_has_an_icon_for_every_state():
    """Also for those of one task, which a guest may be shown alone."""
    assert LOOKS.keys() == TAB_ICONS.keys()
