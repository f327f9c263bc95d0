"""Slots against a slow search: whatever is asked in whatever order, both give the same."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from runner.execution.slots import Slots, Ticket

NAMES = ("process", "group:a", "run:1")


class Model(RuleBasedStateMachine):
    """Compares Slots with a slow search through all who wait, in order of arrival."""

    @initialize(limits=st.dictionaries(st.sampled_from(NAMES), st.integers(1, 3), min_size=1))
    def begin(self, limits: dict[str, int]) -> None:
        self.most = limits
        self.slots = Slots(limits)
        self.tickets: dict[int, Ticket] = {}
        self.names: dict[int, set[str]] = {}
        self.holding: dict[int, int] = {}  # who -> how deep it waits
        self.waiting: list[int] = []
        self.told: list[int] = []
        self.expected: list[int] = []
        self.count = 0

    def is_open(self, name: str) -> bool:
        depths = [depth for who, depth in self.holding.items() if name in self.names[who]]
        return len(depths) < self.most[name] or all(depths)

    def let_start(self) -> None:
        for who in self.waiting:
            if all(self.is_open(name) for name in self.names[who]):
                self.waiting.remove(who)
                self.holding[who] = 0
                self.expected.append(who)
                self.let_start()
                return

    @rule(names=st.sets(st.sampled_from(NAMES), min_size=1))
    def acquire(self, names: set[str]) -> None:
        self.count += 1
        who = self.count
        self.names[who] = names & self.most.keys()
        self.tickets[who] = self.slots.acquire(tuple(names), lambda: self.told.append(who))
        if all(self.is_open(name) for name in self.names[who]):
            self.holding[who] = 0
        else:
            self.waiting.append(who)
        assert self.tickets[who].held == (who in self.holding)

    @precondition(lambda self: self.holding)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        who = data.draw(st.sampled_from(sorted(self.holding)))
        del self.holding[who]
        self.let_start()
        self.tickets.pop(who).release()

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        who = data.draw(st.sampled_from(self.waiting))
        self.waiting.remove(who)
        self.tickets.pop(who).release()

    @precondition(lambda self: self.holding)
    @rule(data=st.data())
    def wait(self, data: st.DataObject) -> None:
        who = data.draw(st.sampled_from(sorted(self.holding)))
        self.holding[who] += 1
        self.let_start()
        self.tickets[who].waits()

    @precondition(lambda self: any(self.holding.values()))
    @rule(data=st.data())
    def work(self, data: st.DataObject) -> None:
        waits = sorted(who for who, depth in self.holding.items() if depth)
        who = data.draw(st.sampled_from(waits))
        self.holding[who] -= 1
        self.tickets[who].works()

    @rule(most=st.integers(1, 4), data=st.data())
    def change(self, most: int, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.most)))
        self.most[name] = most
        self.let_start()
        self.slots.add_limit(name, most)

    @invariant()
    def those_hold_who_may(self) -> None:
        assert self.told == self.expected
        assert {who for who, each in self.tickets.items() if each.held} == set(self.holding)
        for name in self.most:
            depths = [depth for who, depth in self.holding.items() if name in self.names[who]]
            assert self.slots.held(name) == len(depths)
            assert self.slots.working(name) == depths.count(0)

    @invariant()
    def whoever_waits_knows_why(self) -> None:
        for who, ticket in self.tickets.items():
            assert bool(ticket.why) == (who in self.waiting)

    def teardown(self) -> None:
        for ticket in getattr(self, "tickets", {}).values():
            ticket.release()
        for name in getattr(self, "most", {}):
            assert self.slots.held(name) == self.slots.working(name) == 0


Model.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestSlotsAgainstASlowSearch = Model.TestCase
