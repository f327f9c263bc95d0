"""The documents keep their word: examples run and print what they say, cited rules exist."""

import ast
import builtins
import contextlib
import inspect
import io
import re
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
#: Stands before a block that uses names which do not exist yet; such a block is skipped.
WAITS = "<!-- waits for the engine -->"
_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_BLOCK = re.compile(
    rf"(?P<waits>{re.escape(WAITS)}\n)?^```python\n(?P<code>.*?)^```$"
    r"(?:\n\s*^```text\n(?P<shown>.*?)^```$)?",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced Python block: where it stands, and what the text block under it says."""

    code: str
    shown: str | None
    waits: bool
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a document under one heading; its blocks share their names."""

    document: str
    title: str
    blocks: tuple[Block, ...]

    def __str__(self) -> str:
        return f"{self.document}: {self.title}"


def sections_of(document: str) -> Iterator[Section]:
    """Give the sections of a document that hold Python blocks."""
    text = (ROOT / document).read_text(encoding="utf-8")
    headings = list(_HEADING.finditer(text))
    for heading, following in zip(headings, [*headings[1:], None], strict=True):
        end = following.start() if following else len(text)
        blocks = tuple(
            Block(
                code=found["code"],
                shown=found["shown"],
                waits=found["waits"] is not None,
                line=text.count("\n", 0, found.start("code")),
            )
            for found in _BLOCK.finditer(text, heading.end(), end)
        )
        if blocks:
            yield Section(document=document, title=heading[1], blocks=blocks)


def compiled(block: Block, document: str) -> types.CodeType:
    """Compile a block, which may await; raises SyntaxError."""
    # Empty lines before the code, so that a traceback names the line of the document.
    tree = ast.parse("\n" * block.line + block.code, document)
    code: types.CodeType = compile(tree, document, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    return code


async def execute(code: types.CodeType, namespace: dict[str, Any]) -> str:
    """Execute a block and the tests that it defines; give what it printed."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        awaited = types.FunctionType(code, namespace)()
        if inspect.isawaitable(awaited):
            await awaited
        for name in [each for each in namespace if each.startswith("test_")]:
            await namespace.pop(name)()
    return printed.getvalue()


SECTIONS = [
    section
    for document in ("README.md", "docs/tasks.md", "docs/writing-a-task.md")
    for section in sections_of(document)
]


@pytest.mark.parametrize("section", SECTIONS, ids=str)
async def test_an_example_runs_and_prints_what_the_page_says(section):
    namespace: dict[str, Any] = {"__name__": "example", "__builtins__": builtins}
    executed = 0
    for block in section.blocks:
        code = compiled(block, section.document)
        if not block.waits:
            printed = await execute(code, namespace)
            assert printed == (block.shown or ""), f"{section.document}:{block.line}"
            executed += 1
    if not executed:
        pytest.skip("every example of this section waits for the engine")


def test_every_python_block_is_found():
    text = (ROOT / "docs/writing-a-task.md").read_text(encoding="utf-8")
    found = [block for each in sections_of("docs/writing-a-task.md") for block in each.blocks]

    assert len(found) == text.count("```python")
    assert sum(block.shown is not None for block in found) == text.count("```text")
    assert sum(block.waits for block in found) == text.count(WAITS)


def numbers_in(document: str, pattern: str) -> set[str]:
    """Give the numbers under which a document states its rules."""
    return set(re.findall(pattern, (ROOT / document).read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize(
    ("document", "stated", "cited"),
    [
        ("docs/semantics.md", r"^\*\*(\d\.\d+) ", r"\bEngine (\d\.\d+)"),
        ("docs/promises.md", r"^\*\*(P\d+) ", r"\b(P\d{1,2})\."),
    ],
)
def test_every_rule_that_a_test_cites_is_stated(document, stated, cited):
    rules = numbers_in(document, stated)
    missing = {
        f"{path.relative_to(ROOT)} cites {number}"
        for path in (ROOT / "tests").rglob("*.py")
        for number in re.findall(cited, path.read_text(encoding="utf-8"))
        if number not in rules
    }

    assert rules
    assert missing == set()


def test_every_rule_of_what_a_run_means_is_claimed_by_a_test():
    cited: set[str] = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        for listed in re.findall(r"\bEngine ([\d., ]+)", path.read_text(encoding="utf-8")):
            cited |= set(re.findall(r"\d\.\d+", listed))

    assert numbers_in("docs/semantics.md", r"^\*\*(\d\.\d+) ") - cited == set()


def test_the_rules_are_numbered_without_a_gap():
    rules = numbers_in("docs/semantics.md", r"^\*\*(\d\.\d+) ")
    counts = {1: 5, 2: 9, 3: 5, 4: 11, 5: 10, 6: 8, 7: 9, 8: 3}

    assert rules == {f"{part}.{rule + 1}" for part, last in counts.items() for rule in range(last)}


def test_every_module_of_the_engine_has_its_place_on_the_page():
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    _, _, rooms = text.partition("## The rooms of the engine")
    rows = re.findall(
        r"^\| (?:`(\w+)/`)? ?\| ([^|]+) \|", rooms.partition("\n## ")[0], re.MULTILINE
    )
    named: set[str] = set()
    room = ""
    for new, modules in rows:
        room = new or room
        named |= {f"{room}/{name}" for name in re.findall(r"`(\w+)`", modules)}
    there = {
        f"{path.parent.name}/{path.stem}"
        for folder in ("graph", "editing", "run", "execution", "outside", "console")
        for path in (ROOT / "runner" / folder).glob("[a-z]*.py")
    }

    assert named == there


def test_a_pattern_names_an_example_that_exists_or_says_that_it_is_missing():
    text = (ROOT / "docs/patterns.md").read_text(encoding="utf-8")
    named = re.findall(r"`(test_\w+\.py)`( \*\(not written yet\)\*)?", text)
    wrong = {
        name
        for name, missing in named
        if bool(missing) is (ROOT / "tests/runner/patterns" / name).exists()
    }

    assert named
    assert wrong == set()


def test_every_pattern_has_an_example_or_a_reason():
    text = (ROOT / "docs/patterns.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+)(?:–(\d+))? \| [^|]+ \| ([^|]+) \| ([^|]*)\|$", text, re.MULTILINE)
    numbers = [n for first, last, *_ in rows for n in range(int(first), int(last or first) + 1)]

    assert numbers == list(range(1, 44))
    assert all(reason.startswith("no") != bool(example) for _, _, reason, example in rows)
