"""webhook.post: tells another machine what happened, signed."""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field

from runner.errors import Refused
from runner.graph.needs import Need
from runner.graph.policy import Policy, Retry
from runner.graph.ports import Ports
from runner.graph.task import Task
from runner.outside.calls import Call, place_of
from runner.outside.keyed import CredentialHost, CredentialName, need_of
from runner.outside.signing import signed

_TAKEN = 1 << 16
_HINTS = {410: "The receiver wants to be told no more: take this webhook away."}


class Post(Task):
    """Posts a value as JSON to a webhook, signed so that the receiver knows who sent it.

    With a `type` the message is `{"type": …, "timestamp": …, "data": the value}`, without one it is
    the value itself. The credential is the secret that the receiver checks signatures with
    (Standard Webhooks: headers `webhook-id`, `webhook-timestamp`, `webhook-signature`); it is never
    sent, and signs for its one host only. Without a credential the message is not signed.

    408, 425, 429, 5xx and broken connections are tried again, three times in all unless the policy
    says otherwise, after the `Retry-After` that is asked for. `webhook-id` and `Idempotency-Key` stay
    the same, so a receiver that looks at them takes a message once. Redirects are not followed.
    64 KiB of the answer are kept. Which hosts are reached: as with `http.request`.

    Example: `url` https://example.org/hooks/7, `type` river.rose, `value` {"level": 3.2}.
    """

    name = "webhook.post"
    title = "Post to a webhook"
    policy = Policy(retry=Retry(attempts=3, errors=("Unavailable",)), group="http")

    class Inputs(Ports):
        """Where to, and what happened."""

        url: Annotated[str, Field(title="URL", description="Begins with https:// or http://.")]
        value: Annotated[Any, Field(description="What to tell, as JSON.")] = None
        type: Annotated[
            str,
            Field(max_length=200, description="What happened, such as river.rose; may be empty."),
        ] = ""

    class Outputs(Ports):
        """The status, the beginning of the answer, and the message's id."""

        status: int
        text: str
        id: str

    class Config(Ports):
        """Which secret signs, and how long to wait."""

        credential: CredentialName = ""
        host: CredentialHost = ""
        seconds: Annotated[float, Field(gt=0, le=600, title="Seconds to wait in all")] = 30.0

    @classmethod
    def needs_for(cls, config: Mapping[str, Any]) -> tuple[Need, ...]:
        """Ask for the secret that a setting names."""
        return need_of(cls.title, config, config.get("host"))

    async def execute(self, inputs: Any, context: Any) -> dict[str, Any]:
        """Post once; the engine tries again where that may help."""
        from runner.outside.answers import answered  # noqa: PLC0415 - loads the HTTP client
        from runner.outside.statuses import refuse_fault  # noqa: PLC0415

        body = await _message(inputs, context)
        headers = {"Content-Type": "application/json", "Idempotency-Key": context.idempotency_key}
        headers |= await self._signature(inputs.url, body, context)
        call = Call(method="POST", url=inputs.url, headers=headers, body=body)
        async with answered(call, context.network, self.config.seconds) as answer:
            await refuse_fault(answer, "", _HINTS)
            if answer.location:
                raise Refused(
                    f"{answer.host} leads on to {answer.location[:200]}, which a webhook does not "
                    "follow; give that URL, if it is the receiver's."
                )
            text = await answer.beginning(_TAKEN)
        return {"status": answer.status, "text": text, "id": context.idempotency_key}

    async def _signature(self, url: str, body: bytes, context: Any) -> Mapping[str, str]:
        if not self.config.credential:
            return {"webhook-id": context.idempotency_key}
        secret = await context.auth.secret(self.config.credential)
        text = secret.reveal(place_of(url).host)
        return signed(text, context.idempotency_key, int(time.time()), body)


async def _message(inputs: Any, context: Any) -> bytes:
    """Give the message, the same for every attempt."""
    message = inputs.value
    if inputs.type:
        at = await context.decide("timestamp", lambda: datetime.now(UTC).isoformat())
        message = {"type": inputs.type, "timestamp": at, "data": inputs.value}
    try:
        return json.dumps(message, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError) as fault:
        raise Refused(f"The value cannot be written as JSON: {fault}.") from fault
