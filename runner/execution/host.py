"""Host: what one process lends to all its executors."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from runner.execution.artifacts import ArtifactStore, MemoryArtifacts
from runner.execution.expressions import Expressions, MontyExpressions
from runner.execution.places import Places
from runner.execution.secrets import Credentials, NoCredentials
from runner.execution.slots import Slots


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _nobody_watches(_run: str) -> bool:
    return False


def _ignore(_run: str, _seq: int) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """Places for bodies, slots, credentials, artifacts, expressions, the clock, chance; who watches and listens.

    `now` gives the time in UTC, `chance` a number from 0 to 1; `on_commit` hears the number of
    the last event of a run that was kept.
    """

    places: Places = field(default_factory=Places)
    slots: Slots = field(default_factory=lambda: Slots({}))
    credentials: Credentials = field(default_factory=NoCredentials)
    artifacts: ArtifactStore = field(default_factory=MemoryArtifacts)
    expressions: Expressions = field(default_factory=MontyExpressions)
    now: Callable[[], datetime] = _utc_now
    chance: Callable[[], float] = random.random
    on_commit: Callable[[str, int], None] = _ignore
    is_watched: Callable[[str], bool] = _nobody_watches
