"""The catalogue of tasks, and what holds for all of them."""

import subprocess
import sys

import pytest

from runner.graph.task import ports_of_class
from tests.catalogue import FAMILIES, PAGE, catalogue, kinds

#: Packages of which each serves a few tasks only.
OPTIONAL = ("minijinja", "nh3", "markdown_it", "pypdf", "selectolax", "pydantic_monty", "httpx2")
#: Loads every task without these packages and runs one that needs none of them.
WITHOUT = f"""
import asyncio, sys
for name in {OPTIONAL}:
    sys.modules[name] = None
from runner import TaskRunner
from runner.graph.registry import default_registry
kinds = default_registry()
print(asyncio.run(TaskRunner().run(kinds.get("text.cut"), {{"text": "a river"}})))
"""


def test_the_page_says_what_the_task_types_say():
    """`make catalogue` makes it anew."""
    assert PAGE.read_text(encoding="utf-8") == catalogue()


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.name)
def test_every_task_explains_itself(kind):
    assert kind.__doc__
    assert kind.help
    assert kind.title[0].isupper()
    assert kind.name.partition(".")[0] in FAMILIES
    assert all(each.title for ports in ports_of_class(kind) for each in ports.values())
    assert all(each.title for each in kind.config_ports().values())


def test_every_task_can_be_loaded_where_optional_packages_are_missing():
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=False
    )
    assert ran.stderr == ""
    assert ran.stdout == "{'passages': [{'topic': '', 'text': 'a river'}]}\n"


def test_the_runner_loads_none_of_them_by_itself():
    code = f"import sys, runner; print([each for each in {OPTIONAL} if each in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
