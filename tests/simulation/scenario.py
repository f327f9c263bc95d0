"""What befalls the processes and the run of one seed: drawn before anything begins."""

from dataclasses import dataclass
from random import Random
from typing import Literal

from tests.simulation.store import Weather

Blow = Literal["kill", "stop", "leave"]
CALLS = ("commit", "commit", "commit", "claim", "read_chunks", "requests", "renew", "release")


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """One thing that happens to a process.

    `kill` ends it at once, `stop` halts it for `seconds` (SIGSTOP), `leave` asks it to end in
    order. It comes at the `count`-th callback, or the `count`-th `call` to the store: before it
    is carried out, or after, when the process does not know yet. After a kill or a leave the
    next process begins `seconds` later.
    """

    blow: Blow
    count: int
    call: str = ""
    after: bool = False
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """The whole story of a seed but for its definition and the order of callbacks."""

    runs: int
    lease: float
    sees_death: bool
    weather: Weather
    strikes: tuple[Strike, ...]
    second_at: float | None
    cancel_at: int | None
    resumes_cancelled: bool
    pause_at: int | None
    pause_seconds: float
    slots: dict[str, int]
    batch: int

    @property
    def is_quiet(self) -> bool:
        """Whether nothing happens."""
        return not self.strikes and self.cancel_at is None and self.pause_at is None


def draw(random: Random) -> Scenario:
    """Draw a scenario; one in ten is quiet."""
    quiet = random.random() < 0.1
    strikes = (
        () if quiet else tuple(_strike(random) for _ in range(random.choice((0, 1, 1, 2, 3, 3, 5))))
    )
    cancels = not quiet and random.random() < 0.2
    batch = random.choice((1, 2, 5, 20, 500, 500))
    weather = Weather() if quiet else _weather(random, hurried=batch < 20)
    return Scenario(
        runs=2 if random.random() < 0.15 else 1,
        lease=random.choice((7.0, 30.0)),
        sees_death=random.random() < 0.8,
        weather=weather,
        strikes=strikes,
        second_at=random.random() * 3 if random.random() < 0.25 else None,
        cancel_at=_moment(random) if cancels else None,
        resumes_cancelled=random.random() < 0.5,
        pause_at=_moment(random) if not quiet and random.random() < 0.1 else None,
        pause_seconds=random.random() * 10,
        slots={"process": random.randint(1, 3)} if random.random() < 0.15 else {},
        batch=batch,
    )


def _moment(random: Random) -> int:
    """Draw before which callback a person acts."""
    return random.choice((3, 10, 30, 100, 300)) + random.randrange(30)


def _weather(random: Random, *, hurried: bool) -> Weather:
    begin = random.random() * 5
    return Weather(
        slowest=random.choice((0.0, 0.0, 0.01, 0.01 if hurried else 0.1, 0.02 if hurried else 0.8)),
        trouble=random.choice((0.0, 0.0, 0.0, 0.01 if hurried else 0.05)),
        lost_answers=random.choice((0, 0, 0, 1, 3)),
        outages=((begin, begin + random.random() * 10),) if random.random() < 0.1 else (),
    )


def _strike(random: Random) -> Strike:
    blow: Blow = random.choice(("kill", "kill", "kill", "stop", "leave"))
    seconds = random.random() * 2
    if blow == "stop":
        seconds = random.random() * 45
    if random.random() < 0.5:
        return Strike(blow=blow, count=_steps(random), seconds=seconds)
    return Strike(
        blow=blow,
        count=random.choice((1, 1, 2, 3, 5, 8)),
        call=random.choice(CALLS),
        after=random.random() < 0.5,
        seconds=seconds,
    )


def _steps(random: Random) -> int:
    return random.randrange(random.choice((10, 60, 60, 300, 300, 1000))) + 1
