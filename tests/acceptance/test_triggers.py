"""A schedule and a webhook of a real server start runs, and an answer brings the output."""

import json
import re
import sqlite3
import time
import urllib.request
from contextlib import closing

import pytest
from playwright.sync_api import expect

from runner.outside.signing import signed

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SECONDS = 30_000


def begin_with_keywords(page, server):
    """Make a workflow of one task, and go to its triggers."""
    page.goto(f"{server.url}/tasks/text.keywords/")
    page.get_by_role("button", name="Try it").click()
    page.wait_for_url("**/run/")
    page.goto(page.url.removesuffix("run/") + "triggers/")


def test_a_schedule_that_is_due_starts_a_run(page, server, sign_in):
    sign_in(page)
    begin_with_keywords(page, server)
    page.get_by_role("link", name="New schedule").click()
    page.get_by_label("Title").fill("Each new year")
    page.get_by_label("When").fill("@yearly")
    page.get_by_label("Question").fill("Where do rivers part?")
    page.get_by_role("button", name="Make it").click()
    expect(page.locator(".trigger-line")).to_contain_text("Each new year")
    with closing(sqlite3.connect(server.data / "anabranch.sqlite3")) as kept, kept:
        kept.execute("UPDATE workflows_schedule SET next_at = datetime('now')")
    line = page.get_by_role("link", name="last run")
    for _ in range(100):
        page.reload()
        if line.count():
            break
        page.wait_for_timeout(100)
    line.click()
    page.wait_for_selector("#run-header >> text=completed", timeout=SECONDS)


def test_a_signed_request_is_answered_with_the_output(page, server, sign_in):
    sign_in(page)
    begin_with_keywords(page, server)
    page.get_by_role("link", name="New webhook").click()
    page.get_by_label("Title").fill("From elsewhere")
    page.get_by_label("The answer").select_option("keywords")
    page.get_by_role("button", name="Make it").click()
    secret = page.locator(".told-once code").inner_text()
    address = page.locator(".trigger-line code").inner_text()
    assert re.fullmatch(rf"{server.url}/hooks/[0-9a-f-]{{36}}/", address)

    body = json.dumps({"question": "Where do rivers part?"}).encode()
    headers = {
        **signed(secret, "msg_1", int(time.time()), body),
        "Content-Type": "application/json",
    }
    request = urllib.request.Request(address, body, headers)  # noqa: S310 - our own server
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        told = json.load(answer)
    assert told["status"] == "completed"
    assert told["output"] == ["rivers", "part"]
