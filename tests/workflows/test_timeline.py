"""The timeline: segments from events, and what streaming saved at most."""

from datetime import UTC, datetime, timedelta

import pytest

from workflows.outline import outline_of
from workflows.timeline import Moment, saved_by_streaming, tracks_of
from workflows.tree import Asked

START = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def _at(seconds):
    return START + timedelta(seconds=seconds)


def _tracks(*moments, now=100):
    return tracks_of([Moment(_at(at), kind, path) for at, kind, path in moments], _at(now))


def _bars(track):
    return [
        (each.state, (each.start - START).seconds, (each.end - START).seconds, each.attempt)
        for each in track.segments
    ]


def test_a_task_is_queued_works_streams_and_ends():
    tracks = _tracks(
        (0, "TaskQueued", "a"),
        (2, "TaskStarted", "a"),
        (3, "StreamOpened", "a"),
        (4, "StreamOpened", "a"),
        (9, "TaskCompleted", "a"),
    )

    assert _bars(tracks["a"]) == [("queued", 0, 2, 0), ("running", 2, 3, 1), ("streaming", 3, 9, 1)]
    assert tracks["a"].first_chunks == [_at(3)]


def test_each_attempt_begins_anew_and_what_goes_on_ends_now():
    tracks = _tracks(
        (0, "TaskStarted", "a"), (1, "TaskRetrying", "a"), (5, "TaskStarted", "a"), now=7
    )

    assert _bars(tracks["a"]) == [("running", 0, 1, 1), ("retrying", 1, 5, 1), ("running", 5, 7, 2)]


def test_a_run_that_was_interrupted_draws_nothing_until_it_goes_on():
    tracks = _tracks(
        (0, "TaskStarted", "a"), (2, "RunInterrupted", ""), (8, "TaskStarted", "a"), now=9
    )

    assert _bars(tracks["a"]) == [("running", 0, 2, 1), ("running", 8, 9, 2)]


def test_an_answer_goes_on_with_the_stream():
    tracks = _tracks(
        (0, "TaskStarted", "a"),
        (1, "StreamOpened", "a"),
        (2, "TaskAwaiting", "a"),
        (4, "TaskAnswered", "a"),
        (5, "TaskCompleted", "a"),
    )

    assert [bar[0] for bar in _bars(tracks["a"])] == [
        "running",
        "streaming",
        "awaiting",
        "streaming",
    ]


CHAIN = (
    '{"tasks": [{"id": "c", "type": "t"}, {"id": "a", "type": "t"}, {"id": "b", "type": "t"}],'
    ' "dataflows": [{"from": "a.x", "to": "b.x"}, {"from": "b.x", "to": "c.x"}]}'
)


def _ran(path, start, end, *, streams=True):
    moments = [(start, "TaskStarted", path), (end, "TaskCompleted", path)]
    return [moments[0], (start, "StreamOpened", path), moments[1]] if streams else moments


@pytest.mark.parametrize(
    ("moments", "saved"),
    [
        ([*_ran("a", 0, 10), *_ran("b", 1, 11), *_ran("c", 2, 12)], 18),
        ([*_ran("a", 0, 10), *_ran("b", 10, 20), *_ran("c", 20, 30)], 0),
        ([*_ran("a", 0, 10), *_ran("b", 4, 11), *_ran("c", 14, 20)], 3),
        ([*_ran("a", 0, 10, streams=False), *_ran("b", 4, 14)], 0),
        ([], 0),
    ],
)
def test_saved_is_how_much_later_the_last_end_had_been(moments, saved):
    tracks = _tracks(*moments)

    assert saved_by_streaming(outline_of(CHAIN).level, tracks, _at(100)) == timedelta(seconds=saved)


def test_folding_and_pages_stay_in_the_timeline():
    assert Asked(view="timeline", page=2).address() == "?view=timeline&page=2"
