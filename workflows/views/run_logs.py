"""The log of a run as a file."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from workflows.access import run_for
from workflows.http import Request
from workflows.run_log import as_jsonl, as_text, log_query_of, matching


@login_required
@never_cache
@require_safe
def download(request: Request, id: UUID) -> HttpResponse:
    """Give all lines that the log's filter lets through, as text or as JSON lines."""
    run = run_for(request.user, id)
    is_json = request.GET.get("as") == "jsonl"
    lines = matching(run, log_query_of(dict(request.GET.lists())))
    name = f"run-{run.pk}.{'jsonl' if is_json else 'log'}"
    return HttpResponse(
        "".join(as_jsonl(lines) if is_json else as_text(lines)),
        content_type=f"{'application/jsonl' if is_json else 'text/plain'}; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
        },
    )
