"""llm.chat: asks a chat model, and passes its words on as they come."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from runner.errors import Unavailable
from runner.graph.needs import Need
from runner.graph.policy import Policy, Retry
from runner.graph.ports import Ports, Stream
from runner.graph.task import Task
from runner.library.llm.completions import Completion, messages_of, question_of
from runner.library.llm.service import Service, document_of, needs_of, put, read
from runner.library.text.answer import answer_of, words_of

if TYPE_CHECKING:
    from runner.outside.answers import Answer

OFFLINE = "extractive, offline"
_END = "[DONE]"


class Chat(Task):
    """Asks a chat model, and passes its words on as they come.

    Any service that speaks as OpenAI's does (`/chat/completions`, server-sent events): OpenAI,
    Ollama, vLLM, llama.cpp, LM Studio, OpenRouter and others, by the setting `base_url`. Without
    one there is no model: the passages that fit the prompt are quoted word by word, and port
    `model` says "extractive, offline".

    Give a `prompt`, or `messages` with `role` and `content`, or both: the prompt comes last.
    `passages` with `topic` and `text` are what to answer from. `text` grows chunk by chunk; `usage` is
    what the service counted, `finish` why it stopped.

    The credential is a bearer token and goes to the host of the base URL only; 401 makes the task wait
    for its renewal. 429, 5xx and a connection that breaks off are tried again, three times in all
    unless the policy says otherwise; what had come until then stays shown. A service inside is reached
    where the operator lists it in ANABRANCH_INTERNAL_HOSTS, such as localhost:11434.

    Example: `base_url` http://localhost:11434/v1, `model` llama3.2, `prompt` Why do rivers part?
    """

    name = "llm.chat"
    title = "Ask a chat model"
    policy = Policy(retry=Retry(attempts=3, errors=("Unavailable",)), group="llm")

    class Inputs(Ports):
        """What to answer, and from what."""

        prompt: Annotated[str, Field(json_schema_extra={"ui": "multiline"})] = ""
        messages: Annotated[
            list[dict[str, Any]],
            Field(description="What was said before, each with role and content."),
        ] = []
        system: Annotated[
            str,
            Field(description="How to answer.", json_schema_extra={"ui": "multiline"}),
        ] = ""
        passages: Annotated[
            list[dict[str, Any]],
            Field(description="What to answer from, each with topic and text."),
        ] = []

    class Outputs(Ports):
        """The answer, the model that gave it, why it ended, and what the service counted."""

        text: str
        model: str
        finish: str
        usage: dict[str, Any]

    class Config(Service):
        """Which model to ask, and how it answers."""

        temperature: Annotated[float | None, Field(ge=0, le=2, title="Temperature")] = None
        max_tokens: Annotated[int | None, Field(ge=1, le=1_000_000, title="Most tokens")] = None
        words: Annotated[int, Field(ge=1, le=10_000, title="Most words, offline")] = 150

    @classmethod
    def needs_for(cls, config: Mapping[str, Any]) -> tuple[Need, ...]:
        """Ask for the credential that a setting names, for the host of the base URL."""
        return needs_of(cls.title, config)

    @staticmethod
    def streaming() -> dict[str, Stream]:
        """Let dependants begin with the first words."""
        return {"text": Stream()}

    async def execute(self, inputs: Any, context: Any) -> dict[str, Any]:
        """Ask, and stream the answer."""
        messages = messages_of(inputs)
        if not self.config.base_url:
            return await _quote(question_of(messages), inputs.passages, self.config.words, context)
        async with put(self.config, "chat/completions", self._asked(messages), context) as answer:
            completion = Completion(self.config.model, answer.host)
            await _follow(answer, completion, context)
        return {
            "model": completion.model,
            "finish": completion.finish,
            "usage": completion.usage,
        }

    def _asked(self, messages: list[dict[str, Any]]) -> dict[str, Any]:
        chosen = {
            "temperature": self.config.temperature,
            "max_tokens": self.config.max_tokens,
        }
        return {
            "messages": messages,
            "stream": True,
            "stream_options": {"include_usage": True},
            **{name: value for name, value in chosen.items() if value is not None},
        }


async def _quote(
    question: str, passages: list[dict[str, Any]], most: int, context: Any
) -> dict[str, Any]:
    """Answer without a model, and say so."""
    context.log.info("No base URL: the answer is quoted from the passages, by no model.")
    context.progress(0.0, OFFLINE)
    for word in words_of(answer_of(question, passages, most)):
        await context.push_chunk("text", word)
    return {"model": OFFLINE, "finish": "stop", "usage": {}}


async def _follow(answer: "Answer", completion: Completion, context: Any) -> None:
    """Pass the words on; raises Unavailable when they break off, and says after how many."""
    try:
        await _take(answer, completion, context)
    except Unavailable as fault:
        if not completion.characters:
            raise
        raise Unavailable(
            f"{fault.sentence} {completion.characters} characters had come; they are shown, and "
            "the task can be tried again.",
            fault.retry_after,
        ) from fault


async def _take(answer: "Answer", completion: Completion, context: Any) -> None:
    if answer.media_type != "text/event-stream":
        if text := completion.take(await document_of(answer, context)):
            await context.push_chunk("text", text)
        return
    async for event in answer.events(context.network.value_bytes):
        if event.data.strip() == _END:
            return
        if text := completion.take(read(event.data, answer.host)):
            await context.push_chunk("text", text)
    if not completion.finish:
        raise Unavailable(
            f"The connection to {answer.host} broke off before the end of its answer."
        )
