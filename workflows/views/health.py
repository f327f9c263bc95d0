"""Whether this server answers, reaches its database, and drives runs."""

from django.db import Error, connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from workflows import background

PLAIN = "text/plain"


@require_safe
def check(request: HttpRequest) -> HttpResponse:
    """Answer a monitor; 503 while the database is away."""
    fault = _fault()
    return HttpResponse(f"{fault or 'ok'}\n", content_type=PLAIN, status=503 if fault else 200)


@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """Answer who hands out requests; 503 also before the background runner has started."""
    fault = _fault() or ("" if background.is_running() else "the background runner is not running")
    return HttpResponse(f"{fault or 'ready'}\n", content_type=PLAIN, status=503 if fault else 200)


def _fault() -> str:
    """Say what is wrong with the database; empty when it answers."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        # The next request tries with a connection of its own.
        connection.close()
        return "the database does not answer"
    return ""
