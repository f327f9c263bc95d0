"""The picture of the statuses: it is what the tables of moves say."""

from runner.run.moves import MOVES
from runner.run.status import TaskStatus
from tests.state_picture import FRAMES, PAGE, arrows, page_with_picture


def test_the_picture_on_the_page_is_that_of_the_tables():
    """Engine 5.3. `make state-picture` makes it anew."""
    text = PAGE.read_text(encoding="utf-8")

    assert text == page_with_picture(text)


def test_the_arrows_are_the_moves_and_nothing_else():
    """Engine 5.3."""
    drawn = {
        (status, event, target)
        for (source, target), events in arrows().items()
        for status in FRAMES.get(source, {source})
        for event in events
    }
    moves = {
        (status, kind.__name__, target)
        for kind, (legal, target) in MOVES.items()
        for status in legal
        if target not in {None, status}
    }

    assert drawn == moves


def test_no_arrow_leads_from_a_frame_into_itself():
    inside = {
        (frame, target) for frame, target in arrows() if TaskStatus(target) in FRAMES.get(frame, ())
    }

    assert inside == set()
