"""How the installation is doing, for its operator."""

from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from workflows import operations
from workflows.http import Request


@login_required
@never_cache
@require_safe
def show(request: Request) -> HttpResponse:
    """Show runners, queues, pages, sizes and what is removed next, to staff that may look at runs."""
    if not (request.user.is_staff and request.user.has_perm("workflows.view_run")):
        raise Http404
    page = {
        **admin.site.each_context(request),
        "title": "Operations",
        "runners": operations.runners(),
        "workers": operations.workers(),
        "queue": operations.queue(),
        "job_queue": operations.job_queue(),
        "under_way": operations.under_way(),
        "sockets": operations.sockets(),
        "lag": operations.event_lag(),
        "database_size": operations.database_size(),
        "content_size": operations.content_size(),
        "kinds": list(operations.kinds()),
        "retention": operations.retention(),
    }
    return render(request, "admin/operations.html", page)
