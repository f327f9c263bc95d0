"""python -m tests.screenshots [NAME ...]: pictures of every page, as files in docs/screenshots.

Each page is taken on a desk and on a phone (1280 and 360 px wide), light and dark, from a server of
its own with a run in every state. Chromium itself packs them as WebP. Names choose pages by a part
of what they are called; `--into FOLDER --format png` is for looking at them elsewhere.
"""

import argparse
import base64
import sys
import tempfile
from pathlib import Path
from typing import Literal

from playwright.sync_api import Page, sync_playwright

from tests.acceptance.conftest import CHROMIUM, FLAGS, ROOT
from tests.stage.pages import PAGES
from tests.stage.stage import Stage

FOLDER = ROOT / "docs" / "screenshots"
QUALITY = 60
SIZES = {"1280": (1280, 800), "360": (360, 740)}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
#: What is shown of all that axe looks at.
SHOWN = [
    "home",
    "waiting",
    "runs",
    "workflow",
    "diff",
    "history",
    "editor",
    "outline",
    "start",
    "tasks",
    "task-type",
    "triggers",
    "trigger-new",
    "compare",
    "rerun",
    *(
        f"{part}-{view}"
        for part in ("running", "failed", "awaiting", "large")
        for view in ("tree", "graph", "timeline", "log")
    ),
    "sharing",
    *(f"shared-{view}" for view in ("tree", "graph", "timeline")),
    "running-task",
    "failed-pane",
    "awaiting-pane",
]


def picture(page: Page, file: Path, kind: str) -> None:
    """Write what a page shows now."""
    asked = {"format": kind} | ({"quality": QUALITY} if kind == "webp" else {})
    session = page.context.new_cdp_session(page)
    taken = session.send("Page.captureScreenshot", asked)
    session.detach()
    file.write_bytes(base64.b64decode(taken["data"]))


def take(stage: Stage, page: Page, names: list[str], folder: Path, kind: str) -> None:
    """Take the chosen pages in both sizes and both schemes."""
    for name in names:
        for width, size in SIZES.items():
            page.set_viewport_size({"width": size[0], "height": size[1]})
            page.emulate_media(color_scheme="light")
            PAGES[name](page, stage)
            page.wait_for_load_state("networkidle")
            for scheme in SCHEMES:
                page.emulate_media(color_scheme=scheme)
                picture(page, folder / f"{name}-{width}-{scheme}.{kind}", kind)


def main() -> None:
    """Set the stage, and take the pictures."""
    words = argparse.ArgumentParser(prog="python -m tests.screenshots", description=__doc__)
    words.add_argument("names", nargs="*", help="parts of the names of pages")
    words.add_argument("--into", type=Path, default=FOLDER)
    words.add_argument("--format", choices=["webp", "png"], default="webp")
    asked = words.parse_args()
    if CHROMIUM is None:
        sys.exit("No Chromium here: install the package chromium.")
    names = [each for each in SHOWN if not asked.names or any(part in each for part in asked.names)]
    asked.into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data, sync_playwright() as playwright:
        stage = Stage(Path(data))
        stage.install()
        stage.start()
        try:
            stage.set()
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            context = browser.new_context(reduced_motion="reduce")
            context.add_cookies([stage.cookie])
            take(stage, context.new_page(), names, asked.into, asked.format)
            browser.close()
        finally:
            stage.kill()


if __name__ == "__main__":
    main()
