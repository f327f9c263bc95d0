"""Templates: their inputs, what they give, and what stops them."""

import sys
import time
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from runner import Artifact, TaskRunner
from runner.errors import RunFault, RunnerError, ValueFault
from runner.library.text import rendering
from runner.library.text.rendering import names_in, rendered
from runner.library.text.template import FUEL, Template

ROWS = "{% for row in rows %}\n{{ loop.index }}. {{ row.title|upper }}\n{% endfor %}"
DAY = datetime(2026, 11, 24, tzinfo=UTC)
FILE = Artifact(digest="0" * 64, size=3, name="a.txt", media_type="text/plain")
GIVEN = {"a": {}, "f": FILE, "rows": [1]}


async def filled(template, config=None, **values):
    """Fill a template; give the text."""
    it = Template({"template": template} | (config or {}))
    return (await TaskRunner().run(it, values))["text"]


def test_the_names_in_a_template_are_its_inputs():
    it = Template({"template": f"{{{{ name }}}} {{{{ note }}}} {ROWS}", "optional": ["note"]})
    assert {name: port.required for name, port in it.inputs.items()} == {
        "name": True,
        "note": False,
        "rows": True,
    }


@pytest.mark.parametrize(
    ("template", "values", "text"),
    [
        ("Dear {{ name }},\n", {"name": "Ada"}, "Dear Ada,\n"),
        (ROWS, {"rows": [{"title": "tea"}, {"title": "rye"}]}, "1. TEA\n2. RYE\n"),
        ("no names", {}, "no names"),
        ("{{ html }}", {"html": "<b>"}, "<b>"),
        ("{{ file.name }}", {"file": FILE}, "a.txt"),
        ("{{ a }}|{{ b }}|{{ c }}", {"a": 10**30, "b": None, "c": True}, f"{10**30}|None|True"),
        ("{{ a }}", {"a": '"é\\\n{{ b }} %} {# 🌊'}, '"é\\\n{{ b }} %} {# 🌊'),
        (
            "{{ day }} {{ share }}",
            {"day": DAY, "share": Decimal("0.10")},
            "2026-11-24 00:00:00+00:00 0.10",
        ),
        ("{% for k, v in a|items %}{{ k }}{{ v[0] }}{% endfor %}", {"a": {"x": [1]}}, "x1"),
    ],
)
async def test_a_template_is_filled(template, values, text):
    assert await filled(template, **values) == text


async def test_values_are_escaped_for_html_and_the_template_is_not():
    assert await filled("<i>{{ a }}</i>", {"escape": "html"}, a="<b>") == "<i>&lt;b&gt;</i>"


async def test_an_input_that_may_be_left_out_is_nothing():
    assert await filled("a{% if note %}{{ note }}{% endif %}", {"optional": ["note"]}) == "a"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"template": "a\n{% for x in %}"}, "not a template at line 2: unexpected end of block"),
        ({"template": "a", "optional": ["b"]}, "'b' may be left out, but the template does not"),
        ({"template": "{{ größe }}"}, "'größe' is no name for an input|not a template"),
        ({"template": "x" * 100_001}, "at most 100000"),
        ({"template": "{{ a }}", "fuel": 10**9}, "at most 2000000"),
    ],
)
def test_a_faulty_template_is_refused_when_it_is_drawn(config, said):
    with pytest.raises(ValueFault, match=said):
        Template(config)


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ a.nothing }}", "at line 1: `a.nothing` is undefined"),
        ("{{ a.__class__ }}", "is undefined"),
        ("{{ f.open() }}", "no method named open"),
        ("{{ a.x.fromkeys(range(9999)) }}", "undefined"),
        ("{{ rows.count(1) }}", "no method named count"),
        ("{% include 'etc' %}", "non-existing template"),
        ("{{ 'a' * 10**9 }}", "needs more than 1,000,000 steps"),
        ("{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}", "steps"),
    ],
)
async def test_what_a_template_must_not_do_ends_in_a_sentence(template, said):
    with pytest.raises(RunFault, match=said):
        await filled(template, **{name: GIVEN[name] for name in names_in(template)})


@pytest.mark.parametrize(
    "template",
    [
        "{% for i in range(9999) %}{{ a|replace('x', 'yy') }}{% endfor %}",
        "{% for i in range(9999) %}{{ rows|sort|length }}{% endfor %}",
        "{% for i in range(9999) %}{{ rows|join }}{% endfor %}",
        "{% for i in range(9999) %}{{ a in a }}{% endfor %}",
    ],
)
def test_the_heaviest_templates_take_less_than_a_second_of_work(template):
    values = {"a": "x" * 1_000_000, "rows": list(range(100_000))}
    began = time.thread_time()
    with pytest.raises(RunnerError, match="steps"):
        rendered(template, values, fuel=FUEL, html=False)
    assert time.thread_time() - began < 1


async def test_more_values_than_a_template_takes_get_a_sentence():
    with pytest.raises(RunFault, match="Filter or shorten them first"):
        await filled("{{ a }}", a=["x" * 1_000_000] * 4)


def test_where_minijinja_is_missing_a_template_says_so(monkeypatch):
    rendering._minijinja.cache_clear()
    monkeypatch.setitem(sys.modules, "minijinja", None)
    with pytest.raises(ValueFault, match="Templates need the package minijinja"):
        Template({"template": "a"})
