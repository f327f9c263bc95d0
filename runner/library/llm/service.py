"""A service that speaks as OpenAI's does: its settings, and one question put to it."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from runner.errors import Refused
from runner.graph.needs import Need
from runner.graph.ports import Ports
from runner.outside.calls import Call, Credential, place_of
from runner.outside.keyed import CredentialName, need_of

if TYPE_CHECKING:
    from runner.outside.answers import Answer


class Service(Ports):
    """Which service and which model; without a base URL nothing leaves this machine."""

    base_url: Annotated[
        str,
        Field(
            max_length=2000,
            title="Base URL",
            description="Of a service that speaks as OpenAI's does, such as https://api.example.org/v1; "
            "empty: offline.",
        ),
    ] = ""
    model: Annotated[str, Field(max_length=200, title="Model")] = ""
    credential: CredentialName = ""
    seconds: Annotated[float, Field(gt=0, le=86_400, title="Seconds to wait in all")] = 600.0


def needs_of(title: str, config: Mapping[str, Any]) -> tuple[Need, ...]:
    """Give the need of a service: its credential, for the host of its base URL."""
    url = config.get("base_url")
    host = _host_in(url) if isinstance(url, str) else url
    return need_of(title, config, host, where="base_url")


def _host_in(url: str) -> str:
    try:
        return place_of(url).host
    except Refused:
        return ""


@asynccontextmanager
async def put(
    service: Service, path: str, document: Mapping[str, Any], context: Any
) -> "AsyncIterator[Answer]":
    """Post a document to a path below the base URL; raises with the fix for a status from 400 on."""
    from runner.outside.answers import answered  # noqa: PLC0415 - loads the HTTP client
    from runner.outside.statuses import refuse_fault  # noqa: PLC0415

    if not service.model:
        raise Refused("A service is asked for a model by name: give it in the setting model.")
    call = Call(
        method="POST",
        url=f"{service.base_url.rstrip('/')}/{path}",
        headers={"Content-Type": "application/json"},
        body=json.dumps({"model": service.model, **document}, allow_nan=False).encode(),
        credential=await _credential(service, context),
    )
    async with answered(call, context.network, service.seconds) as answer:
        await refuse_fault(answer, service.credential, _hints(service))
        if answer.location:
            raise Refused(
                f"{answer.host} leads on to {answer.location[:200]}; set the base URL to where it "
                "leads, without the path that was asked for."
            )
        yield answer


async def _credential(service: Service, context: Any) -> Credential | None:
    if not service.credential:
        return None
    return Credential(secret=await context.auth.secret(service.credential))


def _hints(service: Service) -> Mapping[int, str]:
    model = f"Is there a model '{service.model}', and does the base URL end as the service says, often in /v1?"
    return {
        401: "Name a credential in the setting credential.",
        403: f"May the credential use the model '{service.model}'?",
        404: model,
        405: model,
    }


async def document_of(answer: "Answer", context: Any) -> Any:
    """Read an answer as JSON; raises Refused for anything else."""
    text = "".join([each async for each in answer.texts(context.network.value_bytes)])
    return read(text, answer.host)


def read(text: str, host: str) -> Any:
    """Read a JSON object of a service; raises Refused for anything else."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise Refused(
            f"{host} does not answer as OpenAI's service does; does the base URL end as it says, often "
            "in /v1?"
        )
    return document
