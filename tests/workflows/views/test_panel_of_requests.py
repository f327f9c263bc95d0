"""The panel of tasks whose settings say which credential they send."""

import pytest
from django.utils.html import escape

from runner.graph.registry import default_registry
from workflows.models import WorkflowDraft
from workflows.models.drafting import act, draft_of


@pytest.fixture
def panel(client_of, alice, workflow):
    """Give a function that shows the panel of a new task after its form was sent."""
    draft_of(workflow)
    client = client_of(alice)

    def show(kind, **form):
        revision = WorkflowDraft.objects.get().revision
        act(workflow, alice, revision, {"op": "add", "type": kind})
        path = WorkflowDraft.objects.get().drawing.definition.tasks[-1].id
        url = f"/workflows/{workflow.pk}/edit/panel/?path={path}&level="
        if form:
            base = WorkflowDraft.objects.get().revision
            client.post(url, {"base": base, **form})
        return client.get(url).content.decode()

    return show


@pytest.mark.parametrize(
    "kind", ["http.request", "webhook.post", "llm.chat", "text.embed", "email.send"]
)
def test_every_setting_has_a_title_and_a_field(panel, kind):
    page = panel(kind)
    for name, port in default_registry().get(kind).config_ports().items():
        assert f'name="config-port-{name}"' in page
        assert escape(port.title) in page


def test_the_credential_and_its_host_are_told(panel):
    page = panel(
        "http.request",
        **{"config-port-credential": "github", "config-port-host": "api.example.org"},
    )
    assert "<code>github</code> for api.example.org" in page


def test_a_credential_without_a_host_gets_the_fix(panel):
    page = panel("http.request", **{"config-port-credential": "github"})
    assert "say in its setting host where it may go" in page
