"""What stands around every page: the palette, and how much waits for a person."""

from functools import partial
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from workflows.models.team import Person
from workflows.palettes import palette_in
from workflows.waiting import count_waiting


def framed(request: HttpRequest) -> dict[str, Any]:
    """Give what the frame of a page shows; what costs a query is asked only where it is drawn."""
    person: Person = getattr(request, "user", AnonymousUser())
    return {
        "palette": palette_in(request.COOKIES),
        "count_waiting": partial(count_waiting, person) if person.is_authenticated else 0,
    }
