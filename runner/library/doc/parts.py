"""What a document is read as: parts, one after the other, and what is known of the whole."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from runner.errors import RunnerError


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A page, a row or an item: its text, and the values that it has."""

    text: str = ""
    items: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Parts that are read as they are asked for; `meta` is complete after the last one."""

    parts: Iterator[Part]
    meta: dict[str, Any] = field(default_factory=dict)


def text_in(content: bytes) -> str:
    """Read UTF-8, with a mark at the beginning or without; raises RunnerError."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RunnerError(
            "This document is no text in UTF-8; save it in UTF-8, or set what kind it is."
        ) from None


def missing(what: str, package: str) -> RunnerError:
    """Say which package reads such documents."""
    return RunnerError(
        f"Reading {what} needs the package {package}, which is not installed here; install it, or "
        "bring the document in another form."
    )
