"""What a process place and its child say: sizes, faults as data, and nonsense."""

import json

import pytest

from runner.errors import (
    ExpiredCredential,
    Fenced,
    MissingCredential,
    RunnerError,
    StreamFailed,
    Unavailable,
    ValueFault,
)
from runner.execution.process_messages import (
    HEADER,
    LARGEST_BYTES,
    BodyFailed,
    bases_of,
    chunk_text,
    fault_of,
    pack,
    retry_after_of,
    said_of,
    size_of,
    unpack,
)
from runner.graph.ports import Port

TEXTS = Port(name="texts", type=list[str], mode="append")
PLAIN = Port(name="plain", type=int)


def carried(fault):
    """Give a fault as it comes out at the other end."""
    return fault_of(json.loads(json.dumps(said_of(fault, str(fault)))))


def test_a_message_comes_out_as_it_went_in():
    message = {"id": 1, "ask": "push_chunk", "chunk": "\ud800 half a character"}
    packed = pack(message)

    assert size_of(packed[: HEADER.size]) == len(packed) - HEADER.size
    assert unpack(packed[HEADER.size :]) == message


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b"null"])
def test_nonsense_is_one_sentence(body):
    with pytest.raises(RunnerError, match="something that is no message"):
        unpack(body)


def test_a_message_may_be_as_large_as_the_limit_and_no_larger():
    assert size_of(HEADER.pack(LARGEST_BYTES)) == LARGEST_BYTES
    with pytest.raises(RunnerError, match="more than 80 MiB"):
        size_of(HEADER.pack(LARGEST_BYTES + 1))


@pytest.mark.parametrize(
    "fault",
    [
        RunnerError("a sentence"),
        ValueFault("a sentence"),
        StreamFailed("path", "port"),
        Fenced("run-1"),
        MissingCredential("github"),
        ExpiredCredential("github"),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_an_error_of_the_runner_stays_what_it_is(fault):
    """Engine 6.4."""
    found = carried(fault)

    assert type(found) is type(fault)
    assert (str(found), vars(found)) == (str(fault), vars(fault))


@pytest.mark.parametrize("fault", [KeyError("key"), OSError(2, "no such file")])
def test_any_other_error_keeps_its_name_and_message(fault):
    """Engine 6.4."""
    found = carried(fault)

    assert isinstance(found, BodyFailed)
    assert (type(found).__name__, str(found)) == (type(fault).__name__, str(fault))


def test_a_name_in_the_errors_that_is_no_error_is_not_made():
    class Problem(Exception):
        pass

    assert isinstance(carried(Problem("a")), BodyFailed)


class Busy(OSError):
    """What a client raises that is told to come back."""

    def __init__(self, retry_after):
        super().__init__("busy")
        self.retry_after = retry_after


@pytest.mark.parametrize(("asked", "seconds"), [(7, 7.0), (0.5, 0.5), ("soon", None)])
def test_an_error_keeps_what_it_is_derived_from_and_when_to_come_back(asked, seconds):
    """Engine 5.5: Retry-After, from a process as from the loop; nonsense is no time."""
    found = carried(carried(Busy(asked)))

    assert (type(found).__name__, bases_of(found)) == ("Busy", ("OSError",))
    assert retry_after_of(found) == seconds


@pytest.mark.parametrize(
    ("port", "chunk", "text"), [(TEXTS, "a", '"a"'), (PLAIN, "a", '"a"'), (None, [1], "[1]")]
)
def test_a_chunk_is_checked_where_it_is_made(port, chunk, text):
    """Engine 2.3."""
    assert chunk_text(port, chunk) == text


def test_a_chunk_that_does_not_fit_is_refused_where_it_is_made():
    """Engine 2.3."""
    with pytest.raises(ValueFault, match="wants text, not 1"):
        chunk_text(TEXTS, 1)


def test_what_the_other_side_asked_for_is_known_in_the_next_process():
    """Promise P6."""
    fault = carried(Unavailable("busy", 7.5))
    assert isinstance(fault, Unavailable)
    assert (str(fault), retry_after_of(fault)) == ("busy", 7.5)
