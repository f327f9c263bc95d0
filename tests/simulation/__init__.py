"""Whole lives of runs under a seeded scheduler: virtual time, crashes, torn writes, two owners.

`python -m tests.simulation --seeds 10000`; a seed that fails prints the command that replays it.
"""
