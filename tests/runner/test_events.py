"""Events as JSON, and back."""

import json
from dataclasses import replace

import pytest

from runner.run import events
from runner.run.events import Event, TaskError, event_from_json

ERROR = TaskError(type="ValueError", message="no", trace="a line", task="one", attempt=2)
VALUES = {
    "epoch": 3,
    "seconds": 42.5,
    "types": {"text.split": "1@0123456789abcdef"},
    "changes": ["text.split is version 2 now, not 1."],
    "reason": "the server stopped",
    "actor": "alice",
    "outputs": {"result": '{"a":[1]}'},
    "error": ERROR,
    "path": "each[3]/one",
    "attempt": 2,
    "fraction": 0.25,
    "message": "<b>half</b> 🙂",
    "level": "INFO",
    "port": "numbers",
    "first": 0,
    "last": 9,
    "bytes": 40,
    "chunks": 10,
    "source": "one",
    "target": "two",
    "into": "values",
    "turn": 1,
    "name": "until",
    "value": {"at": 1},
    "decision": ["yes"],
    "handled": True,
    "failed": True,
    "detail": {"title": "Which one?"},
    "until": "2026-11-24T08:00:00+00:00",
    "delay": 1.5,
    "by": "around",
    "not_taken": ["no"],
    "reopened": True,
    "status": "paused",
    "streams": {"numbers": 10},
    "culprit": "zero",
}
KINDS = [
    each
    for each in vars(events).values()
    if isinstance(each, type) and issubclass(each, Event) and each is not Event
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_an_event_is_read_back_as_it_was_kept(kind):
    event = kind(**{name: VALUES[name] for name in kind.names})

    assert event_from_json(event.kind, json.loads(json.dumps(event.to_json()))) == event


def test_a_kind_is_the_name_of_its_class():
    assert {kind.kind for kind in KINDS} == {kind.__name__ for kind in KINDS}


def test_an_unknown_kind_is_refused():
    with pytest.raises(KeyError):
        event_from_json("TaskTeleported", {})


def test_an_error_is_read_back_from_a_log_that_knows_more_fields():
    assert TaskError.from_json(ERROR.to_json() | {"colour": "red"}) == ERROR


def test_what_a_failure_is_derived_from_is_said_if_anything_is():
    """Engine 6.4."""
    derived = replace(ERROR, bases=("ConnectionError", "OSError"))
    assert TaskError.from_json(json.loads(json.dumps(derived.to_json()))) == derived
    assert "bases" not in ERROR.to_json()
