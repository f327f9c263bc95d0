"""The form of a rerun: a cell of the matrix, a task to begin at, and the inputs to change."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from runner.run.rerun import RerunMode
from workflows.forms import FileField, StartForm
from workflows.models.rerunning import RerunWish

SAME, LATEST = "same", "latest"
CELLS = [f"{mode}-{version}" for mode in RerunMode for version in (SAME, LATEST)]
LONGEST_PATH = 1000


class RerunForm(StartForm):
    """What to do again. Fields that were not on the page before show what they begin with.

    `asks_otherwise` says that the page showed other fields.
    """

    cell = forms.ChoiceField(choices=[(each, each) for each in CELLS])
    task = forms.CharField(max_length=LONGEST_PATH, required=False)
    shown = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        ports: Sequence[Mapping[str, Any]],
        data: Any = None,
        files: Any = None,
        *,
        team: str = "",
        earlier: Mapping[str, Any] | None = None,
        first: Mapping[str, str] | None = None,
    ) -> None:
        """Take what was sent, if anything; `first` is what cell and task begin with."""
        super().__init__(ports, data, files, team=team, earlier=earlier)
        names = [str(port["name"]) for port in ports]
        self.asks_otherwise = False
        self.initial.update({"shown": " ".join(names), **(first or {})})
        if self.is_bound:
            self._fill(names)

    def _fill(self, names: Sequence[str]) -> None:
        """Give what was not asked before, as the other version has other inputs, its beginning."""
        data: Any = self.data.copy()  # type: ignore[attr-defined]
        before = str(data.get(self.add_prefix("shown"), "")).split()
        self.asks_otherwise = before != list(names)
        for name in names:
            field = self.fields[f"port-{name}"]
            begins = field.initial is not None and field.initial is not False
            if name not in before and begins and not isinstance(field, FileField):
                data.setdefault(self.add_prefix(f"port-{name}"), field.initial)
        data[self.add_prefix("shown")] = " ".join(names)
        self.data = data

    @property
    def chosen(self) -> tuple[RerunMode, bool]:
        """The mode, and whether the latest version is to run; from the start, if it is unclear."""
        said = str(self["cell"].value())
        mode, _, version = (said if said in CELLS else CELLS[-2]).partition("-")
        return RerunMode(mode), version == LATEST

    @property
    def port_fields(self) -> list[forms.BoundField]:
        """The fields of the inputs, without what is about the rerun itself."""
        return [each for each in self.visible_fields() if each.name.startswith("port-")]

    def wish(self, before: Mapping[str, Any]) -> RerunWish:
        """Say what is wished; `before` are the inputs of the run by port."""
        mode, latest = self.chosen
        given = self.inputs() if self.is_bound and hasattr(self, "cleaned_data") else {}
        touched = {str(port["name"]) for port in self.ports if self._is_touched(port, before)}
        return RerunWish(
            mode=mode,
            task=str(self["task"].value() or "").partition("[")[0],
            latest=latest,
            inputs={name: value for name, value in given.items() if name in touched},
            left_out=touched.difference(given).intersection(before),
        )

    def _is_touched(self, port: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
        if not self.is_bound:
            return False
        name = f"port-{port['name']}"
        if isinstance(self.fields[name], FileField):
            return self.cleaned_data.get(name) != before.get(str(port["name"]))
        return name in self.changed_data
