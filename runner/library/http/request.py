"""http.request: asks another machine, and gives what it answers as it comes."""

import asyncio
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlencode, urlsplit

from pydantic import Field

from runner.errors import Refused
from runner.execution.network import Network
from runner.graph.artifact import Artifact, clean_media_type, clean_name
from runner.graph.needs import Need
from runner.graph.policy import Policy
from runner.graph.ports import Ports, Stream
from runner.graph.task import Task
from runner.outside.calls import Call, Credential, check_headers, with_query
from runner.outside.filing import filed
from runner.outside.keyed import CredentialHost, CredentialName, need_of

type Kind = Literal["auto", "text", "events", "file"]
_TEXTS = ("text/", "application/xml", "application/javascript", "application/x-ndjson")
_EVENTS = "text/event-stream"
#: From here on JSON is read in a thread: the event loop has others to serve.
_SMALL = 1 << 18


class Request(Task):
    """Asks another machine by HTTP, and gives what it answers as it comes.

    What comes back is one of three, by the setting `answer`, or by its media type: a text, which
    grows on port `text` and is read into port `value` if it is JSON; events (server-sent), one by
    one on port `events`; a file on port `file`, also where a text says that it is longer than
    values may be.

    A status of 400 and above fails the task, unless the setting `fails` is off. 408, 425, 429 and
    5xx are tried again as often as the policy says, after the `Retry-After` that the other side
    names; other statuses are not. 401 for a credential makes the task wait for its renewal.

    A credential goes to its one host only, and only encrypted. A redirect to another server takes
    neither the credential nor headers of your own along. Only public hosts are reached, on ports
    80 and 443, and those that the operator lists in ANABRANCH_INTERNAL_HOSTS. A POST or PATCH has
    an `Idempotency-Key` that stays the same when the task is tried again. Secrets are not masked
    inside of files.

    Example: `url` https://api.example.org/items, `query` {"page": 2}, `answer` auto; port `value`
    then has the items.
    """

    name = "http.request"
    title = "HTTP request"
    policy = Policy(group="http")

    class Inputs(Ports):
        """Where to, and what to say there."""

        url: Annotated[str, Field(title="URL", description="Begins with https:// or http://.")]
        query: Annotated[
            dict[str, Any],
            Field(description="Added to the URL; a list gives its name several times."),
        ] = {}
        headers: Annotated[dict[str, str], Field(description="Without any credential.")] = {}
        body: Annotated[
            Any,
            Field(
                description="A text is sent as it is, a file and bytes too, anything else as JSON."
            ),
        ] = None

    class Outputs(Ports):
        """The status, the headers by small names, and the body in one of its forms."""

        status: int
        headers: dict[str, str]
        text: str
        value: Any
        events: list[dict[str, Any]]
        file: Artifact | None

    class Config(Ports):
        """How to ask, with which credential, and for how long."""

        method: Annotated[
            Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"],
            Field(title="Method"),
        ] = "GET"
        body_as: Annotated[Literal["json", "form"], Field(title="Send a mapping as")] = "json"
        answer: Annotated[Kind, Field(title="Take the answer as")] = "auto"
        credential: CredentialName = ""
        host: CredentialHost = ""
        scheme: Annotated[
            Literal["bearer", "basic", "header"],
            Field(
                title="Send the credential as",
                description="bearer: a token; basic: name:password; header: the whole header.",
            ),
        ] = "bearer"
        header: Annotated[str, Field(max_length=200, title="Header of the credential")] = (
            "X-Api-Key"
        )
        fails: Annotated[bool, Field(title="Fail on status 400 and above")] = True
        redirects: Annotated[int, Field(ge=0, le=20, title="Redirects to follow")] = 3
        seconds: Annotated[float, Field(gt=0, le=86_400, title="Seconds to wait in all")] = 60.0

    @classmethod
    def needs_for(cls, config: Mapping[str, Any]) -> tuple[Need, ...]:
        """Ask for the credential that a setting names."""
        return need_of(cls.title, config, config.get("host"))

    @staticmethod
    def streaming() -> dict[str, Stream]:
        """Text and events are passed on as they come."""
        return {"text": Stream(), "events": Stream()}

    async def execute(self, inputs: Any, context: Any) -> dict[str, Any]:
        """Ask, and hand on what is answered."""
        from runner.outside.answers import answered  # noqa: PLC0415 - loads the HTTP client
        from runner.outside.statuses import refuse_fault  # noqa: PLC0415

        call = await self._call(inputs, context)
        async with answered(call, context.network, self.config.seconds) as answer:
            if self.config.fails:
                await refuse_fault(answer, self.config.credential, {})
            given = {"status": answer.status, "headers": dict(answer.headers)}
            kind = _kind(self.config, answer, context.network)
            return given | await _TAKEN[kind](answer, context)

    async def _call(self, inputs: Any, context: Any) -> Call:
        check_headers(inputs.headers)
        body, media_type = _written(inputs.body, self.config.body_as)
        headers = {"Content-Type": media_type} if media_type else {}
        if self.config.method in {"POST", "PATCH"}:
            headers["Idempotency-Key"] = context.idempotency_key
        own = {name.lower() for name in inputs.headers}
        headers = {name: each for name, each in headers.items() if name.lower() not in own}
        return Call(
            method=self.config.method,
            url=with_query(inputs.url, inputs.query),
            headers=headers | inputs.headers,
            body=body,
            credential=await self._credential(context),
            redirects=min(self.config.redirects, context.network.redirects),
        )

    async def _credential(self, context: Any) -> Credential | None:
        if not self.config.credential:
            return None
        check_headers({self.config.header: ""})
        secret = await context.auth.secret(self.config.credential)
        return Credential(secret=secret, scheme=self.config.scheme, header=self.config.header)


def _written(body: Any, way: str) -> tuple[bytes | Artifact, str]:
    """Give the bytes of a body, or a file, and their media type."""
    if isinstance(body, Artifact):
        return body, body.media_type
    if body is None:
        return b"", ""
    if isinstance(body, bytes):
        return body, "application/octet-stream"
    if isinstance(body, str):
        return body.encode(), "text/plain; charset=utf-8"
    if way == "form":
        if not isinstance(body, dict):
            raise Refused("A form is sent from a mapping of names to values.")
        return urlencode(body, doseq=True).encode(), "application/x-www-form-urlencoded"
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False).encode(), "application/json"
    except (TypeError, ValueError) as fault:
        raise Refused(f"The body cannot be written as JSON: {fault}.") from fault


def _kind(config: Any, answer: Any, network: Network) -> Kind:
    """Choose how the answer is taken, where nobody chose it; one to HEAD has no body."""
    if config.answer != "auto" or config.method == "HEAD":
        return "text" if config.answer == "auto" else config.answer
    media_type = answer.media_type
    if media_type == _EVENTS:
        return "events"
    is_text = media_type.startswith(_TEXTS) or _is_json(media_type) or media_type.endswith("+xml")
    if answer.declared_bytes > network.value_bytes or (media_type and not is_text):
        return "file"
    return "text"


def _is_json(media_type: str) -> bool:
    return media_type == "application/json" or media_type.endswith("+json")


async def _as_text(answer: Any, context: Any) -> dict[str, Any]:
    kept: list[str] = []
    keeps = _is_json(answer.media_type)
    async for text in answer.texts(context.network.value_bytes):
        await context.push_chunk("text", text)
        if keeps:
            kept.append(text)
    return {"value": await _read("".join(kept), answer) if kept else None, "file": None}


async def _as_events(answer: Any, context: Any) -> dict[str, Any]:
    async for event in answer.events(context.network.value_bytes):
        said = {"event": event.event, "data": event.data, "id": event.id}
        await context.push_chunk("events", said)
    return {"value": None, "file": None}


async def _as_file(answer: Any, context: Any) -> dict[str, Any]:
    blocks = answer.blocks(context.network.file_bytes)
    name = clean_name(urlsplit(answer.url).path) or "answer"
    file = await filed(context, blocks, name, clean_media_type(answer.media_type))
    return {"value": None, "file": file}


_TAKEN = {"text": _as_text, "events": _as_events, "file": _as_file}


async def _read(text: str, answer: Any) -> Any:
    try:
        return await asyncio.to_thread(json.loads, text) if len(text) > _SMALL else json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise Refused(
            f"{answer.host} says that it answers in JSON, and does not; take the answer as a file "
            "to look at it."
        ) from fault
