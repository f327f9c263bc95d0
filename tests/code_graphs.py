"""A module as a package of task types would have it: a graph written in code, and its parts."""

from runner import GraphBuilder, series, task


@task(name="code.shout", effect="none")
async def shout(text: str) -> str:
    """Say a text louder."""
    return text.upper()


@task(name="code.greet", effect="none")
async def greet(name: str, word: str = "Welcome") -> str:
    """Greet somebody."""
    return f"{word}, {name}"


def _greeting() -> GraphBuilder:
    graph = GraphBuilder("greeting", title="Greeting from code")
    name = graph.input("name", "str", title="Name")
    loud = graph.add("loud", shout, text=name)
    said = graph.add("greeting", greet, name=loud.result)
    graph.output("greeting", said.result)
    return graph


greeting = _greeting()
#: A graph as a task, under a name of its own.
louder = series(shout, shout, name="louder")
#: A part without a name: no graph is offered.
twice = series(shout, shout)
