"""What stands around every page: the palette, and how much waits for a person."""

from typing import Any

from django.http import HttpRequest

from workflows.palettes import palette_in


def framed(request: HttpRequest) -> dict[str, Any]:
    """Give what the frame of a page shows; what costs a query is asked only where it is drawn."""
    return {"palette": palette_in(request.COOKIES)}
