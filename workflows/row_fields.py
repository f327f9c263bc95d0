"""Fields that are filled in row by row: a condition, branches, the questions of a form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from runner.errors import ValueFault
from workflows.border_forms import TYPES, lines_of
from workflows.condition_rows import (
    ALONE,
    TESTS,
    ConditionRows,
    TestRow,
    rows_in,
    rows_sent,
    tree_of,
)

MOST_ROWS = 50
#: What the row of a field calls a text that is one of some.
CHOICE = "choice"


class RowsWidget(forms.Widget):
    """Rows drawn by a template; one more than there are, so that another can be added."""

    template = ""

    def id_for_label(self, id_: str | None) -> str:
        """No label is for all rows: each control has its own."""
        del id_
        return ""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """Draw the rows."""
        del attrs, renderer
        return render_to_string(self.template, {"name": name, **self.shown(value)})

    def shown(self, value: Any) -> dict[str, Any]:
        """Say what the template needs."""
        raise NotImplementedError


class RowsField(forms.Field):
    """A setting as rows; what the rows do not change stays as it was written."""

    def __init__(self, widget: RowsWidget, known: Any) -> None:
        super().__init__(widget=widget, required=False, initial=known)
        self.known = known


# ── a condition ─────────────────────────────────────────────────────────────────────────────────


def _condition(rows: ConditionRows, ports: Sequence[str]) -> dict[str, Any]:
    return {
        "rows": rows,
        "tests": [*rows.filled, TestRow()],
        "ports": ports,
        "known": TESTS,
        "alone": ALONE,
    }


class ConditionWidget(RowsWidget):
    """The tests of a condition; `ports` are those to choose from."""

    template = "workflows/_condition.html"

    def __init__(self, ports: Sequence[str]) -> None:
        super().__init__()
        self.ports = ports

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Any:
        """Read the tests."""
        return rows_sent(data, name)

    def shown(self, value: Any) -> dict[str, Any]:
        """Show the tests and an empty one."""
        return {"condition": _condition(value, self.ports)}


class ConditionField(RowsField):
    """A condition over the inputs of a graph."""

    def __init__(self, known: Any, ports: Sequence[str]) -> None:
        super().__init__(ConditionWidget(ports), known)
        self.port = next(iter(ports), "value")

    def prepare_value(self, value: Any) -> ConditionRows:
        """Show what was sent, or what is set."""
        return value if isinstance(value, ConditionRows) else rows_in(value)

    def clean(self, value: Any) -> Any:
        """Give the condition; None without a test."""
        try:
            return tree_of(value, self.known, self.port)
        except ValueFault as fault:
            raise ValidationError(fault.sentence) from fault


# ── branches ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchRow:
    """One branch: its name, the tests it is taken for, and what it was called before."""

    name: str = ""
    rows: ConditionRows = field(default_factory=ConditionRows)
    was: str = ""
    removed: bool = False

    @property
    def is_blank(self) -> bool:
        """Whether nothing was filled in."""
        return not (self.name or self.rows.filled or self.rows.text.strip())


class BranchesWidget(RowsWidget):
    """The branches, each with its tests."""

    template = "workflows/_branches.html"

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Any:
        """Read the branches."""
        return [
            BranchRow(
                name=str(data.get(f"{name}-{number}-name", "")).strip(),
                rows=rows_sent(data, f"{name}-{number}-if"),
                was=str(data.get(f"{name}-{number}-was", "")),
                removed=f"{name}-{number}-remove" in data,
            )
            for number in range(MOST_ROWS)
            if f"{name}-{number}-name" in data
        ]

    def shown(self, value: Any) -> dict[str, Any]:
        """Show the branches and an empty one."""
        branches = [*(each for each in value if not each.is_blank), BranchRow()]
        return {
            "branches": [{"row": each, "condition": _condition(each.rows, ())} for each in branches]
        }


class BranchesField(RowsField):
    """The branches of a Branch: names, and conditions."""

    def __init__(self, known: Any) -> None:
        super().__init__(BranchesWidget(), known if isinstance(known, list) else [])

    def prepare_value(self, value: Any) -> list[BranchRow]:
        """Show what was sent, or what is set."""
        if value and isinstance(value[0], BranchRow):
            return list(value)
        return [
            BranchRow(name=str(each["name"]), was=str(each["name"]), rows=rows_in(each.get("if")))
            for each in value or ()
            if isinstance(each, dict) and "name" in each
        ]

    def clean(self, value: Any) -> list[dict[str, Any]]:
        """Give the branches; a new one without a test is taken when there is a value."""
        rows = [each for each in value if not (each.is_blank or each.removed)]
        return [self._branch(each) for each in rows]

    def _branch(self, row: BranchRow) -> dict[str, Any]:
        if not row.name:
            raise ValidationError("Give each branch a name.")
        before = {
            each["name"]: each.get("if")
            for each in self.known
            if isinstance(each, dict) and "name" in each
        }
        try:
            tree = tree_of(row.rows, before.get(row.was))
        except ValueFault as fault:
            raise ValidationError(f"{row.name}: {fault.sentence}") from fault
        return {"name": row.name, "if": tree or {"port": "value", "is": "not empty"}}


# ── the questions of a form ─────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionRow:
    """One field that a person is asked to fill; a choice offers `choices`, one a line."""

    name: str = ""
    type: str = "str"
    title: str = ""
    choices: str = ""
    required: bool = True
    was: str = ""
    removed: bool = False


class QuestionsWidget(RowsWidget):
    """The fields, each in a row."""

    template = "workflows/_questions.html"

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Any:
        """Read the rows."""
        return [
            QuestionRow(
                name=str(data.get(f"{name}-{number}-name", "")).strip(),
                type=str(data.get(f"{name}-{number}-type", "str")),
                title=str(data.get(f"{name}-{number}-title", "")).strip(),
                choices="\n".join(lines_of(str(data.get(f"{name}-{number}-choices", "")))),
                required=f"{name}-{number}-required" in data,
                was=str(data.get(f"{name}-{number}-was", "")),
                removed=f"{name}-{number}-remove" in data,
            )
            for number in range(MOST_ROWS)
            if f"{name}-{number}-name" in data
        ]

    def shown(self, value: Any) -> dict[str, Any]:
        """Show the fields and an empty one."""
        kept = [each for each in value if each.name or each.title]
        return {"questions": [*kept, QuestionRow()], "types": [CHOICE, *TYPES]}


class QuestionsField(RowsField):
    """The fields of an Ask: ports as a definition writes them."""

    def __init__(self, known: Any) -> None:
        super().__init__(QuestionsWidget(), known if isinstance(known, list) else [])

    def prepare_value(self, value: Any) -> list[QuestionRow]:
        """Show what was sent, or what is set."""
        if value and isinstance(value[0], QuestionRow):
            return list(value)
        return [_question(each) for each in value or () if isinstance(each, dict)]

    def clean(self, value: Any) -> list[dict[str, Any]]:
        """Give the fields; what a row does not show of one stays."""
        rows = [each for each in value if (each.name or each.title) and not each.removed]
        if any(not each.name for each in rows):
            raise ValidationError("Give each field a name.")
        for each in rows:
            if each.type == CHOICE and not each.choices:
                raise ValidationError(f"Say what {each.name} offers to choose from, one a line.")
        return [self._port(each) for each in rows]

    def _port(self, row: QuestionRow) -> dict[str, Any]:
        found = (
            each for each in self.known if isinstance(each, dict) and each.get("name") == row.was
        )
        known: dict[str, Any] = next(found, {})
        if known and _question(known) == row:
            return dict(known)
        rest = {key: known[key] for key in known.keys() - {"title", "required", "choices"}}
        told = rest | {"name": row.name, "type": row.type}
        if row.type == CHOICE:
            told |= {"type": "str", "choices": row.choices.split("\n")}
        if row.title:
            told["title"] = row.title
        if not row.required and told.get("default") is None:
            told["required"] = False
        return told


def _question(document: Mapping[str, Any]) -> QuestionRow:
    choices = document.get("choices")
    offered = [str(each) for each in choices] if isinstance(choices, list) else []
    return QuestionRow(
        name=str(document.get("name", "")),
        type=CHOICE if offered else str(document.get("type", "any")),
        choices="\n".join(offered),
        title=str(document.get("title", "")),
        required=bool(document.get("required", document.get("default") is None)),
        was=str(document.get("name", "")),
    )
