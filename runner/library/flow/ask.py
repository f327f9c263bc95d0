"""A wait for a person who answers or approves."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from runner.errors import ValueFault
from runner.graph.port_fields import ports_of
from runner.graph.ports import Port, Ports
from runner.graph.task import Task
from runner.library.drawn_ports import drawn_ports

_LONGEST = 366 * 24 * 3600


class Ask(Task):
    """Waits for a person: for a form to be filled, or for an approval."""

    name = "flow.ask"
    title = "Ask"
    version = "2"
    compatible_with = ("1",)

    class Inputs(Ports):
        """What the person should look at before answering."""

        shown: Any = None

    class Config(Ports):
        """The question; `fields` are ports as in a definition, `deadline` counts seconds."""

        title: Annotated[str, Field(max_length=200, title="Question")] = ""
        help: Annotated[str, Field(max_length=4000, title="Explanation")] = ""
        kind: Annotated[Literal["input", "approval"], Field(title="Wanted")] = "approval"
        fields: Annotated[list[dict[str, Any]], Field(max_length=50, title="Fields")] = []
        deadline: Annotated[float | None, Field(gt=0, le=_LONGEST, title="Seconds to answer")] = (
            None
        )
        others_only: Annotated[bool, Field(title="Not by who started the run")] = False

    class Answer(Ports):
        """The outputs of a form."""

        answer: dict[str, Any]

    class Approval(Ports):
        """The outputs of an approval."""

        approved: bool
        note: str

    def __init__(self, config: Mapping[str, Any] | None = None) -> None:
        """Check the question; raises ValueFault with a sentence."""
        super().__init__(config)
        self.fields: dict[str, Port] = drawn_ports(
            self.config.fields, self.config.title or self.title
        )
        asks_input = self.config.kind == "input"
        if asks_input and not self.fields:
            raise ValueFault(f"{self.title} asks for input, but has no fields; add one.")
        if self.fields and not asks_input:
            raise ValueFault(f"{self.title} asks for an approval, which has no fields.")
        self.outputs = _OUTPUTS[self.config.kind]

    async def execute(self, inputs: Any, context: Any) -> dict[str, Any]:
        """Ask, and give the answer; raises ValueFault for one that does not fit."""
        answer = await context.ask(self.question(inputs.shown))
        faults = self.faults(answer)
        if faults:
            raise ValueFault(" ".join(faults.values()))
        if self.config.kind == "approval":
            return {"approved": answer["approved"], "note": answer.get("note") or ""}
        return {"answer": {name: _valid(port, answer) for name, port in self.fields.items()}}

    def question(self, shown: Any = None) -> dict[str, Any]:
        """Give the question as JSON: title, help, kind, fields, deadline, and what to look at.

        Whether its starter may answer comes first: there a search of many questions finds it.
        """
        first = {"others_only": self.config.others_only}
        return {**first, **self.config.model_dump(), "shown": shown}

    def faults(self, answer: Mapping[str, Any]) -> dict[str, str]:
        """Say by field what does not fit in an answer; empty if everything does."""
        if self.config.kind == "approval":
            known: Mapping[str, Port] = _APPROVAL
        else:
            known = self.fields
        found = {name: f"There is no field '{name:.80}'." for name in answer if name not in known}
        for name, port in known.items():
            if sentence := _fault(port, answer):
                found[name] = sentence
        return found


_OUTPUTS = {
    "input": ports_of(Ask.Answer, Ask.title),
    "approval": ports_of(Ask.Approval, Ask.title),
}


_APPROVAL = {
    "approved": Port(name="approved", type=bool, owner=Ask.title),
    "note": Port(name="note", type=str, required=False, owner=Ask.title),
}


def _fault(port: Port, answer: Mapping[str, Any]) -> str:
    value = answer.get(port.name)
    if value is None:
        return f"{port.owner} needs {port.name}." if port.required else ""
    try:
        port.encode(value)
    except ValueFault as fault:
        return fault.sentence
    return ""


def _valid(port: Port, answer: Mapping[str, Any]) -> Any:
    """Give a field's value as its type has it; the default, or nothing, where it was left out."""
    value = answer.get(port.name)
    if value is None:
        return None if port.default is None else port.decode(port.default)
    return port.decode(port.encode(value))
