"""Masker: keeps the texts of handed-out secrets out of whatever a run says.

It finds a secret as it is, and escaped for JSON or HTML, percent-encoded, in hex and in base64
at each of the three alignments. It cannot find secrets of fewer than 6 characters, what a task
made of a secret by other means, or one that is spread over several values.
"""

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any
from urllib.parse import quote, quote_plus

from pydantic_core import from_json

from runner.graph.port_types import bare
from runner.graph.ports import Port
from runner.graph.values import decode, dump, encode

MASK = "•••"
SHORTEST = 6
# Where a search for a secret's beginning may start; every form has at least SHORTEST characters.
_OPENING = 3


class Masker:
    """Knows the texts of all secrets that one run's tasks were given."""

    def __init__(self) -> None:
        self.finder: _Finder | None = None
        self.byte_finder: _Finder | None = None
        self._texts: set[str] = set()
        self._are_plain = True

    def learn(self, text: str) -> None:
        """Mask this text, of at least 6 characters, from now on."""
        if len(text) < SHORTEST or text in self._texts:
            return
        self._texts.add(text)
        self._are_plain = self._are_plain and _in_ascii_json(text) == text
        forms = {form for each in self._texts for form in _forms(each)}
        self.finder = _Finder(forms, MASK)
        self.byte_finder = _Finder(map(_as_latin, forms), _as_latin(MASK))

    def mask(self, text: str) -> str:
        """Mask a text: a message, a trace, a log line. Mask before cutting to a length."""
        return text if self.finder is None else self.finder.replace(text)

    def mask_json(self, text: str) -> str:
        """Mask an encoded value; the result is an encoded value again.

        A number, date or UUID that shows a secret becomes the mask, so it may no longer fit its
        port: decode what changed, to refuse it at once.
        """
        finder = self.finder
        if finder is None:
            return text
        if self._are_plain and '{"$bytes"' not in text and not finder.finds(text):
            return text
        value = from_json(text)
        masked = self._masked(value)
        return text if masked == value else dump(masked)

    def _masked(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.mask(value)
        if isinstance(value, list):
            return [self._masked(item) for item in value]
        if isinstance(value, dict):
            return self._masked_dict(value)
        shown = json.dumps(value)
        return value if self.mask(shown) == shown else MASK

    def _masked_dict(self, value: dict[str, Any]) -> Any:
        if len(value) == 1:
            ((key, content),) = value.items()
            if key == "$bytes" and self.byte_finder is not None:
                found = self.byte_finder.replace(base64.b64decode(content).decode("latin-1"))
                return {key: base64.b64encode(found.encode("latin-1")).decode()}
            if key == "$dict":
                return {key: self._masked_items(content)}
            if key.startswith("$"):
                return value if self.mask(content) == content else MASK
        return self._masked_items(value)

    def _masked_items(self, value: dict[str, Any]) -> dict[str, Any]:
        return {self.mask(key): self._masked(item) for key, item in value.items()}


class ChunkMasker:
    """Masks the chunks that one attempt pushes to one port, also across chunks.

    On a port whose text or bytes grow it holds back a tail that may be the beginning of a secret.
    The items of a growing list, and whole values that replace one another, are masked one by one.
    """

    def __init__(self, masker: Masker, port: Port) -> None:
        self._masker = masker
        self._kind = bare(port.type) if port.mode == "append" else None
        self._text = _Tail()
        self._bytes = _Tail()

    def push(self, chunk: str) -> list[str]:
        """Take an encoded chunk; give the encoded chunks that may pass now: often itself."""
        finder = self._masker.finder
        if finder is None:
            return [chunk]
        if self._kind is bytes and self._masker.byte_finder is not None:
            fresh = decode(chunk).decode("latin-1")
            return _as_bytes(self._bytes.take(fresh, self._masker.byte_finder))
        if self._grows_as_text(chunk):
            return [chunk] if chunk == '""' else _as_text(self._text.take(decode(chunk), finder))
        return [*self.flush(), self._masker.mask_json(chunk)]

    def flush(self) -> list[str]:
        """Give what is held back: at the close, or where a saved state cuts the stream.

        It is remembered: if a secret does go on after it, the rest of it is masked.
        """
        finder, byte_finder = self._masker.finder, self._masker.byte_finder
        if finder is None or byte_finder is None:
            return []
        return _as_text(self._text.rest(finder)) + _as_bytes(self._bytes.rest(byte_finder))

    def _grows_as_text(self, chunk: str) -> bool:
        return self._kind is str or (self._kind is Any and chunk.startswith('"'))


class _Tail:
    """The end of a text that may be the beginning of a secret; some of it may be out already."""

    __slots__ = ("_out", "_text")

    def __init__(self) -> None:
        self._text = ""
        self._out = 0

    def take(self, fresh: str, finder: "_Finder") -> str:
        """Add to the end; give what can be part of no secret, and masks for those that ended."""
        text = self._text + fresh
        said, held = self._said(text, finder.opening(text, 0), finder)
        self._text, self._out = text[held:], max(0, self._out - held)
        return said

    def rest(self, finder: "_Finder") -> str:
        """Give what is held back, and hold on to it only as what came before."""
        said, _ = self._said(self._text, len(self._text), finder)
        if finder.finds(self._text):
            self._text = ""
        self._out = len(self._text)
        return said

    def _said(self, text: str, held: int, finder: "_Finder") -> tuple[str, int]:
        """Give the masked text up to `held`, and where to hold back from instead.

        A secret that begins before `held` is decided, whatever follows: no longer one begins there.
        """
        said: list[str] = []
        start = 0
        for begin, end in finder.spans(text):
            if begin >= held:
                break
            said += text[max(start, self._out) : begin], finder.mask
            start = end
            if held < end:
                held = finder.opening(text, end)
        said.append(text[max(start, self._out) : held])
        return "".join(said), held


class _Finder:
    """Finds the forms of all known secrets in a text: leftmost first, longest first."""

    __slots__ = ("_forms", "_longest", "_openings", "_pattern", "mask")

    def __init__(self, forms: Iterable[str], mask: str) -> None:
        self.mask = mask
        self._forms = sorted(set(forms), key=lambda form: (-len(form), form))
        self._longest = len(self._forms[0])
        self._pattern = re.compile("|".join(map(re.escape, self._forms)))
        openings = "|".join(sorted({re.escape(form[:_OPENING]) for form in self._forms}))
        self._openings = re.compile(f"(?={openings})")

    def finds(self, text: str) -> bool:
        """Whether any form of a secret is in the text."""
        return self._pattern.search(text) is not None

    def replace(self, text: str) -> str:
        """Put the mask in place of each secret."""
        return self._pattern.sub(lambda _: self.mask, text)

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Give where secrets begin and end."""
        return (found.span() for found in self._pattern.finditer(text))

    def opening(self, text: str, start: int) -> int:
        """Give where the longest end of the text begins that could grow into a secret.

        Nothing before `start` counts. The result is the text's length if there is no such end.
        """
        size = len(text)
        first = max(start, size - self._longest + 1)
        likely = [found.start() for found in self._openings.finditer(text, first)]
        near = range(max(first, size - _OPENING + 1), size)
        for index in chain(likely, near):
            end = text[index:]
            if any(len(form) > len(end) and form.startswith(end) for form in self._forms):
                return index
        return size


def _forms(text: str) -> set[str]:
    """Give the ways in which a secret is likely to be written."""
    raw = text.encode()
    percent = {quote(text, safe=""), quote(text), quote_plus(text)}
    return {
        text,
        _in_ascii_json(text),
        dump(text)[1:-1],
        *percent,
        *(re.sub("%..", lambda found: found[0].lower(), each) for each in percent),
        html.escape(text),
        html.escape(text, quote=False),
        raw.hex(),
        raw.hex().upper(),
        *_in_base64(raw, b"+/"),
        *_in_base64(raw, b"-_"),
    }


def _in_ascii_json(text: str) -> str:
    return json.dumps(text)[1:-1]


def _in_base64(raw: bytes, signs: bytes) -> Iterator[str]:
    """Give the characters that depend on the secret alone, after 0, 1 and 2 other bytes."""
    for before in range(3):
        written = base64.b64encode(bytes(before) + raw, altchars=signs).decode()
        size = (before + len(raw)) * 8
        yield written[-(-before * 8 // 6) : size // 6]


def _as_latin(text: str) -> str:
    return text.encode().decode("latin-1")


def _as_text(text: str) -> list[str]:
    return [dump(text)] if text else []


def _as_bytes(latin: str) -> list[str]:
    return [encode(latin.encode("latin-1"))] if latin else []
