"""Host: what one process lends to all its executors."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from runner.execution.artifacts import ArtifactStore, MemoryArtifacts
from runner.execution.expressions import Expressions, MontyExpressions
from runner.execution.mail import Mailer, NoMailer
from runner.execution.network import Network
from runner.execution.places import Places
from runner.execution.programs import MontyPrograms, Programs
from runner.execution.secrets import Credentials, NoCredentials
from runner.execution.slots import Slots
from runner.execution.stream import PORT_BYTES

#: For how long results are kept in memory that the storage does not take (P10).
KEPT_SECONDS = 300.0
#: How much of a run's values and chunks may run ahead of what the storage has taken.
AHEAD_BYTES = 64 << 20
#: How much one port may give that does not stream.
OUTPUT_BYTES = 8 << 20


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _nobody_watches(_run: str) -> bool:
    return False


def _ignore(_run: str, _told: float | None) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """Places for bodies, slots, credentials, artifacts, the network, mail, expressions, programs, the clock, chance; who watches and listens.

    `now` gives the time in UTC, `chance` a number from 0 to 1; `on_commit` hears the number of
    the last event of a run that was kept, `on_stall` that the storage takes nothing of a run now
    (None), or takes it again after so many seconds. After `kept_seconds` in which it took nothing, the run is let go.
    `output_bytes` bounds the JSON of what a port gives at once, `stream_bytes` of all that it streams,
    `ahead_bytes` of what runs ahead of the storage in one run.
    """

    places: Places = field(default_factory=Places)
    slots: Slots = field(default_factory=lambda: Slots({}))
    credentials: Credentials = field(default_factory=NoCredentials)
    artifacts: ArtifactStore = field(default_factory=MemoryArtifacts)
    network: Network = field(default_factory=Network)
    mailer: Mailer = field(default_factory=NoMailer)
    expressions: Expressions = field(default_factory=MontyExpressions)
    programs: Programs = field(default_factory=MontyPrograms)
    now: Callable[[], datetime] = _utc_now
    chance: Callable[[], float] = random.random
    on_commit: Callable[[str, int], None] = _ignore
    on_stall: Callable[[str, float | None], None] = _ignore
    kept_seconds: float = KEPT_SECONDS
    ahead_bytes: int = AHEAD_BYTES
    output_bytes: int = OUTPUT_BYTES
    stream_bytes: int = PORT_BYTES
    is_watched: Callable[[str], bool] = _nobody_watches
