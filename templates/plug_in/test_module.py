{% autoescape off %}"""What {{ name }} does, seen as a run sees it."""

import asyncio

from {{ module }} import {{ function }}
from runner.testing import observe


def test_the_words_come_one_after_the_other():
    seen = asyncio.run(observe({{ function }}, {"text": "a river"}))
    assert seen.chunks == {"result": ("A ", "RIVER ")}
    assert seen.outputs == {"result": "A RIVER "}
{% endautoescape %}
