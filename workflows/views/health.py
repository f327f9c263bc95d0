"""Whether this server answers, and whether it reaches its database."""

from django.db import Error, connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

PLAIN = "text/plain"


@require_safe
def check(request: HttpRequest) -> HttpResponse:
    """Answer a monitor; 503 while the database is away."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        # The next request tries with a connection of its own.
        connection.close()
        return HttpResponse("the database does not answer\n", content_type=PLAIN, status=503)
    return HttpResponse("ok\n", content_type=PLAIN)
