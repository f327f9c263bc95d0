"""What people send: tickets for a larger request, and for what was kept of one.

A request is bounded while it arrives, before anybody knows whose it is. So a page that asks for a
file, or for a definition, gives its form a signed ticket; whoever has none is held to what any request may hold.
"""

from typing import Any
from urllib.parse import parse_qs

from django.conf import settings
from django.core import signing
from django.core.files.uploadedfile import UploadedFile

from runner.errors import RunnerError
from runner.execution.artifacts import RunArtifacts
from runner.graph.artifact import Artifact, artifact_from
from workflows.artifacts import StoredArtifacts

FIELDS = 20
_REQUEST = signing.TimestampSigner(salt="workflows.upload")
_IMPORT = signing.TimestampSigner(salt="workflows.import")
_FILE = "workflows.kept-file"


def upload_ticket(person: Any) -> str:
    """Give a person (by key) the right to send a request with files, as long as a session lasts."""
    return _REQUEST.sign(str(person))


def import_ticket(person: Any) -> str:
    """Give a person (by key) the right to send a definition, as long as a session lasts."""
    return _IMPORT.sign(str(person))


def body_limit(address: str) -> int:
    """Give how many bytes a request to an address may hold: more with a ticket in its query."""
    limit: int = settings.BODY_LIMIT
    _, _, query = address.partition("?")
    if "upload=" not in query and "import=" not in query:
        return limit
    try:
        given = parse_qs(query, max_num_fields=FIELDS)
    except ValueError:
        return limit
    if _is_good(_REQUEST, given.get("upload", [""])[0]):
        return limit + settings.UPLOAD_LIMIT
    if _is_good(_IMPORT, given.get("import", [""])[0]):
        return limit + settings.IMPORT_LIMIT
    return limit


def _is_good(signer: signing.TimestampSigner, ticket: str) -> bool:
    try:
        signer.unsign(ticket, max_age=settings.SESSION_COOKIE_AGE)
    except signing.BadSignature:
        return False
    return True


def keep_upload(team: str, sent: "UploadedFile[Any]") -> Artifact:
    """Keep a file that came; raises RunnerError when it cannot be kept."""
    artifacts = RunArtifacts(StoredArtifacts(settings.UPLOAD_LIMIT), team)
    return artifacts.save(sent.open(), sent.name or "", sent.content_type or "")


def ticket_of(team: str, artifact: Artifact) -> str:
    """Give what a form says of a file that is kept already."""
    return signing.dumps([team, artifact.to_json()], salt=_FILE)


def artifact_in(team: str, ticket: str) -> Artifact | None:
    """Read what `ticket_of` gave; None for anything else."""
    try:
        owner, document = signing.loads(ticket, salt=_FILE, max_age=settings.SESSION_COOKIE_AGE)
        return artifact_from(document) if owner == team else None
    except (signing.BadSignature, ValueError, RunnerError):
        return None
