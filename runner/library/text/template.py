"""A text made of a template and values."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from runner.errors import ValueFault
from runner.graph.dataflow import PORT_PATTERN
from runner.graph.ports import Port, Ports
from runner.graph.task import Task
from runner.library.text.rendering import names_in, rendered

LONGEST = 100_000
FUEL = 1_000_000


class Template(Task):
    """Fills a template with values: every name that it uses is an input.

    Templates are MiniJinja, which is Jinja without imports: `Dear {{ name }},` has the input
    `name`; `{% for row in rows %}{{ loop.index }}. {{ row.title|upper }}{% endfor %}` has `rows`.
    An input listed under `optional` may be left out, and is nothing then: `{% if note %}`. What a
    value lacks is an error, unless it is asked for: `row.note is defined`, `row.note|default("")`.
    For HTML, let values be escaped. A template runs no Python and reads no files; its steps are
    bounded, so no loop in it can hold others up. A million steps take less than a second, which
    is why the text comes at once and does not stream.
    """

    name = "text.template"
    title = "Fill a template"
    effect = "none"
    blocking = True

    class Outputs(Ports):
        """The filled template."""

        text: str

    class Config(Ports):
        """The template, and how it is filled."""

        template: Annotated[
            str,
            Field(max_length=LONGEST, title="Template", json_schema_extra={"ui": "multiline"}),
        ]
        optional: Annotated[list[str], Field(max_length=100, title="May be left out")] = []
        escape: Annotated[Literal["nothing", "html"], Field(title="Escape values for")] = "nothing"
        fuel: Annotated[int, Field(ge=1_000, le=2_000_000, title="Steps at most")] = FUEL

    def __init__(self, config: Mapping[str, Any] | None = None) -> None:
        """Read the template; raises ValueFault with a sentence."""
        super().__init__(config)
        names = names_in(self.config.template)
        self._refuse_unknown(names)
        self.inputs = {name: self._port(name) for name in names}

    def bind(self, values: Mapping[str, Any]) -> Any:
        """Give the values as they are, by name."""
        return values

    def execute(self, inputs: Any, _context: Any) -> dict[str, Any]:
        """Fill it."""
        given = dict.fromkeys(self.inputs) | dict(inputs)
        html = self.config.escape == "html"
        return {"text": rendered(self.config.template, given, fuel=self.config.fuel, html=html)}

    def _port(self, name: str) -> Port:
        if not PORT_PATTERN.fullmatch(name):
            raise ValueFault(
                f"'{name:.80}' is no name for an input; use up to 64 ASCII letters, digits and "
                "underscores, and no digit first."
            )
        title = name.replace("_", " ").capitalize()
        optional = name in self.config.optional
        default = "null" if optional else None
        return Port(
            name=name,
            type=Any,
            required=not optional,
            default=default,
            title=title,
            owner=self.title,
        )

    def _refuse_unknown(self, names: list[str]) -> None:
        for name in self.config.optional:
            if name not in names:
                raise ValueFault(
                    f"'{name:.80}' may be left out, but the template does not use it; take it from "
                    "the list."
                )
