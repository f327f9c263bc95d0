"""States, sizes and times in templates."""

from datetime import datetime
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from workflows import inspector_tabs
from workflows.markdown import rendered
from workflows.reading import said
from workflows.rows import Row, look_of
from workflows.wording import said_ago, said_size, said_span

register = template.Library()

#: The picture of a run in the tab of a browser, by status; each is `static/favicon-<name>.svg`.
TAB_ICONS = {
    "pending": "moving",
    "queued": "moving",
    "running": "moving",
    "streaming": "moving",
    "retrying": "moving",
    "cancelling": "moving",
    "awaiting": "waiting",
    "paused": "waiting",
    "interrupted": "failed",
    "failed": "failed",
    "upstream-failed": "failed",
    "quarantined": "failed",
    "completed": "done",
    "cached": "done",
    "cancelled": "stopped",
    "skipped": "stopped",
}


@register.simple_tag
def icon(status: str) -> SafeString:
    """Draw a status as its icon; a word must stand beside it."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="#{}" /></svg>', look_of(status).icon
    )


@register.simple_tag
def chip(status: str) -> SafeString:
    """Draw a status as icon and word."""
    return format_html(
        '<span class="chip" data-status="{}">{}{}</span>',
        status,
        icon(status),
        look_of(status).word,
    )


@register.filter
def word(status: str) -> str:
    """Say a status."""
    return look_of(status).word


@register.filter
def glyph(status: str) -> str:
    """Say a status in one sign, for the tab of a browser."""
    return look_of(status).glyph


@register.simple_tag
def tab_icon(status: str) -> str:
    """Give the address of what the tab of a browser shows of a run's status."""
    return static(f"favicon-{TAB_ICONS[status]}.svg")


@register.filter
def size(number: int) -> str:
    """Say a number of bytes."""
    return said_size(number)


@register.filter
def ago(moment: datetime) -> str:
    """Say how long ago something was."""
    return said_ago(moment, timezone.now())


@register.simple_tag
def span(start: datetime | None, end: datetime | None) -> str:
    """Say the time from start to end, or until now."""
    return said_span(start, end, timezone.now())


@register.filter
def written(value: Any) -> str:
    """Write a value for reading: text as it is, anything else as JSON."""
    return said(value)


@register.filter
def markdown(text: str) -> SafeString:
    """Render a text that is Markdown, whoever wrote it."""
    return rendered(text)


@register.filter
def tab_of(row: Row) -> str:
    """Name the tab of the inspector that matters where a task stands."""
    return inspector_tabs.tab_of(row)


@register.filter
def level_of(path: str) -> str:
    """Name the level that a task's path lies in."""
    return path.rpartition("/")[0]


@register.filter
def last_of(path: str) -> str:
    """Name a task within its level."""
    return path.rpartition("/")[2]
