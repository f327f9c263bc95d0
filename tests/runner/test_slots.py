"""Slots: who may work at once, who waits, and that no limit waits for itself."""

import sys
from collections.abc import Callable

import pytest

from runner.errors import RunnerError
from runner.execution.slots import Slots, Ticket

ONE = ("group:ollama",)


class Line:
    """Slots, and the order in which those who waited were told."""

    def __init__(self, **limits: int) -> None:
        self.slots = Slots({name.replace("_", ":"): most for name, most in limits.items()})
        self.told: list[str] = []

    def acquire(self, who: str, *names: str) -> Ticket:
        return self.slots.acquire(names or ONE, lambda: self.told.append(who))


def test_a_limit_holds_back_whom_it_has_no_room_for():
    """Engine 5.7."""
    line = Line(group_ollama=2)

    tickets = [line.acquire(who) for who in "abc"]

    assert [each.held for each in tickets] == [True, True, False]


def test_of_those_who_wait_for_different_limits_the_earliest_starts_first():
    """Engine 5.7."""
    line = Line(group_a=1, group_b=1)
    both = line.acquire("both", "group:a", "group:b")
    line.acquire("second", "group:b")
    line.acquire("third", "group:a")

    both.release()

    assert line.told == ["second", "third"]


def test_a_returned_slot_goes_to_the_one_who_came_first():
    """Engine 5.7."""
    line = Line(group_ollama=1)
    first, second, third = (line.acquire(who) for who in "abc")

    first.release()

    assert line.told == ["b"]
    assert second.held
    assert not third.held


def test_a_name_without_a_limit_holds_nobody_back():
    """Engine 5.7."""
    line = Line(group_ollama=1)

    assert all(line.acquire(who, "group:other").held for who in "abc")
    assert line.slots.limited(("group:other", "group:ollama")) == ONE


def test_all_limits_of_a_task_are_taken_at_once_or_none():
    """Engine 5.7."""
    line = Line(process=2, group_ollama=1)
    holder = line.acquire("a")
    both = line.acquire("b", "process", "group:ollama")

    assert not both.held
    assert line.slots.held("process") == 0
    holder.release()
    assert both.held
    assert (line.slots.held("process"), line.slots.held("group:ollama")) == (1, 1)


def test_a_task_that_could_start_does_not_wait_behind_one_that_could_not():
    """Engine 5.7."""
    line = Line(process=2, group_ollama=1)
    line.acquire("a", "process", "group:ollama")
    line.acquire("b", "process", "group:ollama")

    assert line.acquire("c", "process").held


def test_lines_are_served_in_the_order_of_their_first():
    """Engine 5.7."""
    line = Line(process=1, group_a=1, group_b=1)
    holder = line.acquire("holder", "process")
    tickets = {
        who: line.acquire(who, "process", group)
        for who, group in (("1", "group:b"), ("2", "group:a"), ("3", "group:a"), ("4", "group:b"))
    }

    holder.release()
    for who in "1234":
        tickets[who].release()

    assert line.told == ["1", "2", "3", "4"]


def test_it_says_in_words_what_it_waits_for():
    """Engine 5.2: a queued task says why."""
    line = Line(group_ollama=2, process=1, run_7=1)
    held = [line.acquire("a"), line.acquire("b")]

    assert line.acquire("c").why == "2 of 2 for group ollama are taken"
    assert held[0].why == ""
    line.acquire("d", "process")
    assert line.acquire("e", "process").why == "1 of 1 for this server is taken"
    line.acquire("f", "run:7")
    assert line.acquire("g", "run:7").why == "1 of 1 for this run is taken"


def test_the_next_starts_when_all_holders_wait_inside_the_engine():
    """Engine 4.5: the valve."""
    line = Line(group_ollama=2)
    first, second, third, fourth = (line.acquire(who) for who in "abcd")

    first.waits()
    assert not third.held
    second.waits()

    assert third.held
    assert not fourth.held
    third.waits()
    assert fourth.held


def test_who_comes_while_all_holders_wait_starts_at_once():
    """Engine 4.5."""
    line = Line(group_ollama=1)
    line.acquire("a").waits()

    assert line.acquire("b").held
    assert not line.acquire("c").held


def test_a_holder_that_goes_on_closes_the_valve():
    """Engine 4.5."""
    line = Line(group_ollama=1)
    holder = line.acquire("a")
    holder.waits()
    holder.works()

    assert not line.acquire("b").held


def test_waits_inside_waits_count_once():
    """Engine 4.5: several subtasks of one body may wait."""
    line = Line(group_ollama=2)
    first, _, third = (line.acquire(who) for who in "abc")
    first.waits()
    first.waits()
    assert not third.held

    first.works()
    assert line.slots.working("group:ollama") == 1
    first.works()
    assert line.slots.working("group:ollama") == 2


def test_who_waits_already_when_its_slot_comes_counts_as_waiting():
    """Engine 4.5."""
    line = Line(group_ollama=1)
    first, second, third = (line.acquire(who) for who in "abc")
    second.waits()

    first.release()

    assert second.held
    assert third.held
    second.works()
    assert line.slots.working("group:ollama") == 2


def test_the_last_working_holder_that_leaves_lets_the_next_start():
    """Engine 4.5: what is left of the holders waits, though the limit is still full."""
    line = Line(group_ollama=1)
    first = line.acquire("a")
    first.waits()
    second, third = line.acquire("b"), line.acquire("c")

    second.release()

    assert third.held


@pytest.mark.parametrize("times", [1, 2])
def test_a_slot_is_returned_once_however_often_it_is_released(times):
    line = Line(group_ollama=1)
    holder = line.acquire("a")
    for _ in range(times):
        holder.release()
    holder.waits()
    holder.works()

    assert line.slots.held("group:ollama") == 0
    assert line.acquire("b").held
    assert not line.acquire("c").held


def test_who_gives_up_waiting_is_passed_over():
    line = Line(group_ollama=1)
    holder, second, third = (line.acquire(who) for who in "abc")
    second.release()

    holder.release()

    assert line.told == ["c"]
    assert third.held
    assert not second.held


def test_a_line_that_everybody_left_can_be_joined_again():
    line = Line(group_ollama=1)
    holder, second = line.acquire("a"), line.acquire("b")
    second.release()
    third = line.acquire("c")

    holder.release()

    assert third.held
    third.release()
    assert line.acquire("d").held


def test_a_raised_limit_lets_those_who_wait_start():
    line = Line(group_ollama=1)
    tickets = [line.acquire(who) for who in "abcd"]

    line.slots.add_limit("group:ollama", 3)

    assert [each.held for each in tickets] == [True, True, True, False]


def test_a_forgotten_limit_lets_those_who_wait_start_and_its_name_begins_anew():
    """Engine 5.7: a run's own limit ends with the run."""
    line = Line(run_7=1, process=8)
    holder = line.acquire("a", "run:7", "process")
    waiting = line.acquire("b", "run:7", "process")

    line.slots.forget("run:7")

    assert waiting.held
    line.slots.add_limit("run:7", 1)
    assert line.acquire("c", "run:7").held
    holder.release()
    assert line.slots.held("process") == 1
    assert line.slots.held("run:7") == 1


def test_names_may_come_and_go_without_end():
    line = Line(process=1)

    for run in range(2000):
        assert line.slots.limited((f"run:{run}", "process")) == ("process",)


def test_forgetting_what_has_no_limit_does_nothing():
    line = Line(group_ollama=1)

    line.slots.forget("run:7")

    assert line.acquire("a").held


@pytest.mark.parametrize("most", [0, -1])
def test_a_limit_that_lets_nobody_work_is_refused(most):
    with pytest.raises(RunnerError, match="at least one"):
        Slots({"process": most})


def test_a_callback_that_ends_at_once_lets_a_long_line_pass_without_recursion():
    """A chain of tasks that end in their first step is not a chain of calls."""
    slots = Slots({"process": 1})
    passed: list[int] = []
    tickets: list[Ticket] = []

    def pass_by(index: int) -> Callable[[], None]:
        def end() -> None:
            passed.append(index)
            tickets[index].release()

        return end

    count = sys.getrecursionlimit() * 3
    tickets.extend(slots.acquire(("process",), pass_by(index)) for index in range(count))
    tickets[0].release()

    assert passed == list(range(1, count))
    assert slots.held("process") == 0


def test_a_callback_that_raises_costs_the_others_nothing():
    slots = Slots({"process": 1})
    told: list[str] = []

    def fail() -> None:
        raise ValueError("no such luck")

    slots.acquire(("process",), fail)
    waiting = [slots.acquire(("process",), on_free) for on_free in (fail, lambda: told.append("b"))]

    with pytest.raises(ValueError, match="no such luck"):
        slots.add_limit("process", 3)

    assert told == ["b"]
    assert all(each.held for each in waiting)


def test_a_ticket_given_back_before_it_is_told_is_not_told():
    """A run that is cancelled by one callback takes no slot with the next one."""
    slots = Slots({"process": 1})
    told: list[str] = []
    holder = slots.acquire(("process",), lambda: None)
    second = slots.acquire(("process",), lambda: third.release())  # noqa: PLW0108 - it comes later
    third = slots.acquire(("process",), lambda: told.append("c"))

    slots.add_limit("process", 3)

    assert (second.held, third.held, told) == (True, False, [])
    holder.release()
    assert slots.held("process") == 1


def test_a_returned_slot_looks_at_no_more_than_the_heads_of_lines():
    """Engine-wide: nothing per event is proportional to a waiting line."""
    calls = {count: _calls_of_a_release(count) for count in (10, 10_000)}

    assert calls[10] == calls[10_000]


def _calls_of_a_release(waiting: int) -> int:
    """Count the function calls of one returned slot while `waiting` tasks wait for eight."""
    slots = Slots({"process": 8})
    tickets = [slots.acquire(("process",), lambda: None) for _ in range(8 + waiting)]
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        tickets[0].release()
    finally:
        sys.setprofile(None)
    return calls


def test_a_limit_for_each_of_a_kind_counts_each_of_them_alone():
    """Engine 5.7."""
    slots = Slots({"run:*": 1})
    first = slots.acquire(("run:one", "process"), print)
    second = slots.acquire(("run:one",), print)
    other = slots.acquire(("run:two",), print)

    assert (first.held, second.held, other.held) == (True, False, True)
    assert second.why == "1 of 1 for this run is taken"


def test_slots_without_a_limit_are_free():
    """Engine 5.7."""
    assert Slots({}).is_free
    assert not Slots({"process": 1}).is_free
