"""Answers to requests that no page can serve."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.template.loader import render_to_string
from django.utils.deprecation import MiddlewareMixin


def not_understood(_request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say so without looking at the request again: its body may be what cannot be read."""
    return HttpResponse(render_to_string("400.html"), status=400)


class SaysWhatIsAllowed(MiddlewareMixin):
    """Give those a sentence who follow a link to what only a form may do."""

    def process_response(
        self, _request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Fill the empty page that Django makes of a method that is not allowed."""
        if isinstance(response, HttpResponseNotAllowed) and not response.content:
            response.content = (
                b"This address is not for this kind of request; use the page's form.\n"
            )
            response.headers["Content-Type"] = "text/plain; charset=utf-8"
        return response
