"""Statuses: what an answer of 400 and above means for the task that asked (pure but for reading it)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from runner.errors import ExpiredCredential, Refused, RunnerError, Unavailable
from runner.outside.answers import Answer

#: An answer of which a later one may say something else.
LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
UNAUTHORISED = 401
FIRST_FAULT = 400
_SHOWN = 500
_READ = 1 << 16


async def refuse_fault(answer: Answer, credential: str, hints: Mapping[int, str]) -> None:
    """Raise what an answer with a status of 400 and above means; `hints` name a fix by status.

    Raises ExpiredCredential when the credential that was sent is not taken, so that the task waits
    for its renewal; Unavailable when a later attempt may help; Refused otherwise.
    """
    if answer.status < FIRST_FAULT:
        return
    if answer.status == UNAUTHORISED and credential:
        raise ExpiredCredential(credential)
    raise fault_of(answer, _shortened(await answer.beginning(_READ)), hints.get(answer.status, ""))


def fault_of(answer: Answer, said: str, hint: str) -> RunnerError:
    """Give the error that an answer's status stands for, in one sentence with what it says."""
    sentence = f"{answer.host} answers {answer.status} {answer.reason}".rstrip()
    sentence = f"{sentence}: {said}" if said else f"{sentence}."
    sentence = f"{sentence} {hint}" if hint else sentence
    if answer.status in LATER:
        return Unavailable(sentence, retry_after(answer.headers.get("retry-after", "")))
    return Refused(sentence)


def retry_after(text: str) -> float | None:
    """Read seconds or a date (RFC 9110, 10.2.3); None for anything else."""
    if text.isdecimal():
        return float(text[:9])
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())


def _shortened(text: str) -> str:
    """Give what the other side says about it, and no more than fits into a sentence."""
    line = " ".join(text.split())
    return f"{line[:_SHOWN]}…" if len(line) > _SHOWN else line
