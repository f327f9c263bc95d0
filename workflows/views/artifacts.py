"""Files of a run: given to those who may see it, to be saved; pictures also to be drawn."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from typing import Any, BinaryIO
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from runner.errors import DamagedArtifact, MissingArtifact
from workflows.access import run_for
from workflows.artifacts import StoredArtifacts
from workflows.http import Request
from workflows.models import Run, RunContent
from workflows.pictures import PICTURE_LIMIT, picture_type_of

BLOCK = 1 << 18
_DIGEST = re.compile(r"[0-9a-f]{64}")
#: A file is a stranger's: no browser runs what is in it, whatever its media type.
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
}


class BlockByBlock(FileResponse):
    """A file that goes out as it is read; the server would read all of it into memory first."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Read in a thread, whenever the last block has gone."""
        content: Any = self.file_to_stream
        while block := await asyncio.to_thread(content.read, BLOCK):
            yield block


@login_required
@require_safe
def download(request: Request, id: UUID, digest: str) -> HttpResponseBase:
    """Give a file that a run mentions, to be saved."""
    mention = _mention(run_for(request.user, id), digest)
    etag = f'"{digest}"'
    unchanged = get_conditional_response(request, etag=etag)
    if unchanged is not None:
        return unchanged
    try:
        content = _opened(str(mention.content.team_id), digest)
    except (MissingArtifact, DamagedArtifact) as fault:
        return gone(request, fault)
    return BlockByBlock(
        content,
        as_attachment=True,
        filename=mention.name or f"{digest[:12]}.bin",
        content_type=mention.media_type,
        headers={**_HEADERS, "Content-Length": str(mention.content.size), "ETag": etag},
    )


@login_required
@require_safe
def picture(request: Request, id: UUID, digest: str) -> HttpResponseBase:
    """Give a picture that a run mentions, to be drawn on a page; anything else is not found."""
    mention = _mention(run_for(request.user, id), digest)
    media_type = picture_type_of(str(mention.content.team_id), digest)
    if not media_type or mention.content.size > PICTURE_LIMIT:
        raise Http404
    etag = f'"{digest}"'
    unchanged = get_conditional_response(request, etag=etag)
    if unchanged is not None:
        return unchanged
    try:
        content = _opened(str(mention.content.team_id), digest)
    except (MissingArtifact, DamagedArtifact) as fault:
        return gone(request, fault)
    return BlockByBlock(
        content,
        content_type=media_type,
        headers={**_HEADERS, "Content-Length": str(mention.content.size), "ETag": etag},
    )


def gone(request: Request, fault: Exception) -> HttpResponse:
    """Say that content is not there any more, or not what was kept."""
    return render(request, "410.html", {"problem": str(fault)}, status=410)


def _mention(run: Run, digest: str) -> RunContent:
    files = run.contents.exclude(media_type="").select_related("content")
    named = files.filter(content__digest=digest) if _DIGEST.fullmatch(digest) else files.none()
    mention = named.first()
    if mention is None:
        raise Http404
    return mention


def _opened(team: str, digest: str) -> BinaryIO:
    """Open content that is what its hash says; nothing can be said once it has begun to go out."""
    content = StoredArtifacts().open(team, digest)
    found = hashlib.sha256()
    while block := content.read(BLOCK):
        found.update(block)
    if found.hexdigest() != digest:
        content.close()
        raise DamagedArtifact(digest)
    content.seek(0)
    return content
