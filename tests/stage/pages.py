"""Every page in every state, and how somebody comes there."""


def at(place, part, more=""):
    """Give a page that is at an address of the stage: a run's, a workflow's or of its own."""

    def go(page, stage):
        kinds = {"run": stage.address, "workflow": stage.drawing}
        path = kinds[place](part, more) if place in kinds else part
        page.goto(f"{stage.url}{path}")

    return go


def signed_out(page, stage):
    """Sign in with what is no password."""
    page.context.clear_cookies()
    page.goto(f"{stage.url}/sign-in/")
    page.fill("input[name=username]", "demo")
    page.fill("input[name=password]", "wrong")
    page.click("main button[type=submit]")
    page.wait_for_selector("[role=alert]")
    page.context.add_cookies([stage.cookie])


def refused(page, stage):
    """Send a form without what tells it from another site's."""
    page.goto(f"{stage.url}/appearance/")
    page.locator("main input[name=csrfmiddlewaretoken]").evaluate("field => field.remove()")
    page.locator("main form button").first.click()
    page.wait_for_selector("text=Not allowed")


def editor(page, stage):
    """Choose a task on the canvas."""
    page.goto(f"{stage.url}{stage.drawing('river-digest', 'edit/')}")
    page.wait_for_selector("#editor.placed")
    page.click('#tiles [data-id="gauges"] .tile-head')
    page.wait_for_selector("#panel [name=title]")


def unfolded(page, stage):
    """Copy a task in the outline, and unfold all that can be."""
    page.goto(f"{stage.url}{stage.drawing('river-digest', 'outline/')}")
    page.check("[name=paths] >> nth=0")
    page.click("details.more > summary")
    page.click('button[name="all"][value="clip"]')
    page.wait_for_selector(".pasting")
    for each in page.locator("main details").all():
        each.evaluate("part => { part.open = true; }")


def pinned(page, stage):
    """Type an output for a task of the canvas, and pin it."""
    page.goto(f"{stage.url}{stage.drawing('river-digest', 'edit/')}")
    page.wait_for_selector("#editor.placed")
    page.click('#tiles [data-id="gauges"] .tile-head')
    page.wait_for_selector("#pin")
    page.click("#pin > summary")
    page.fill("#pin-outputs", "{}")
    page.click('#pin [value="typed"]')
    page.wait_for_selector("#refused")


def sheet(page, stage):
    """Ask which keys there are."""
    page.goto(f"{stage.url}{stage.address('completed')}")
    page.keyboard.press("?")
    page.wait_for_selector("#keys-sheet[open]")


def asked(page, stage):
    """Be asked whether a run is to be cancelled."""
    page.goto(f"{stage.url}{stage.address('running')}")
    page.click('form[data-act="cancel"] button')
    page.wait_for_selector("#cancel-dialog[open]")


def sharing(page, stage):
    """Begin to share a run."""
    page.goto(f"{stage.url}{stage.address('running')}")
    page.click("#share-open")
    page.wait_for_selector("#share-dialog[open] [name=ports]")


def shared(view):
    """Share a run, and look at it as those do who are given the link."""

    def go(page, stage):
        sharing(page, stage)
        for port in page.locator("#share-dialog [name=ports]").all():
            port.check()
        page.click("#share-dialog button.primary")
        link = page.input_value("#share-link")
        page.goto(link)
        page.wait_for_url("**/s/*-*/")
        page.goto(f"{page.url}?view={view}")

    return go


def found(page, stage):
    """Search in the dialog."""
    page.goto(f"{stage.url}/runs/")
    page.keyboard.press("Control+k")
    page.fill("#search-words", "river")
    page.wait_for_selector("#search-hits .hit")


def missing_input(page, stage):
    """Send a start form that cannot be used."""
    page.goto(f"{stage.url}{stage.drawing('river-digest', 'run/')}")
    page.fill("[name=in-port-seconds]", "-1")
    page.click("#start-form button[type=submit]")
    page.wait_for_selector("#start-form .fault-box")


def compared(page, stage):
    """Put two runs beside each other."""
    one, other = stage.runs["completed"], stage.runs["failed"]
    page.goto(f"{stage.url}/runs/compare/?a={one}&b={other}")


PAGES = {
    "home": at("", "/"),
    "waiting": at("", "/waiting/"),
    "answer": at("run", "awaiting", "answer/approve/?from=waiting"),
    "mail": at("", "/me/mail/"),
    "search": at("", "/search/?q=river"),
    "tasks": at("", "/tasks/"),
    "triggers": at("workflow", "river-digest", "triggers/"),
    "trigger-new": at("workflow", "river-digest", "triggers/schedule/"),
    "task-type": at("", "/tasks/text.answer/"),
    "search-nothing": at("", "/search/?q=nowhere"),
    "search-dialog": found,
    "appearance": at("", "/appearance/"),
    "sign-in": signed_out,
    "not-found": at("", "/nowhere/"),
    "not-allowed": refused,
    "workflows": at("", "/workflows/"),
    "workflow-new": at("", "/workflows/new/"),
    "workflow": at("workflow", "river-digest"),
    "workflow-empty": at("workflow", "flood-warning"),
    "about": at("workflow", "river-digest", "about/"),
    "versions": at("workflow", "river-digest", "versions/"),
    "diff": at("workflow", "river-digest", "versions/diff/?from=1&to=2"),
    "python": at("workflow", "river-digest", "versions/2/python/"),
    "history": at("workflow", "river-digest", "history/"),
    "try": at("workflow", "river-digest", "try/"),
    "editor": editor,
    "editor-problems": at("workflow", "flood-warning", "edit/"),
    "outline": at("workflow", "river-digest", "outline/?task=digest"),
    "outline-unfolded": unfolded,
    "pin-refused": pinned,
    "outline-problems": at("workflow", "flood-warning", "outline/"),
    "start": at("workflow", "river-digest", "run/"),
    "start-faults": missing_input,
    "runs": at("", "/runs/"),
    "runs-none": at("", "/runs/?q=nowhere"),
    "keys": sheet,
    "cancel": asked,
    "sharing": sharing,
    "share-links": at("run", "failed", "share/"),
    **{f"shared-{view}": shared(view) for view in ("tree", "graph", "timeline")},
    "compare": compared,
    "compare-choose": at("", "/runs/compare/"),
    "rerun": at("run", "failed", "rerun/"),
    **{
        f"{part}-{view}": at("run", part, f"?view={view}")
        for part in ("running", "failed", "awaiting", "completed", "large")
        for view in ("tree", "graph", "timeline", "log")
    },
    **{
        f"{part}-task": at("run", part, f"tasks/{task}/")
        for part, task in {
            "running": "digest/write",
            "failed": "digest/translate",
            "awaiting": "approve",
            "completed": "digest/translate",
        }.items()
    },
    "cancelled-tree": at("run", "cancelled"),
    "failed-pane": at("run", "failed", "?task=digest/translate"),
    "awaiting-pane": at("run", "awaiting", "?task=approve"),
}
