"""What a setting or an input of a drawn task gets: a constant, an expression, or a port's value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from django import forms
from django.forms import BoundField

from runner.graph.building import graph_port
from runner.graph.expression import TAG
from runner.graph.port_types import bare, in_words, options_of
from runner.graph.ports import Port
from runner.graph.values import decode
from workflows.forms import StartForm
from workflows.sources import Source

CONSTANT, EXPRESSION, FED, EXPOSED = "constant", "expression", "fed", "exposed"
END = "from:"
type Section = Literal["config", "inputs"]


class ValuesForm(StartForm):
    """Constants by port, all of which may be left out: a draft need not be complete.

    `known` are values as they stand in JSON.
    """

    def __init__(
        self,
        ports: Mapping[str, Port],
        data: Mapping[str, Any] | None,
        known: Mapping[str, Any],
        prefix: str,
        own: Mapping[str, forms.Field] | None = None,
    ) -> None:
        """Take fields of their `own` for ports that need one."""
        described = {name: _described(name, port) for name, port in ports.items()}
        open_ports = [each for each in described.values() if each["type"] != "artifact"]
        constants = {name: value for name, value in known.items() if not is_expression(value)}
        super().__init__(open_ports, data, earlier=constants)
        self.prefix = prefix
        self.known = constants
        del self.fields["key"]
        for name, port in ports.items():
            if options := _options(port):
                chosen = constants.get(name)
                self.fields[f"port-{name}"] = _choice(
                    self.fields[f"port-{name}"], options, port.default, chosen
                )
        own = own or {}
        for name, field in own.items():
            field.label = self.fields[f"port-{name}"].label
            self.fields[f"port-{name}"] = field
        for name, field in self.fields.items():
            if name.removeprefix("port-") in own:
                continue
            if name.removeprefix("port-") not in constants:
                field.widget.attrs["placeholder"] = _placeholder(field.initial)
                field.initial = field.initial if isinstance(field, forms.BooleanField) else None

    def values(self) -> dict[str, Any]:
        """Give what is set; a yes or no counts as set when it was, or is another than at first."""
        found = {}
        for name, value in self.inputs().items():
            field = self.fields[f"port-{name}"]
            is_flag = isinstance(field, forms.BooleanField)
            if is_flag and name not in self.known and value == bool(field.initial):
                continue
            if not is_flag and value in ("", [], {}):
                continue
            found[name] = value
        return found

    def bound(self, name: str) -> BoundField | None:
        """Give the field of a port; None for a port whose values nobody can type."""
        return self[f"port-{name}"] if f"port-{name}" in self.fields else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One setting or input in the panel: the ways to give it, and what is given at present."""

    section: Section
    name: str
    port: Port
    field: BoundField | None
    way: str
    expression: str = ""
    computes: bool = True
    sources: Mapping[str, Sequence[Source]]
    feeds: Sequence[Source] = ()
    several: bool = False
    faults: Sequence[str] = ()

    @property
    def label(self) -> str:
        """What a person calls it."""
        return self.port.title or self.name.replace("_", " ").capitalize()

    @property
    def kind(self) -> str:
        """What it takes, in words; nothing where its field says so by itself."""
        own = self.field is not None and not hasattr(self.field.field, "kind")
        return "" if own else in_words(self.port.type)

    @property
    def key(self) -> str:
        """Its name within a page."""
        return f"{self.section}-{self.name}"

    @property
    def chosen_end(self) -> str:
        """The end that it comes from, when it comes from one."""
        return self.way.removeprefix(END) if self.way.startswith(END) else ""

    @property
    def offers_ways(self) -> bool:
        """Whether there is more than one way to give it."""
        return self.computes or self.section == "inputs"

    @property
    def strays(self) -> bool:
        """Whether it comes from an end that is none of those to choose from."""
        ends = {each.end for group in self.sources.values() for each in group}
        return bool(self.chosen_end) and self.chosen_end not in ends


def is_expression(value: Any) -> bool:
    """Whether a value as it stands in JSON is an expression."""
    return isinstance(value, dict) and value.keys() == {TAG}


def expression_in(value: Any) -> str:
    """Give the text of an expression as it stands in JSON; empty for a constant."""
    return str(value[TAG]) if is_expression(value) else ""


def written_expression(source: str) -> dict[str, str]:
    """Write an expression as it stands in JSON."""
    return {TAG: source}


def way_of(value: Any, feeds: Sequence[str], *, several: bool) -> str:
    """Say how something is given at present."""
    if feeds:
        return FED if several else f"{END}{feeds[0]}"
    return EXPRESSION if is_expression(value) else CONSTANT


def _described(name: str, port: Port) -> dict[str, Any]:
    """Describe a port for a form: a type that allows nothing is typed like the rest of it."""
    rest = [each for each in options_of(bare(port.type)) if each is not type(None)]
    known = graph_port(name, port).to_document()
    if len(rest) == 1:
        kind = Port(name=name, type=rest[0], minimum=port.minimum, maximum=port.maximum)
        known = {
            **graph_port(name, kind).to_document(),
            **{k: v for k, v in known.items() if k != "type"},
        }
    if port.reads_stream and port.type is str:
        known["ui"] = "multiline"
    return {**known, "required": False}


def _options(port: Port) -> tuple[str, ...]:
    kind = bare(port.type)
    choices = get_args(kind) if get_origin(kind) is Literal else ()
    return choices if all(isinstance(each, str) for each in choices) else ()


def _choice(
    was: forms.Field, options: Sequence[str], by_itself: str | None, chosen: Any
) -> forms.Field:
    """Offer options to choose from; `by_itself` is the default (JSON), `chosen` what is set."""
    default = None if by_itself is None else decode(by_itself)
    first = "not said" if default is None else f"as it is by itself: {default}"
    strays = [(chosen, f"{chosen}: no such choice")] if chosen and chosen not in options else []
    made = forms.ChoiceField(
        choices=[("", first), *strays, *((each, each) for each in options)],
        required=False,
        label=was.label,
        help_text=was.help_text,
        initial=chosen,
        error_messages={"invalid_choice": "Choose one of the list."},
    )
    made.kind = "choice"  # type: ignore[attr-defined]
    return made


def _placeholder(initial: Any) -> str:
    return "" if initial in (None, "") or isinstance(initial, bool) else str(initial)[:80]
