{% autoescape off %}"""Tasks of {{ family }}."""

from collections.abc import AsyncIterator
from typing import Any

from runner import task


@task(name="{{ name }}", effect="none")
async def {{ function }}(text: str, context: Any) -> AsyncIterator[str]:
    """Give a text aloud, one word after the other."""
    words = text.split()
    for count, word in enumerate(words, 1):
        context.progress(count / len(words), word)
        yield f"{word.upper()} "
{% endautoescape %}
