"""Templates in MiniJinja: which names they use, and what they give, with a bound on the work."""

import json
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from runner.errors import RunnerError, ValueFault
from runner.graph.artifact import Artifact

if TYPE_CHECKING:
    from types import ModuleType

    from minijinja import TemplateError

#: Of the JSON of all values; it takes 0.4 s to read that many.
VALUES_AT_MOST = 4_000_000
LARGEST_NUMBER = 1 << 63
_KNOWN = (bool, int, float, str, type(None))
#: What MiniJinja gives to every template by itself.
_GIVEN = frozenset({"range", "dict", "debug", "namespace", "loop", "self", "null"})
_MISSING = (
    "Templates need the package minijinja, which is not installed here or does not support this "
    "platform; everything else works without it."
)


def names_in(template: str) -> list[str]:
    """Name the values that a template uses, in alphabetical order; raises ValueFault."""
    minijinja = _minijinja()
    try:
        # The names alone would also be given of a template that cannot be read.
        environment = minijinja.Environment(templates={"template": template})
        found = environment.undeclared_variables_in_template("template")
    except minijinja.TemplateError as fault:
        raise ValueFault(f"This is not a template{_place(fault)}: {_said(fault)}.") from None
    return sorted(found - _GIVEN)


def rendered(template: str, values: Mapping[str, Any], *, fuel: int, html: bool) -> str:
    """Fill a template; `fuel` bounds its steps and what they read and write.

    Blocks for up to about 0.4 µs for each unit of fuel. Raises RunnerError with a sentence.
    """
    minijinja = _minijinja()
    environment = minijinja.Environment(
        fuel=fuel,
        pycompat=False,  # Python's methods on texts and lists cost no fuel
        undefined_behavior="strict",
        auto_escape_callback=(lambda _name: html),
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    try:
        text: str = environment.render_str(_given(values) + template, "template")
    except minijinja.TemplateError as fault:
        raise RunnerError(_sentence(fault, fuel)) from None
    return text


def _given(values: Mapping[str, Any]) -> str:
    """Write values down as the beginning of a template, on its first line.

    Given as Python objects they would bring along their methods, whose work no fuel bounds.
    """
    texts = {name: json.dumps(_plain(each), ensure_ascii=False) for name, each in values.items()}
    size = sum(map(len, texts.values()))
    if size > VALUES_AT_MOST:
        raise RunnerError(
            f"The values for the template have {size:,} characters as JSON; it takes "
            f"{VALUES_AT_MOST:,}. Filter or shorten them first."
        )
    sets = [f"{{% set {name} = {text} %}}" for name, text in texts.items()]
    return "".join(["{% set null = none %}", *sets])


def _plain(value: Any) -> Any:
    """Give a value with texts in place of what JSON and templates do not know."""
    if isinstance(value, Artifact):
        return value.to_json()
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, int) and abs(value) >= LARGEST_NUMBER:
        return str(value)
    return value if isinstance(value, _KNOWN) else str(value)


def _sentence(fault: "TemplateError", fuel: int) -> str:
    if fault.kind == "OutOfFuel":
        return (
            f"The template needs more than {fuel:,} steps; let it do less, or raise its setting "
            "Steps at most."
        )
    return f"The template failed{_place(fault)}: {_said(fault)}."


def _place(fault: "TemplateError") -> str:
    return f" at line {fault.line}" if fault.line else ""


def _said(fault: "TemplateError") -> str:
    return " ".join((fault.detail or fault.message).split())[:300].rstrip(".")


@cache
def _minijinja() -> "ModuleType":
    # Loaded at the first use: most graphs need none of it.
    try:
        import minijinja  # noqa: PLC0415
    except ImportError:
        raise ValueFault(_MISSING) from None
    return minijinja
