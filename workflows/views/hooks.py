"""The address that other machines ask; async, since an answer may wait for the end of a run."""

import asyncio
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from workflows.client_address import address_of
from workflows.hooks import Begun, Told, begin, outcome_of

#: In seconds, between two looks at a run that is waited for.
LOOK = 0.2


@csrf_exempt  # nosemgrep - whoever asks has no cookie, but a secret to sign with
@require_POST
async def receive(request: HttpRequest, id: UUID) -> JsonResponse:
    """Start a run for a signed request: 202 with its address, or 200 with the output it waits for."""
    address = address_of(request)
    begun = await sync_to_async(begin)(id, request.headers, request.body, address)
    if isinstance(begun, Told):
        return JsonResponse(begun.body, status=begun.status)
    told = await _waited(begun) if begun.port else None
    if told is not None:
        return JsonResponse(told.body, status=told.status)
    where = request.build_absolute_uri(reverse("run-show", args=[begun.run]))
    return JsonResponse({"run": str(begun.run), "url": where}, status=202)


async def _waited(begun: Begun) -> Told | None:
    """Wait for the end of a run as long as may be; None if it has not come by then."""
    for _ in range(round(settings.HOOK_WAIT_SECONDS / LOOK)):
        if (told := await sync_to_async(outcome_of)(begun)) is not None:
            return told
        await asyncio.sleep(LOOK)
    return None
