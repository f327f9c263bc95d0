"""What the tests of the engine share."""

import pytest

from runner.execution import process_place
from tests import measured
from tests.background import Watch


@pytest.fixture
def counted_children(monkeypatch):
    """Count in coverage what runs in the processes that a test spawns."""
    for name, value in measured.counted().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(process_place, "ENVIRONMENT", measured.ENVIRONMENT)


@pytest.fixture
async def watch():
    """A memory store, and background runners over it."""
    return Watch()
