"""W7 in the browser: a run of 2,000 tasks opened, looked over, and watched while it goes on.

The floor is a page from a file with as many bare boxes and lines on a plane that is shifted. How
many frames the browser shows a second is counted while each frame moves the graph; how many
frames of news the server sends is counted at the socket.
"""

import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.acceptance.conftest import CHROMIUM, FLAGS, PASSWORD, ROOT, Server
from tests.acceptance.test_watching_in_browser import START, drawn
from tests.benchmarks.measuring import FLOOR, Row, rows_of

CHAINS, LINKS = 50, 40
PATIENCE = 240_000
#: What a view's address says beside its name; a graph of so many tasks is drawn when asked for.
VIEWS = {"tree": "", "graph": "&all=yes", "timeline": ""}
SIZE = {"width": 1280, "height": 900}
#: Moves the board with each frame that is shown, as fast as they are; gives frames a second.
MOVE = """async (moved) => {
  const board = document.getElementById("graph");
  const times = [];
  await new Promise((done) => {
    const turn = (at) => {
      times.push(at);
      board.dispatchEvent(new WheelEvent("wheel", { ...moved, deltaX: times.length % 40 < 20 ? 20 : -20,
        deltaY: times.length % 60 < 30 ? 5 : -5, clientX: 600, clientY: 500, cancelable: true }));
      if (times.length < 90) requestAnimationFrame(turn); else done();
    };
    requestAnimationFrame(turn);
  });
  return 1000 * (times.length - 1) / (times.at(-1) - times[0]);
}"""
PAN: dict[str, bool] = {}
ZOOM = {"ctrlKey": True}


def rows(rounds: int) -> list[Row]:
    """Measure opening, moving and watching."""
    with tempfile.TemporaryDirectory() as folder, _browser() as browser, _served(folder) as server:
        bare = Path(folder) / "bare.html"
        bare.write_text(bare_page(CHAINS, LINKS), encoding="utf-8")
        page = _signed_in(browser, server)
        run, sent = watched(page, server)
        views = {view: f"{run}?view={view}{more}" for view, more in VIEWS.items()}
        opened = {
            what: partial(seconds_to_open, page, address)
            for what, address in {FLOOR: bare.as_uri(), **views}.items()
        }
        goals = dict.fromkeys(VIEWS, "≤ 2 s")
        found = rows_of("W7 opens 2,000 tasks", opened, rounds, unit="s", goals=goals)
        for what, moved in {"pans": PAN, "zooms": ZOOM}.items():
            measures = {
                FLOOR: partial(frames_shown, page, bare.as_uri(), moved),
                "graph": partial(frames_shown, page, views["graph"], moved),
            }
            found += rows_of(
                f"W7 {what} 2,000 tasks", measures, rounds, unit="frames/s", goals={"graph": "≥ 30"}
            )
    return found + rows_of(
        "W7 news of 2,000 tasks",
        {"most in a second": lambda: sent},
        1,
        unit="frames",
        goals={"most in a second": "≤ 10"},
    )


def seconds_to_open(page: Page, address: str) -> float:
    """Give how long it takes until a page is loaded and painted."""
    began = time.perf_counter()
    page.goto(address)
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    return time.perf_counter() - began


def frames_shown(page: Page, address: str, moved: dict[str, bool]) -> float:
    """Give how many frames a second are shown while each of them moves the graph."""
    page.goto(address)
    return float(page.evaluate(MOVE, moved))


def watched(page: Page, server: Server) -> tuple[str, float]:
    """Watch a run to its end; give its address, and the most frames that came in a second."""
    came: Counter[int] = Counter()

    def hear(_frame: Any) -> None:
        came[int(time.monotonic())] += 1

    page.on("websocket", lambda socket: socket.on("framereceived", hear))
    definition = drawn(words=1, pace=0.0, chains=CHAINS, links=LINKS)
    run = f"{server.url}/runs/{start(server, definition)}/"
    page.goto(f"{run}?view=graph{VIEWS['graph']}")
    if page.locator("#graph .box").count() < CHAINS * LINKS:
        raise ValueError("the graph does not show all tasks")
    page.wait_for_selector("#run-header[data-over=yes]", timeout=PATIENCE)
    return run, float(max(came.values(), default=0))


def bare_page(chains: int, links: int) -> str:
    """Write as many boxes and lines as the graph has, and the least that moves them."""
    places = [(chain, link) for chain in range(chains) for link in range(links)]
    boxes = "".join(
        f'<a href="#" style="left:{280 * link}px;top:{96 * chain}px">step{chain}-{link}</a>'
        for chain, link in places
    )
    lines = "".join(
        f'<path d="M{280 * link + 200} {96 * chain + 32}h80" />' for chain, link in places
    )
    return f"""<!doctype html><title>Bare</title><style>
#graph {{ position: relative; overflow: hidden; height: 700px; }} #plane {{ transform-origin: 0 0; }}
a {{ position: absolute; width: 200px; height: 64px; border: 1px solid; }}
path {{ stroke: green; }}</style>
<div id="graph"><div id="plane"><svg width="{280 * links}" height="{96 * chains}">{lines}</svg>{boxes}</div></div>
<script>
let x = 0, y = 0, zoom = 0.6;
document.getElementById("graph").addEventListener("wheel", (event) => {{
  if (event.ctrlKey) zoom *= Math.exp(-event.deltaY / 300);
  else {{ x -= event.deltaX; y -= event.deltaY; }}
  document.getElementById("plane").style.transform = `translate(${{x}}px, ${{y}}px) scale(${{zoom}})`;
}});
</script>"""


def start(server: Server, definition: str) -> str:
    """Start a run of a definition; give its id."""
    done = subprocess.run(
        [sys.executable, "-c", START],
        cwd=ROOT,
        env=server.environment | {"DJANGO_SETTINGS_MODULE": "workflows.settings"},
        input=definition,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


# ── the server and the browser ──────────────────────────────────────────────────────────────────


@contextmanager
def _served(folder: str) -> Iterator[Server]:
    server = Server(Path(folder))
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def _browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


def _signed_in(browser: Browser, server: Server) -> Page:
    page = browser.new_page(viewport=SIZE)  # type: ignore[arg-type]
    page.goto(f"{server.url}/sign-in/")
    page.fill("input[name=username]", "demo")
    page.fill("input[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(f"{server.url}/")
    return page
