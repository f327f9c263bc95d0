"""What a new plug-in begins with: a package with one task, its test, and how to install it."""

import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from django.template.loader import render_to_string

from runner.errors import RunnerError
from runner.graph.registry import default_registry

_NAME = re.compile(r"([a-z][a-z0-9_]*)\.([a-z][a-z0-9_]*)", re.ASCII)
_LONGEST = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class PlugInStarter:
    """The files of a new package for the task type `family.function`."""

    family: str
    function: str

    @classmethod
    def called(cls, name: str) -> Self:
        """Begin a task type; raises RunnerError for what cannot be its name."""
        found = _NAME.fullmatch(name)
        if found is None or len(name) > _LONGEST or any(map(keyword.iskeyword, found.groups())):
            raise RunnerError(
                f"'{name[:_LONGEST]}' is no name for a task type; one like 'acme.shout' is: "
                "a family and a function, in small letters."
            )
        if name in default_registry():
            raise RunnerError(f"There is a task type '{name}' already; choose another name.")
        return cls(family=found[1], function=found[2])

    @property
    def package(self) -> str:
        """What the package is called, and its folder."""
        return f"anabranch-{self.family.replace('_', '-')}"

    @property
    def module(self) -> str:
        """What the package's one module is called."""
        return f"anabranch_{self.family}"

    def write(self, into: Path) -> Path:
        """Write the files into a folder of their own in `into`; give it.

        Raises RunnerError when there is something of its name, or it cannot be written.
        """
        folder = into / self.package
        try:
            folder.mkdir()
            for name, text in self._files(folder):
                (folder / name).write_text(text, encoding="utf-8")
        except FileExistsError:
            raise RunnerError(f"{folder} is there already; nothing was written.") from None
        except OSError as fault:
            raise RunnerError(f"{folder} cannot be written: {fault.strerror}.") from None
        return folder

    def _files(self, folder: Path) -> Iterator[tuple[str, str]]:
        told = {
            "family": self.family,
            "function": self.function,
            "name": f"{self.family}.{self.function}",
            "package": self.package,
            "module": self.module,
            "folder": folder,
        }
        names = {
            "pyproject.toml": "pyproject.toml",
            "README.md": "README.md",
            "module.py": f"{self.module}.py",
            "test_module.py": f"test_{self.module}.py",
        }
        for template, name in names.items():
            yield name, f"{render_to_string(f'plug_in/{template}', told).strip()}\n"
