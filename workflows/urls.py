"""Every page's address, named object-verb."""

from typing import Any

from channels.security.websocket import WebsocketDenier
from django.contrib import admin
from django.urls import path, re_path

from workflows.consumers import RunConsumer
from workflows.draft_consumer import DraftConsumer
from workflows.views import (
    about,
    answers,
    appearance,
    artifacts,
    comparing,
    credentials,
    decisions,
    editor,
    examples,
    health,
    history,
    joining,
    outline,
    panel,
    people,
    refusals,
    reruns,
    run_acts,
    run_list,
    run_logs,
    runs,
    searching,
    tasks,
    teams,
    trials,
    versions,
    workflows,
)

urlpatterns = [
    path("", workflows.home, name="home"),
    path("search/", searching.search, name="search"),
    path("waiting/", workflows.waiting, name="waiting-list"),
    path("workflows/", workflows.index, name="workflow-list"),
    path("workflows/new/", workflows.new, name="workflow-new"),
    path("workflows/examples/<str:name>/use/", examples.use, name="example-use"),
    path("workflows/<uuid:id>/", workflows.show, name="workflow-show"),
    path("workflows/<uuid:id>/export/", workflows.export, name="workflow-export"),
    path("workflows/<uuid:id>/versions/", versions.index, name="version-list"),
    path("workflows/<uuid:id>/versions/diff/", versions.diff, name="version-diff"),
    path("workflows/<uuid:id>/versions/<int:number>/json/", versions.export, name="version-export"),
    path(
        "workflows/<uuid:id>/versions/<int:number>/python/", versions.python, name="version-python"
    ),
    path("workflows/<uuid:id>/versions/<int:number>/svg/", versions.svg, name="version-svg"),
    path(
        "workflows/<uuid:id>/versions/<int:number>/restore/",
        versions.restore,
        name="version-restore",
    ),
    path("workflows/<uuid:id>/about/", about.show, name="workflow-about"),
    path("workflows/<uuid:id>/remove/", about.remove, name="workflow-remove"),
    path("workflows/<uuid:id>/try/", trials.start, name="run-try"),
    path("workflows/<uuid:id>/copy/", workflows.copy, name="workflow-copy"),
    path("workflows/<uuid:id>/history/", history.show, name="workflow-history"),
    path("workflows/<uuid:id>/outline/", outline.outline, name="workflow-outline"),
    path("workflows/<uuid:id>/edit/", editor.show, name="workflow-edit"),
    path("workflows/<uuid:id>/edit/do/", editor.do, name="draft-do"),
    path("workflows/<uuid:id>/edit/undo/", editor.take_back, name="draft-undo"),
    path("workflows/<uuid:id>/edit/redo/", editor.do_again, name="draft-redo"),
    path("workflows/<uuid:id>/edit/tidy/", editor.tidy, name="draft-tidy"),
    path("workflows/<uuid:id>/edit/parts/", editor.parts, name="draft-parts"),
    path("workflows/<uuid:id>/edit/fits/", editor.fits, name="draft-fits"),
    path("workflows/<uuid:id>/edit/palette/", editor.palette, name="draft-palette"),
    path("workflows/<uuid:id>/edit/panel/", panel.panel, name="draft-panel"),
    path("workflows/<uuid:id>/edit/clip/", editor.clip, name="draft-clip"),
    path("workflows/<uuid:id>/edit/problems/", editor.problems, name="draft-problems"),
    path("workflows/<uuid:id>/edit/publish/", editor.make_version, name="draft-publish"),
    path("workflows/<uuid:id>/run/", runs.start, name="run-start"),
    path("runs/", run_list.index, name="run-list"),
    path("runs/filters/", run_list.save, name="run-filter-save"),
    path("runs/filters/<int:id>/remove/", run_list.remove, name="run-filter-remove"),
    path("runs/compare/", comparing.compare, name="run-compare"),
    path("runs/<uuid:id>/", runs.show, name="run-show"),
    path("runs/<uuid:id>/tasks/<path:path>/", tasks.show, name="task-show"),
    path("runs/<uuid:id>/files/<str:digest>/", artifacts.download, name="run-file"),
    path("runs/<uuid:id>/files/<str:digest>/picture/", artifacts.picture, name="run-picture"),
    path("runs/<uuid:id>/inputs/<str:port>/", tasks.given, name="run-input"),
    path("runs/<uuid:id>/answer/<path:path>/", answers.give, name="run-answer"),
    path("runs/<uuid:id>/decide/", decisions.decide_versions, name="run-decide-versions"),
    path("runs/<uuid:id>/decide/<path:path>/", decisions.decide, name="run-decide"),
    path("runs/<uuid:id>/renew/", run_acts.renew, name="run-renew"),
    path("runs/<uuid:id>/log/", run_logs.download, name="run-log"),
    path("runs/<uuid:id>/rerun/", reruns.rerun, name="run-rerun"),
    path("runs/<uuid:id>/cancel/", run_acts.cancel, name="run-cancel"),
    path("runs/<uuid:id>/resume/", run_acts.resume, name="run-resume"),
    path("runs/<uuid:id>/pause/", run_acts.pause, name="run-pause"),
    path("runs/<uuid:id>/continue/", run_acts.continue_, name="run-continue"),
    path("drawings/<str:hash>.css", runs.drawing, name="run-drawing"),
    path("me/", people.me, name="me"),
    path("me/password/", people.password, name="password"),
    path("me/credentials/", credentials.index, name="credential-list"),
    path("me/credentials/<uuid:id>/remove/", credentials.remove, name="credential-remove"),
    path("teams/", teams.index, name="team-list"),
    path("teams/<slug:slug>/", teams.show, name="team-show"),
    path("teams/<slug:slug>/rename/", teams.name, name="team-rename"),
    path("teams/<slug:slug>/dissolve/", teams.dissolve, name="team-dissolve"),
    path("teams/<slug:slug>/invitations/", teams.invitation, name="invitation-new"),
    path(
        "teams/<slug:slug>/invitations/<uuid:id>/take-back/",
        teams.uninvite,
        name="invitation-take-back",
    ),
    path("teams/<slug:slug>/members/<int:user>/role/", teams.role, name="member-role"),
    path("teams/<slug:slug>/members/<int:user>/remove/", teams.remove, name="member-remove"),
    path("join/", joining.ask, name="join"),
    path("join/accept/", joining.accept, name="join-accept"),
    path("appearance/", appearance.choose, name="appearance"),
    path("sign-in/", people.sign_in, name="sign-in"),
    path("sign-out/", people.sign_out, name="sign-out"),
    path("healthz", health.check, name="health"),
    path("admin/", admin.site.urls),
]
handler400 = refusals.not_understood
# The stubs know no path that leads to a socket.
_run_socket: Any = RunConsumer.as_asgi()
_draft_socket: Any = DraftConsumer.as_asgi()
_no_socket: Any = WebsocketDenier.as_asgi()
websocket_urlpatterns: list[Any] = [
    path("runs/<uuid:id>/live", _run_socket),
    path("workflows/<uuid:id>/edit/live", _draft_socket),
    re_path("", _no_socket),
]
