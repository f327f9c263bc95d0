"""What the runs of these tests carry out, and what must come out: worked out without the engine."""

from runner.graph.building import GraphBuilder, OutputPort
from runner.graph.loops import Map
from tests.durability import probes

WIDTH = 8
ITEMS = 6
CHUNKS = 20
LENGTH = 3
LAST = 5
HELD = 20


def forty(scale: float = 1.0) -> GraphBuilder:
    """Forty tasks: two layers, a nested graph twice, a map, and a stream of three.

    `scale` stretches how long each of them takes.
    """
    graph, most = GraphBuilder("forty"), 0.02 * scale
    kinds = (probes.pure, probes.acting, probes.blocking)
    first = [
        graph.add(f"a{at}", kinds[at % 3], values=[at], most=most).result for at in range(WIDTH)
    ]
    second = [
        graph.add(f"b{at}", kinds[at % 3], values=[first[at - 1], first[at]], most=most).result
        for at in range(WIDTH)
    ]
    nested = [graph.add(f"n{at}", _nested(most), number=second[at]).result for at in range(2)]
    width = graph.add("width", probes.listing, width=ITEMS)
    each = Map({"over": ["number"]}, *_body(most))
    mapped = graph.add("each", each, number=width.result)
    gathered = graph.add("gathered", probes.pure, values=mapped["result"], most=most).result
    total = _stream(graph, most)
    last = [
        graph.add(f"c{at}", kinds[at % 3], values=[*second[at::2], total], most=most).result
        for at in range(LAST)
    ]
    sums = graph.add("sums", probes.acting, values=[*nested, *last], most=most).result
    graph.output("result", graph.add("end", probes.pure, values=[sums, gathered]).result)
    return graph


def expected() -> int:
    """Work out what `forty` gives."""
    first = [at + 1 for at in range(WIDTH)]
    second = [first[at - 1] + first[at] + 1 for at in range(WIDTH)]
    nested = [second[at] + LENGTH for at in range(2)]
    gathered = sum(number + 1 for number in range(ITEMS)) + 1
    total = sum(2 * number for number in range(CHUNKS))
    last = [sum(second[at::2]) + total + 1 for at in range(LAST)]
    return sum(nested) + sum(last) + 1 + gathered + 1


def _nested(most: float):
    inner = GraphBuilder("inner")
    result: OutputPort = inner.input("number", "int")
    for at in range(LENGTH):
        result = inner.add(f"s{at}", probes.acting, values=[result], most=most).result
    inner.output("result", result)
    return inner.as_task()


def _body(most: float):
    inner = GraphBuilder("item")
    number = inner.input("number", "int")
    inner.output("result", inner.add("item", probes.acting, values=[number], most=most).result)
    return inner.definition, inner.registry


def _stream(graph: GraphBuilder, most: float) -> OutputPort:
    numbers = graph.add("numbers", probes.Counting, count=CHUNKS, most=most).numbers
    doubled = graph.add("doubled", probes.Doubling, numbers=numbers).numbers
    return graph.add("total", probes.Totalling, numbers=doubled).result


def held(file: str, deaf: int = 0) -> GraphBuilder:
    """Twenty tasks side by side that work until a file is made; some hear of no stop."""
    graph = GraphBuilder("held")
    ends = [
        graph.add(f"t{at}", probes.deaf if at < deaf else probes.until_released, file=file).result
        for at in range(HELD)
    ]
    graph.output("result", graph.add("end", probes.pure, values=ends).result)
    return graph


def huge(megabytes: int) -> GraphBuilder:
    """One task whose output is far too large."""
    graph = GraphBuilder("huge")
    graph.output("result", graph.add("huge", probes.huge, megabytes=megabytes).result)
    return graph
