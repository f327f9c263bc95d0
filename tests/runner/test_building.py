"""Graphs drawn in code as a person draws them: by names of types and written ends."""

from runner.graph.building import GraphBuilder
from tests.tasks import registry_of_tests


def drawn():
    graph = GraphBuilder("drawn")
    graph.draw("one", "test.number", title="One", inputs={"value": 20})
    graph.draw("two", "test.number", inputs={"value": 1})
    graph.draw("sum", "test.add")
    for source in ("one.result", "two.result", "two.result"):
        graph.connect(source, "sum.values")
    return graph


async def test_a_graph_may_be_drawn_by_the_names_of_its_types():
    """Engine 1.1, 3.2: a list port takes several dataflows, in the order drawn, one twice too."""
    graph = drawn()
    definition = graph.definition
    assert [each.source for each in definition.dataflows] == [
        "one.result",
        "two.result",
        "two.result",
    ]
    assert definition.task("one").title == "One"
    assert definition.check(registry_of_tests()) == []


async def test_a_drawn_compound_has_its_graph_inside():
    """Engine 2.7."""
    graph = GraphBuilder("outer")
    graph.draw("inside", "flow.graph", graph=drawn())
    assert graph.definition.task("inside").graph == drawn().definition
