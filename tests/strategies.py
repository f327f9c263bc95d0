"""Hypothesis: random definitions with streams, and where their runs crash."""

from typing import Any

from hypothesis import strategies as st

from tests.drive import definition_of
from tests.planned import written

#: type -> (input port, takes several, gives a stream)
SHAPES = {
    "test.number": (None, False, "result"),
    "test.add": ("values", True, "result"),
    "test.note": ("values", True, "result"),
    "test.emit": (None, False, "numbers"),
    "test.double": ("numbers", False, "numbers"),
    "test.first": ("numbers", False, "result"),
    "test.total": ("numbers", False, "result"),
}
#: How many chunks a stream has, unless a test says otherwise.
COUNTS = st.integers(0, 6)
STREAMS = frozenset({"test.emit", "test.double"})
BODY = {
    "v": 1,
    "name": "body",
    "inputs": [{"name": "item", "type": "int"}],
    "outputs": [{"name": "total", "from": "note.result"}],
    "tasks": [{"id": "add", "type": "test.add"}, {"id": "note", "type": "test.note"}],
    "dataflows": [
        {"from": "$inputs.item", "to": "add.values"},
        {"from": "add.result", "to": "note.values"},
    ],
}


@st.composite
def definitions(draw: st.DrawFn, counts: st.SearchStrategy[int] = COUNTS) -> str:
    """Draw a definition of 1 to 9 tasks whose dataflows fit; streams have `counts` chunks."""
    tasks: list[dict[str, Any]] = []
    flows: list[tuple[str, str]] = []
    numbers: list[str] = []
    streams: list[str] = []
    for index in range(draw(st.integers(1, 9))):
        _add_task(draw, f"t{index}", tasks, flows, numbers, streams, counts)
    outputs = {each.replace(".", "_"): each for each in (*numbers, *streams)}
    return definition_of(tasks, flows, outputs=outputs)


def _add_task(draw, name, tasks, flows, numbers, streams, counts) -> None:
    kinds = ["test.number", "test.emit"]
    kinds += ["test.add", "test.note"] if numbers else []
    kinds += ["test.double", "test.first", "test.total", "flow.map"] if streams else []
    kind = draw(st.sampled_from(kinds))
    if kind == "flow.map":
        config = {"over": ["item"], "limit": draw(st.integers(1, 3))}
        tasks.append({"id": name, "type": kind, "config": config, "graph": BODY})
        flows.append((draw(st.sampled_from(streams)), f"{name}.item"))
        return
    task = {"id": name, "type": kind, "config": {"yields": draw(st.integers(0, 3))}}
    if kind == "test.emit":
        task["inputs"] = {"count": draw(counts)}
    tasks.append(task)
    port, several, output = SHAPES[kind]
    if port is not None:
        choices = numbers if several else streams
        chosen = st.lists(st.sampled_from(choices), min_size=1, max_size=3 if several else 1)
        flows.extend((each, f"{name}.{port}") for each in draw(chosen))
    (streams if kind in STREAMS else numbers).append(f"{name}.{output}")


#: After how many commits each life of a run ends; at most three crashes.
crashes = st.lists(st.integers(0, 12), max_size=3)
#: How many events go into one commit.
batches = st.integers(1, 8)


# ── with all that a run may do ──────────────────────────────────────────────────────────────────

#: A loop's turn: one more, noted.
ONE_MORE = written(
    {"one": "test.number", "note": "test.note"}, "$inputs.n > note.values; one.result > note.values",
    inputs={"n": "int"}, outputs={"n": "note.result"},
)  # fmt: skip
#: An item added to what there is.
ADDED = written(
    {"add": "test.add"}, "$inputs.item > add.values; $inputs.sum > add.values",
    inputs={"item": "int", "sum": "int"}, outputs={"sum": "add.result"},
)  # fmt: skip
#: An item counted up to, with saved state.
COUNTED = written(
    {"count": "saving.count", "totals": "saving.totals"},
    "$inputs.item > count.count; count.numbers > totals.numbers",
    inputs={"item": "int"}, outputs={"sum": "totals.result"},
)  # fmt: skip


class Drawing:
    """A definition on its way: its tasks, and the ends that give numbers and streams."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.tasks: list[dict[str, Any]] = []
        self.flows: list[tuple[str, str]] = []
        self.numbers: list[str] = []
        self.streams: list[str] = []

    def add(self, kind: str, feeds: dict[str, str] | None = None, **more: Any) -> str:
        """Add a task that is fed so at its ports; give its id."""
        name = f"t{len(self.tasks)}"
        self.tasks.append({"id": name, "type": kind, **more})
        self.flows += [(end, f"{name}.{port}") for port, end in (feeds or {}).items()]
        return name

    def number(self) -> str:
        """Give an end with a number."""
        if not self.numbers:
            value = self.draw(st.integers(0, 4))
            self.numbers.append(self.add("test.number", inputs={"value": value}) + ".result")
        return self.draw(st.sampled_from(self.numbers))

    def stream(self) -> str:
        """Give an end with a stream."""
        if not self.streams:
            self.emit()
        return self.draw(st.sampled_from(self.streams))

    def paced(self, **config: Any) -> dict[str, Any]:
        """Give settings with a pace."""
        return {"yields": self.draw(st.integers(0, 3)), **config}

    # What may be added, each with its own name.

    def emit(self) -> None:
        """Add a stream; its first attempts may fail."""
        failures = self.draw(st.integers(0, 2))
        config = self.paced(failures=failures, after=self.draw(st.integers(0, 4)))
        task = self.add("saving.unsteady", inputs={"count": self.draw(COUNTS)}, config=config,
                        policy=_again(failures + 1))  # fmt: skip
        self.streams.append(f"{task}.numbers")

    def count(self) -> None:
        """Add a stream that goes on where it was."""
        config = self.paced(every=self.draw(st.integers(1, 3)))
        task = self.add("saving.count", inputs={"count": self.draw(COUNTS)}, config=config)
        self.streams.append(f"{task}.numbers")

    def totals(self) -> None:
        """Add a reader that goes on where it was."""
        config = self.paced(every=self.draw(st.integers(1, 3)))
        task = self.add("saving.totals", {"numbers": self.stream()}, config=config)
        self.streams.append(f"{task}.numbers")
        self.numbers.append(f"{task}.result")

    def read(self) -> None:
        """Add a reader of another kind."""
        kind = self.draw(st.sampled_from(["test.double", "test.first", "test.total"]))
        task = self.add(kind, {"numbers": self.stream()}, config=self.paced())
        port = SHAPES[kind][2]
        (self.streams if kind in STREAMS else self.numbers).append(f"{task}.{port}")

    def braid(self) -> None:
        """Add a reader of several streams."""
        task = self.add("test.braid", {"streams": self.stream()})
        self.flows.append((self.stream(), f"{task}.streams"))

    def add_up(self) -> None:
        """Add a sum, with or without an effect."""
        kind = self.draw(st.sampled_from(["test.add", "test.note"]))
        task = self.add(kind, {"values": self.number()}, config=self.paced())
        self.numbers.append(f"{task}.result")

    def choose(self) -> None:
        """Add a branch, one or two ways, and what brings them together again."""
        case = {"name": "yes", "if": {"port": "way", "is": "<", "value": 2}}
        config = {"branches": [case], "otherwise": "no"}
        branch = self.add("flow.branch", {"value": self.stream(), "way": self.number()},
                          config=config)  # fmt: skip
        ends = [f"{branch}.yes", f"{branch}.no"]
        if self.draw(st.booleans()):
            ends[0] = self.add("test.double", {"numbers": ends[0]}) + ".numbers"
        self.merge(ends)

    def merge(self, ends: list[str]) -> None:
        """Add what goes on with the first end that is taken."""
        merge = self.add("flow.merge")
        self.flows += [(end, f"{merge}.values") for end in ends]
        self.streams.append(f"{merge}.value")

    def handle(self) -> None:
        """Add a stream that fails for good, what is told of it, and what is read instead."""
        other = self.stream()
        config = self.paced(failures=99, after=self.draw(st.integers(0, 2)))
        fails = self.add("saving.unsteady", config=config, policy=_again(2))
        self.add("test.fault", {"fault": f"{fails}.[error]"})
        self.merge([f"{fails}.numbers", other])

    def compound(self) -> None:
        """Add a compound that has what is inside tried again."""
        config = self.paced(failures=self.draw(st.integers(0, 2)))
        graph = written(
            {"note": "test.note", "in": {"type": "saving.unsteady", "config": config}},
            "note.result > in.count; $inputs.n > note.values",
            inputs={"n": "int"}, outputs={"numbers": "in.numbers"},
        )  # fmt: skip
        task = self.add("flow.graph", {"n": self.number()}, graph=graph, policy=_again(3))
        self.streams.append(f"{task}.numbers")

    def go_over(self) -> None:
        """Add a map, along a stream."""
        graph, port = self.draw(st.sampled_from([(BODY, "total"), (COUNTED, "sum")]))
        config = {"over": ["item"], "limit": self.draw(st.integers(1, 3)),
                  "stream": self.draw(st.booleans())}  # fmt: skip
        task = self.add("flow.map", {"item": self.stream()}, graph=graph, config=config)
        if config["stream"]:
            self.streams.append(f"{task}.{port}")

    def loop(self) -> None:
        """Add a loop: so many turns, or one for each item."""
        if self.draw(st.booleans()):
            config: dict[str, Any] = {"condition": {"port": "n", "is": "<", "value": 3}}
            task = self.add("flow.while", {"n": self.number()}, graph=ONE_MORE, config=config)
            self.numbers.append(f"{task}.n")
        else:
            feeds = {"item": self.stream(), "sum": self.number()}
            task = self.add("flow.reduce", feeds, graph=ADDED, config={"over": ["item"]})
            self.numbers.append(f"{task}.sum")


WAYS = (
    Drawing.emit, Drawing.count, Drawing.totals, Drawing.read, Drawing.braid, Drawing.add_up,
    Drawing.choose, Drawing.handle, Drawing.compound, Drawing.go_over, Drawing.loop,
)  # fmt: skip


def _again(attempts: int) -> dict[str, Any]:
    return {"retry": {"attempts": attempts, "delay": 0}}


@st.composite
def eventful_definitions(draw: st.DrawFn) -> str:
    """Draw a definition with streams, retries, saved state, choices, handled errors and loops.

    Its tasks are those of `tests.tasks` and `tests.saving`; every run of it completes.
    """
    drawing = Drawing(draw)
    for way in draw(st.lists(st.sampled_from(WAYS), min_size=1, max_size=7)):
        way(drawing)
    outputs = {each.replace(".", "_"): each for each in (*drawing.numbers, *drawing.streams)}
    return definition_of(drawing.tasks, drawing.flows, outputs=outputs)
