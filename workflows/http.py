"""The request as the views see it: with a signed-in person and HTMX's details."""

from django.contrib.auth.models import User
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails


class Request(HttpRequest):
    """A request of a signed-in person."""

    user: User
    htmx: HtmxDetails
