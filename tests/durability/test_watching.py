"""T18 to T21: pages that watch never hurt a run, and none of them misses anything.

Real servers, real sockets, and pages in a process of their own. The sizes are small unless the
environment gives others; those of a whole test stand beside them.
"""

import json
import statistics
import subprocess
import time
from typing import Any

import pytest

from tests.durability.floods import install
from tests.durability.watched import PAGE_SECONDS, Visitor, Watched, gate, percentile, size

pytestmark = pytest.mark.slow

MIB = 1 << 20
PAGES = int(size("WATCH_PAGES", 60))  # 1,000
CHUNKS = int(size("WATCH_CHUNKS", 60))  # 2,400
SECONDS = size("WATCH_SECONDS", 5)  # 600
SLOW_PAGES = int(size("WATCH_SLOW_PAGES", 4))  # 20
SLOW_MIB = int(size("WATCH_SLOW_MIB", 16))  # 200
FLAPPING = int(size("WATCH_FLAPPING", 20))  # 100
TINY_CHUNKS = int(size("WATCH_TINY_CHUNKS", 50_000))  # 1,000,000


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server for all of these tests."""
    made = Watched(tmp_path_factory.mktemp("watched"))
    install(made.data / "packages")
    made.start()
    yield made
    if made.process is not None:
        assert made.stop() == 0, made.output()
    assert "Traceback" not in made.output()


def words(server: Watched, name: str) -> dict[str, Any]:
    """Plan a run that streams words over some seconds, once it may begin."""
    settings = {"count": CHUNKS, "seconds": SECONDS, "gate": str(gate(server, name))}
    return {"kind": "flood.words", "tasks": 1, "settings": settings}


def seen_by(process: subprocess.Popen[str]) -> list[dict[str, Any]]:
    """Wait until all pages have seen the end; give what each saw."""
    told, _ = process.communicate(timeout=1200)
    pages: list[dict[str, Any]] = json.loads(told)
    return pages


def seconds_of(server: Watched, run: str, name: str) -> float:
    """Let a run begin; give how long it takes."""
    began = time.monotonic()
    gate(server, name).touch()
    assert server.wait_for_end(run) == "completed"
    return time.monotonic() - began


def test_all_who_watch_see_the_same_and_the_run_takes_as_long_as_alone(server, capsys):
    """T18. P9. R1, R14."""
    server.prepare(words(server, "alone"), words(server, "watched"))
    alone, watched = server.runs
    unwatched = seconds_of(server, alone, "alone")
    with server.pages(watched, PAGES) as process, Visitor(server, f"/runs/{watched}/") as visitor:
        seconds = seconds_of(server, watched, "watched")
        pages = seen_by(process)
    delays = [delay for page in pages for delay in page["delays"]]
    memory = server.memory
    with capsys.disabled():
        print(  # noqa: T201 - the figures are what a whole test is for
            f"\nT18: {PAGES} pages, {CHUNKS} chunks: event to page p50 "
            f"{statistics.median(delays):.2f} s, p95 {percentile(delays, 0.95):.2f} s, p99 "
            f"{percentile(delays, 0.99):.2f} s; other pages p99 {visitor.slowest:.2f} s; run "
            f"{unwatched:.1f} s alone, {seconds:.1f} s watched; {memory:.0f} MiB"
        )
    assert {page["text"] for page in pages} == {server.text_of(watched)}
    assert sum(page["gaps"] + page["skipped"] + page["reloads"] for page in pages) == 0
    assert len(delays) == PAGES * CHUNKS
    assert visitor.slowest < PAGE_SECONDS


def test_who_stops_reading_is_dropped_and_costs_the_run_nothing(server, capsys):
    """T19. P9. R14."""
    tasks, seconds = max(1, SLOW_MIB // 50), SLOW_MIB / 4
    settings = {"count": SLOW_MIB // tasks * 64, "size": 16 << 10, "seconds": seconds}
    plan = {"kind": "flood.bytes", "tasks": tasks}
    server.prepare(
        *(
            plan | {"settings": settings | {"gate": str(gate(server, name))}}
            for name in ("T19-alone", "T19")
        )
    )
    alone, watched = server.runs
    unwatched = seconds_of(server, alone, "T19-alone")
    before = server.memory
    with server.pages(watched, SLOW_PAGES, stops=True) as process:
        took = seconds_of(server, watched, "T19")
        pages = seen_by(process)
    grown = server.memory - before
    with capsys.disabled():
        print(  # noqa: T201
            f"\nT19: {SLOW_PAGES} pages that stopped reading, {SLOW_MIB} MiB: run "
            f"{unwatched:.1f} s alone, {took:.1f} s watched; {grown:+.0f} MiB above the run alone"
        )
    assert all(page["ended"] for page in pages)
    assert grown < 50


def test_who_connects_again_and_again_sees_each_word_once(server):
    """T20. P9."""
    server.prepare(words(server, "T20"))
    (run,) = server.runs
    with server.pages(run, FLAPPING, flaps=[0.1, 3.0]) as process:
        seconds_of(server, run, "T20")
        pages = seen_by(process)
    assert {page["text"] for page in pages} == {server.text_of(run)}
    assert sum(page["gaps"] + page["skipped"] + page["reloads"] for page in pages) == 0
    assert sum(page["connections"] for page in pages) > 2 * FLAPPING


def test_a_flood_of_tiny_chunks_is_put_together_and_pages_stay_quick(server, capsys):
    """T21."""
    name = "T21-tiny"
    settings = {"count": TINY_CHUNKS, "size": 10, "seconds": 0, "gate": str(gate(server, name))}
    server.prepare({"kind": "flood.bytes", "tasks": 1, "settings": settings})
    (run,) = server.runs
    with server.pages(run, 5) as process, Visitor(server, "/runs/") as visitor:
        seconds = seconds_of(server, run, name)
        pages = seen_by(process)
    with capsys.disabled():
        print(  # noqa: T201
            f"\nT21: {TINY_CHUNKS} chunks of 10 B in {seconds:.1f} s, {server.row(run)['seq']} "
            f"events, {max(page['frames'] for page in pages)} frames; other pages p99 "
            f"{visitor.slowest:.2f} s"
        )
    assert server.row(run)["seq"] < TINY_CHUNKS / 100
    assert all(page["next"] == TINY_CHUNKS and not page["gaps"] for page in pages)
    assert visitor.slowest < PAGE_SECONDS


def test_a_flood_of_large_chunks_ends_at_the_limit_and_pages_stay_quick(server):
    """T21. Engine 4.9."""
    name = "T21-large"
    settings = {"count": 100, "size": 10 * MIB, "seconds": 0, "gate": str(gate(server, name))}
    server.prepare({"kind": "flood.bytes", "tasks": 1, "settings": settings})
    (run,) = server.runs
    with server.pages(run, 5) as process, Visitor(server, "/runs/") as visitor:
        gate(server, name).touch()
        assert server.wait_for_end(run) == "failed"
        pages = seen_by(process)
    assert "MiB" in server.row(run)["error"]
    assert all(page["skipped"] for page in pages)
    assert visitor.slowest < PAGE_SECONDS
