"""text.embed: turns texts into vectors whose nearness is nearness of meaning."""

import asyncio
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Annotated, Any

from pydantic import Field

from runner.errors import Refused
from runner.graph.needs import Need
from runner.graph.policy import Policy, Retry
from runner.graph.ports import Ports, Stream
from runner.graph.task import Task
from runner.library.llm.service import Service, document_of, needs_of, put

OFFLINE = "wordllama, offline"
MISSING = (
    "No vectors were made: set a base URL, or let the operator install the package wordllama, "
    "which makes them offline."
)


class Embed(Task):
    """Turns texts into vectors whose nearness is nearness of meaning.

    Any service that speaks as OpenAI's does (`/embeddings`), by the setting `base_url`. Without one,
    the package wordllama makes them offline (256 numbers each) if the operator has installed it; if
    not, there are no vectors, and port `note` says in one sentence why.

    `vectors` are in the order of the texts, and stream batch by batch. Credentials, statuses and hosts
    inside: as with `llm.chat`.

    Example: `base_url` http://localhost:11434/v1, `model` nomic-embed-text, `texts` ["a river"].
    """

    name = "text.embed"
    title = "Embed texts"
    policy = Policy(retry=Retry(attempts=3, errors=("Unavailable",)), group="llm")

    class Inputs(Ports):
        """Texts, each to be one vector."""

        texts: list[str]

    class Outputs(Ports):
        """The vectors, what made them, and why there are none."""

        vectors: list[list[float]]
        model: str
        note: str

    class Config(Service):
        """Which model to ask, and for how many texts at once."""

        batch: Annotated[int, Field(ge=1, le=2048, title="Texts at once")] = 64

    @classmethod
    def needs_for(cls, config: Mapping[str, Any]) -> tuple[Need, ...]:
        """Ask for the credential that a setting names, for the host of the base URL."""
        return needs_of(cls.title, config)

    @staticmethod
    def streaming() -> dict[str, Stream]:
        """Let dependants begin with the first vectors."""
        return {"vectors": Stream()}

    async def execute(self, inputs: Any, context: Any) -> dict[str, Any]:
        """Embed batch by batch."""
        model, note = (self.config.model, "") if self.config.base_url else await _offline()
        if note:
            context.log.warning(note)
            return {"model": model, "note": note}
        for first in range(0, len(inputs.texts), self.config.batch):
            texts = inputs.texts[first : first + self.config.batch]
            for vector in await self._vectors(texts, context):
                await context.push_chunk("vectors", vector)
            context.progress(min(1.0, (first + len(texts)) / len(inputs.texts)))
        return {"model": model, "note": ""}

    async def _vectors(self, texts: list[str], context: Any) -> list[list[float]]:
        if not self.config.base_url:
            return await asyncio.to_thread(_embedded, texts)
        async with put(self.config, "embeddings", {"input": texts}, context) as answer:
            document = await document_of(answer, context)
        return _in_order(document.get("data"), len(texts), answer.host)


def _in_order(found: Any, count: int, host: str) -> list[list[float]]:
    """Give the vectors of an answer in the order of the texts; raises Refused if one is missing."""
    by_index: dict[Any, list[float]] = {}
    for each in found if isinstance(found, list) else ():
        if isinstance(each, dict) and isinstance(each.get("embedding"), list):
            by_index[each.get("index", len(by_index))] = each["embedding"]
    if by_index.keys() != set(range(count)):
        raise Refused(
            f"{host} gives {len(by_index)} vectors for {count} texts; is it a model for them?"
        )
    return [by_index[index] for index in range(count)]


async def _offline() -> tuple[str, str]:
    """Say what makes vectors offline, and why nothing does."""
    try:
        await asyncio.to_thread(_model)
    except ImportError:
        return "", MISSING
    return OFFLINE, ""


@cache
def _model() -> Any:
    """Load the package and its weights once; raises ImportError where it is not installed."""
    from importlib import import_module  # noqa: PLC0415
    from pathlib import Path  # noqa: PLC0415

    package = import_module("wordllama")
    # Its own weights: elsewhere it would look for them on a hub.
    where = Path(str(package.__file__)).parent
    return package.WordLlama.load(cache_dir=where, disable_download=True)


def _embedded(texts: Iterable[str]) -> list[list[float]]:
    return [[float(number) for number in vector] for vector in _model().embed(list(texts))]
