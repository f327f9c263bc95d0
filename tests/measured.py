"""Coverage of children: what runs in the processes that tests spawn is counted too.

A Python that finds the settings of coverage in its environment counts by itself. One that is
killed says nothing of what it ran.
"""

from collections.abc import Mapping

from coverage import Coverage

from runner.execution import process_place

SETTINGS = "COVERAGE_PROCESS_CONFIG"
#: What bodies in the place `process` may know, to be counted.
ENVIRONMENT = (*process_place.ENVIRONMENT, SETTINGS)


def counted() -> Mapping[str, str]:
    """Give what a child's environment needs for it to be counted; nothing if nobody counts."""
    measuring = Coverage.current()
    return {} if measuring is None else {SETTINGS: measuring.config.serialize()}
