"""Tokens that this process was lent: whatever it says of itself is masked by them.

What a run keeps is masked by the run's own masker, before it is kept. This is for the rest: lines of
the log, and what a task prints.
"""

import sys
from io import TextIOBase
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runner.execution.masking import Masker

#: A process that was lent more than so many forgets them all, and learns those that come anew.
MOST = 1000

_lock = Lock()
_texts: set[str] = set()
_maskers: "list[Masker]" = []


def remember(text: str) -> None:
    """Mask this text from now on in all that the process says."""
    # Loaded here: only a process that drives runs needs it.
    from runner.execution.masking import Masker  # noqa: PLC0415

    with _lock:
        if text in _texts:
            return
        if not _maskers or len(_texts) >= MOST:
            _texts.clear()
            _maskers[:] = [Masker()]
        _texts.add(text)
        _maskers[0].learn(text)


def masked(text: str) -> str:
    """Give a text without the tokens that are known."""
    return _maskers[0].mask(text) if _maskers else text


class MaskedOutput(TextIOBase):
    """A stream of text that lets no known token through; one that is spread over writes passes."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write it without tokens; give how many characters it had."""
        self._stream.write(masked(text))
        return len(text)

    def flush(self) -> None:
        """Flush what is beneath."""
        self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        """Be the stream beneath in everything else."""
        return getattr(self._stream, name)


def guard_output() -> None:
    """Mask what is printed in this process from now on."""
    if not isinstance(sys.stdout, MaskedOutput):
        sys.stdout = MaskedOutput(sys.stdout)
    if not isinstance(sys.stderr, MaskedOutput):
        sys.stderr = MaskedOutput(sys.stderr)
