"""python -m tests.durability.owner FOLDER [HELD]: a server's background runner without the server.

It drives what it can claim until its standard input ends.
"""

import asyncio
import logging
import os
import sys
from pathlib import Path

from tests.benchmarks.database import set_up
from tests.durability.observed import BODY_SECONDS, registry


async def live(folder: Path, held: str) -> None:
    """Run until told to stop."""
    from django.conf import settings

    from runner.execution.background import BackgroundRunner
    from workflows.background import RENEWALS_A_LEASE
    from workflows.owners import new_owner
    from workflows.store import DatabaseStore

    store = DatabaseStore()
    runner = BackgroundRunner(
        store,
        registry(folder, BODY_SECONDS, held),
        new_owner(),
        renew_seconds=settings.LEASE_SECONDS / RENEWALS_A_LEASE,
    )
    runner.start()
    await asyncio.to_thread(sys.stdin.read)
    await runner.stop()
    await store.close()


if __name__ == "__main__":
    set_up(Path(os.environ["ANABRANCH_DATA"]), migrated=True)
    # Not into a pipe: one that nobody empties would hold the process up once it is full.
    log = Path(sys.argv[1]) / f"{os.getpid()}.log"
    logging.basicConfig(level=logging.WARNING, filename=log, force=True)
    asyncio.run(live(Path(sys.argv[1]), (*sys.argv, "")[2]))
