"""What is said to a chat model, and what its answer holds (pure)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from runner.errors import Refused, Unavailable

_LONGEST_FAULT = 500


@dataclass(slots=True)
class Completion:
    """An answer as far as it came: what it was made by, why it ended, what it took."""

    model: str
    host: str
    finish: str = ""
    usage: dict[str, Any] = field(default_factory=dict)
    characters: int = 0

    def take(self, document: Mapping[str, Any]) -> str:
        """Take a piece of a stream, or a whole answer; give the text in it.

        Raises Unavailable for what the service says went wrong, Refused for what is neither.
        """
        if fault := document.get("error"):
            said = fault.get("message") if isinstance(fault, Mapping) else fault
            raise Unavailable(f"{self.host} stopped: {str(said)[:_LONGEST_FAULT]}")
        choices = document.get("choices")
        if not isinstance(choices, list):
            raise Refused(f"{self.host} sends what is no part of an answer of a chat model.")
        if isinstance(document.get("usage"), dict):
            self.usage = document["usage"]
        self.model = str(document.get("model") or self.model)
        text = "".join(self._text(choice) for choice in choices[:1] if isinstance(choice, dict))
        self.characters += len(text)
        return text

    def _text(self, choice: Mapping[str, Any]) -> str:
        self.finish = str(choice.get("finish_reason") or self.finish)
        said = choice.get("delta") or choice.get("message") or {}
        text = said.get("content") if isinstance(said, dict) else None
        return text if isinstance(text, str) else ""


def messages_of(inputs: Any) -> list[dict[str, Any]]:
    """Put the inputs together as messages; raises Refused for none, and for what is no message."""
    for number, message in enumerate(inputs.messages, start=1):
        if not isinstance(message.get("role"), str) or "content" not in message:
            raise Refused(
                f"Message {number} has no role and content; write it as "
                '{"role": "user", "content": "…"}.'
            )
    system = "\n\n".join(filter(None, [inputs.system, _quoted(inputs.passages)]))
    messages = [{"role": "system", "content": system}] if system else []
    messages += inputs.messages
    if inputs.prompt:
        messages.append({"role": "user", "content": inputs.prompt})
    if not any(message["role"] == "user" for message in messages):
        raise Refused("There is nothing to answer: give a prompt, or messages with one of a user.")
    return messages


def question_of(messages: Iterable[Mapping[str, Any]]) -> str:
    """Give what a user asked last, as text."""
    asked = [each["content"] for each in messages if each["role"] == "user"]
    return str(asked[-1])


def _quoted(passages: Iterable[Mapping[str, Any]]) -> str:
    parts = [f"From “{each.get('topic', '')}”:\n{each.get('text', '')}" for each in passages]
    return "\n\n".join(["Answer from these passages, and name them.", *parts]) if parts else ""
