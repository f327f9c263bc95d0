"""Two owners of one run, every interleaving: no epoch is written in by two of them.

A small model of leases, epochs and numbers, explored to its last state; each of its moves is
also made on the real MemoryStore, which must decide the same. Time is one move, `expire`: any
lease may end at any moment, whatever the clocks say. A write is sent, lands, and is heard of:
its owner may be halted, or have lost the run, in between.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from inspect import signature

import pytest

from runner.errors import Fenced
from runner.execution.memory import MemoryRun, MemoryStore
from runner.execution.store import Batch, Entry
from runner.run.events import RunResumed
from runner.run.status import RunStatus

NOBODY = -1
EVENTS = 3
STATES_AT_MOST = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the store and its owners do; each can be left out, to see that it matters.

    `epochs` is after how many claims the exploration ends.
    """

    claim_raises_epoch: bool = True
    claim_checks_lease: bool = True
    commit_checks_epoch: bool = True
    commit_checks_number: bool = True
    release_checks_owner: bool = True
    owner_waits_for_release: bool = True
    claims_own_again: bool = "driven" in signature(MemoryStore.claim).parameters
    epochs: int = 3


@dataclass(frozen=True, slots=True)
class Owner:
    """What one owner believes: its epoch (0: no run) and last number, and what it has sent.

    `sent` is a batch (epoch, number before it) that has not landed; `heard` what came of the
    last one, not heard of yet; `releases` that a release has not landed.
    """

    epoch: int = 0
    seq: int = 0
    sent: tuple[int, int] | None = None
    heard: str = ""
    stopped: bool = False
    releases: bool = False


@dataclass(frozen=True, slots=True)
class World:
    """The run's row and both owners.

    `log` has (epoch of the row, writer) by event, `claimers` who claimed each epoch; `holder` is
    whose lease has not ended, kept apart from the row.
    """

    owner: int = NOBODY
    epoch: int = 0
    leased: bool = False
    log: tuple[tuple[int, int], ...] = ()
    claimers: tuple[int, ...] = ()
    holder: int = NOBODY
    owners: tuple[Owner, Owner] = (Owner(), Owner())

    def with_owner(self, who: int, owner: Owner) -> "World":
        """Give the world in which one owner has changed."""
        first, second = self.owners
        return replace(self, owners=(owner, second) if who == 0 else (first, owner))


Move = tuple[str, int, World]


def moves(world: World, rules: Rules) -> Iterator[Move]:
    """Give everything that can happen next."""
    if world.leased:
        yield "expire", NOBODY, replace(world, leased=False, holder=NOBODY)
    for who, owner in enumerate(world.owners):
        flipped = replace(owner, stopped=not owner.stopped)
        yield "wake" if owner.stopped else "stop", who, world.with_owner(who, flipped)
        if owner.sent is not None and len(world.log) < EVENTS:
            yield "land", who, landed(world, who, rules)
        if owner.releases:
            yield "release", who, released(world, who, rules)
        if not owner.stopped:
            yield from acts(world, who, owner, rules)


def acts(world: World, who: int, owner: Owner, rules: Rules) -> Iterator[Move]:
    """Give what an owner that runs can do."""
    if owner.heard:
        yield "hear", who, world.with_owner(who, told(owner))
        if owner.heard == "kept":  # the answer got lost: it sends the same again
            again = replace(owner, sent=(owner.epoch, owner.seq), heard="")
            yield "retry", who, world.with_owner(who, again)
        return
    if owner.epoch == 0:
        waits = owner.releases and rules.owner_waits_for_release
        if world.epoch < rules.epochs and not waits and owner.sent is None:
            yield "claim", who, claimed(world, who, rules)
    elif owner.sent is None:
        sent = replace(owner, sent=(owner.epoch, owner.seq))
        yield "send", who, world.with_owner(who, sent)
        let_go = replace(owner, epoch=0, releases=True)
        yield "let go", who, world.with_owner(who, let_go)
        yield "renew", who, renewed(world, who)


def told(owner: Owner) -> Owner:
    """Give what an owner believes once it has heard of its batch."""
    if owner.heard == "kept":
        return replace(owner, seq=owner.seq + 1, heard="")
    return replace(owner, epoch=0, seq=0, heard="")


def claimed(world: World, who: int, rules: Rules) -> World:
    """Claim the run: it has no owner, is one's own but not driven, or its lease has ended."""
    late = not world.leased or not rules.claim_checks_lease
    mine = world.owner == who
    if (mine and not rules.claims_own_again) or not (mine or late or world.owner == NOBODY):
        return world
    epoch = world.epoch + (1 if rules.claim_raises_epoch or not world.epoch else 0)
    found = world.with_owner(who, replace(world.owners[who], epoch=epoch, seq=len(world.log)))
    claimers = (*world.claimers, who)[:epoch]
    return replace(found, owner=who, epoch=epoch, leased=True, holder=who, claimers=claimers)


def landed(world: World, who: int, rules: Rules) -> World:
    """Let a batch reach the row: kept if its epoch and number are the row's, else refused."""
    owner = world.owners[who]
    epoch, before = owner.sent or (0, 0)
    right = epoch == world.epoch or not rules.commit_checks_epoch
    right &= before == len(world.log) or not rules.commit_checks_number
    if not right:
        return world.with_owner(who, replace(owner, sent=None, heard="fenced"))
    kept = world.with_owner(who, replace(owner, sent=None, heard="kept"))
    entry = (world.epoch if before == len(world.log) else NOBODY, who)
    return replace(kept, log=(*world.log, entry), leased=True, holder=world.owner)


def renewed(world: World, who: int) -> World:
    """Prolong the lease of one's run, or learn that it has another owner."""
    if world.owner == who:
        return replace(world, leased=True, holder=who)
    return world.with_owner(who, replace(world.owners[who], epoch=0, seq=0))


def released(world: World, who: int, rules: Rules) -> World:
    """Give the run up, if it is still one's own."""
    found = world.with_owner(who, replace(world.owners[who], releases=False))
    if world.owner != who and rules.release_checks_owner:
        return found
    mine = world.owners[who].epoch == 0 and world.owner == who
    return replace(found, owner=NOBODY, leased=False, holder=NOBODY if mine else world.holder)


def violation(before: World, move: str, who: int, after: World) -> str:
    """Say what a move broke; empty if nothing."""
    if len(after.log) > len(before.log):
        epoch, writer = after.log[-1]
        if epoch == NOBODY:
            return "an event was kept twice, or after a gap"
        if after.claimers[epoch - 1] != writer:
            return "an epoch was written in by who did not claim it"
        if any(other != writer for number, other in after.log if number == epoch):
            return "two owners wrote in one epoch"
    if after.epoch < before.epoch:
        return "the epoch fell"
    claims = move == "claim" and after != before
    if claims and before.holder not in {NOBODY, who}:
        return "a run was taken from an owner whose lease had not ended"
    return ""


def explore(rules: Rules) -> tuple[int, list[str]]:
    """Visit every state; give how many there are, and the moves to the first violation."""
    start = World()
    came: dict[World, tuple[World, str] | None] = {start: None}
    line = deque([start])
    while line:
        world = line.popleft()
        for name, who, after in moves(world, rules):
            broken = violation(world, name, who, after)
            if broken:
                return len(came), [*way_to(came, world), f"{name} {who}", broken]
            if after not in came:
                came[after] = (world, f"{name} {who}")
                line.append(after)
        assert len(came) <= STATES_AT_MOST
    return len(came), []


def way_to(came: dict[World, tuple[World, str] | None], world: World) -> list[str]:
    """Give the moves that lead to a state."""
    steps: list[str] = []
    while (step := came[world]) is not None:
        world, name = step
        steps.insert(0, name)
    return steps


# ── the real store, asked the same ──────────────────────────────────────────────────────────────


def row_of(world: World, who: int) -> tuple[MemoryStore, MemoryRun]:
    """Give a real store whose one run is as in the model, its lease as the claimer finds it."""
    store = MemoryStore()
    run = store.runs[store.submit("{}", "{}")]
    late = not world.leased and world.owner not in {NOBODY, who}
    run.owner = "" if world.owner == NOBODY or late else f"owner {world.owner}"
    run.epoch, run.seq, run.status = world.epoch, len(world.log), RunStatus.RUNNING
    return store, run


def at_once(coroutine):
    """Run a coroutine that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("a store in memory does not wait")


def real_claim(world: World, who: int) -> bool:
    """Whether the real store gives the run, under the epoch after the last."""
    store, run = row_of(world, who)
    claimed = at_once(store.claim(f"owner {who}", 1))
    return [each.epoch for each in claimed] == [world.epoch + 1] and run.owner == f"owner {who}"


def real_commit(world: World, who: int) -> bool:
    """Whether the real store keeps the batch that was sent."""
    store, run = row_of(world, who)
    epoch, before = world.owners[who].sent or (0, 0)
    entry = Entry(before + 1, datetime(2026, 1, 1, tzinfo=UTC), RunResumed(epoch))
    try:
        at_once(store.commit(Batch(run=run.id, epoch=epoch, before=before, entries=(entry,))))
    except Fenced:
        return False
    return run.seq == before + 1


def real_renew(world: World, who: int) -> bool:
    """Whether the real store says that the run is still the owner's."""
    store, run = row_of(replace(world, leased=True), who)
    return run.id in at_once(store.renew(f"owner {who}", [run.id]))


def real_release(world: World, who: int) -> bool:
    """Whether the real store takes the owner off the run."""
    store, run = row_of(replace(world, leased=True), who)
    before = run.owner
    at_once(store.release(f"owner {who}", [run.id]))
    return run.owner != before


REAL = {
    "claim": (real_claim, lambda before, after, _who: after != before),
    "land": (real_commit, lambda before, after, _who: len(after.log) > len(before.log)),
    "renew": (real_renew, lambda _before, after, who: after.owners[who].epoch > 0),
    "release": (real_release, lambda before, after, _who: after.owner != before.owner),
}


def all_moves(rules: Rules) -> Iterator[tuple[World, Move]]:
    """Give every move from every state."""
    seen = {World()}
    line = deque(seen)
    while line:
        world = line.popleft()
        for move in moves(world, rules):
            yield world, move
            if move[2] not in seen:
                seen.add(move[2])
                line.append(move[2])


def test_no_interleaving_lets_two_owners_write_in_one_epoch():
    """P3: at most one process can write for a run (I4, I5)."""
    states, way = explore(Rules())

    assert way == []
    assert states > 10_000


def test_the_real_store_decides_as_the_model_does():
    """Every claim, commit, renewal and release of every state, made on MemoryStore."""
    asked, different = set(), []
    for world, (name, who, after) in all_moves(Rules()):
        if name not in REAL:
            continue
        asked.add(name)
        ask, decided = REAL[name]
        if ask(world, who) != decided(world, after, who):
            different.append((name, who, world))

    assert asked == set(REAL)
    assert different == []


@pytest.mark.parametrize(
    ("left_out", "found"),
    [
        ("claim_raises_epoch", "epoch"),
        ("commit_checks_epoch", "an epoch was written in by who did not claim it"),
        ("commit_checks_number", "an event was kept twice, or after a gap"),
        ("claim_checks_lease", "a run was taken from an owner whose lease had not ended"),
        ("release_checks_owner", "a run was taken from an owner whose lease had not ended"),
        ("owner_waits_for_release", "a run was taken from an owner whose lease had not ended"),
    ],
)
def test_a_rule_left_out_is_found_out(left_out, found):
    """Each rule matters: without it the explorer finds a way to break the promise."""
    _, way = explore(replace(Rules(epochs=4), **{left_out: False}))

    assert way
    assert found in way[-1]
