"""Every page's address, named object-verb."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from django.contrib import admin
from django.http import HttpResponseBase
from django.urls import path


def _view(name: str) -> Callable[..., HttpResponseBase]:
    module, function = name.split(".")

    def view(*args: Any, **kwargs: Any) -> HttpResponseBase:
        return getattr(import_module(f"workflows.views.{module}"), function)(*args, **kwargs)

    return view


urlpatterns = [
    path("", _view("workflows.home"), name="home"),
    path("workflows/", _view("workflows.index"), name="workflow-list"),
    path("workflows/<uuid:id>/", _view("workflows.show"), name="workflow-show"),
    path("workflows/<uuid:id>/run/", _view("runs.start"), name="run-start"),
    path("runs/", _view("runs.index"), name="run-list"),
    path("runs/<uuid:id>/", _view("runs.show"), name="run-show"),
    path("runs/<uuid:id>/tasks/<path:path>/", _view("runs.task"), name="task-show"),
    path("runs/<uuid:id>/cancel/", _view("runs.cancel"), name="run-cancel"),
    path("runs/<uuid:id>/resume/", _view("runs.resume"), name="run-resume"),
    path("drawings/<str:hash>.css", _view("runs.drawing"), name="run-drawing"),
    path("sign-in/", _view("people.sign_in"), name="sign-in"),
    path("sign-out/", _view("people.sign_out"), name="sign-out"),
    path("healthz", _view("health.check"), name="health"),
    path("admin/", admin.site.urls),
]


def _socket(name: str) -> Any:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        consumer = getattr(import_module("workflows.consumers"), name)
        await consumer.as_asgi()(scope, receive, send)

    return application


websocket_urlpatterns = [path("runs/<uuid:id>/live", _socket("RunConsumer"))]
