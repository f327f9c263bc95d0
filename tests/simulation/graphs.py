"""Random definitions: streams in every style of reading, effects, maps and graphs in graphs."""

from random import Random
from typing import Any

from tests.simulation.controls import add_control
from tests.simulation.model import FOR_EVER, fails_for_ever

#: How long one step of a body may sleep, in seconds; below 0 it does not give way at all.
PAUSES = (-1.0, 0.0, 0.0, 0.01, 0.1, 0.4, 1.5)
#: How many chunks a stream has; more than a window now and then.
COUNTS = (0, 1, 2, 3, 5, 5, 8, 8, 8, 70)
COUNTS_INSIDE = (0, 1, 2, 3, 4)
READ_STYLES = ("all", "all", "first", "part", "final", "twice", "never", "all-final")
RELAY_STYLES = ("each", "each", "after", "attach")
JOIN_STYLES = ("one-by-one", "left-first", "right-final", "together")
SOURCES = (
    "sim.number", "sim.emit", "sim.emit", "sim.send", "sim.batch", "sim.swing",
    "sim.save", "sim.store",
)  # fmt: skip
OF_NUMBERS = (
    "sim.sum", "sim.sum", "sim.note", "sim.note", "sim.choose", "sim.rest", "sim.question",
    "sim.once",
)  # fmt: skip
OF_STREAMS = (
    "sim.relay", "sim.relay", "sim.relay", "sim.read", "sim.read", "sim.keep", "sim.join",
    "sim.tally", "flow.map",
)  # fmt: skip


class Drawing:
    """One graph as it grows; `numbers` and `streams` are the outputs to draw from."""

    def __init__(
        self,
        random: Random,
        *,
        failing: float,
        hopeless: float,
        controls: bool = False,
        depth: int = 0,
    ) -> None:
        self._controls = controls
        self.random = random
        self.tasks: list[dict[str, Any]] = []
        self.flows: list[dict[str, str]] = []
        self.numbers: list[str] = []
        self.streams: list[str] = []
        self.snapshots: set[str] = set()
        self.inputs: list[dict[str, Any]] = []
        self.is_hopeless = hopeless > 0
        #: Whether a failure that is handled may be that of a task that reads a stream; then of one.
        self.tells_of_readers = random.random() < 0.3
        self.told = False
        self._failing = failing
        self._hopeless = hopeless
        self._depth = depth

    def take(self, name: str, kind: str) -> None:
        """Add a run input, or a map's item, to draw from."""
        self.inputs.append({"name": name, "type": kind})
        (self.numbers if kind == "int" else self.streams).append(f"$inputs.{name}")

    def grow(self, count: int) -> None:
        """Add so many tasks."""
        for _ in range(count):
            kinds = list(SOURCES)
            kinds += OF_NUMBERS * 2 if self.numbers else ()
            kinds += OF_STREAMS * 2 if self.streams else ()
            if self.streams and self._depth < 2:
                kinds += ["flow.graph", "flow.graph"]
            if self._controls and self.random.random() < 0.3:
                add_control(self)
            else:
                self._add(self.random.choice(kinds))

    def as_json(self, outputs: list[str]) -> dict[str, Any]:
        """Give the definition; each output is named after what it comes from."""
        return {
            "v": 1,
            "name": "simulated",
            "inputs": self.inputs,
            "tasks": self.tasks,
            "dataflows": self.flows,
            "fail_fast": self.random.random() < 0.1,
            "outputs": [{"name": each.replace(".", "_"), "from": each} for each in outputs],
        }

    def inner_outputs(self) -> list[str]:
        """Give all outputs of its tasks."""
        return [each for each in (*self.numbers, *self.streams) if not each.startswith("$")]

    def _add(self, kind: str) -> None:
        task: dict[str, Any] = {"id": f"t{len(self.tasks)}", "type": kind}
        self.tasks.append(task)
        if kind == "flow.map":
            self._add_map(task)
        elif kind == "flow.graph":
            self._add_graph(task)
        else:
            task["config"] = self.config(kind)
            self._add_policy(task)
            _CONNECT[kind](self, task)

    def _add_policy(self, task: dict[str, Any]) -> None:
        """Let a task that fails be tried again by itself, now and then."""
        may = task["type"] != "sim.once" and "fails" in task.get("config", {"fails": 0})
        if self._controls and may and self.random.random() < 0.7:
            retry = {
                "attempts": self.random.randint(2, 4),
                "delay": self.random.choice((0.0, 0.1, 2.0)),
                "jitter": self.random.random() < 0.5,
            }
            task["policy"] = {"retry": retry}

    def join(self, source: str, task: dict[str, Any], port: str) -> None:
        """Draw a dataflow."""
        self.flows.append({"from": source, "to": f"{task['id']}.{port}"})

    def offer_like(self, output: str, source: str) -> None:
        """Offer an output through which another one's values pass."""
        if source in self.snapshots:
            self.snapshots.add(output)
        (self.numbers if source in self.numbers else self.streams).append(output)

    def config(self, kind: str, *, failing: bool = True) -> dict[str, Any]:
        """Draw the settings of a task; one that is not `failing` never fails."""
        random = self.random
        config: dict[str, Any] = {"salt": random.randrange(1000)}
        if random.random() < 0.8:
            config["pauses"] = [random.choice(PAUSES) for _ in range(random.randint(1, 4))]
        if not failing:
            pass
        elif random.random() < self._failing:
            config["fails"] = random.randint(1, 2)
        elif random.random() < self._hopeless:
            config["fails"] = FOR_EVER
        if "fails" in config:
            config["fail_at"] = random.choice((0, 1, 2, 5, 50))
        if random.random() < 0.05:
            config["stubborn"] = random.choice((0.5, 20.0))
        return config | self._own(kind)

    def _own(self, kind: str) -> dict[str, Any]:
        """Draw the settings that only some types have."""
        random = self.random
        if kind in STYLES:
            return {"style": random.choice(STYLES[kind])}
        if kind in SAVING:
            return {"every": random.randint(1, 4)}
        if kind == "sim.rest":
            return {"seconds": random.choice((0.0, 0.5, 4.0))}
        return {"returns": random.random() < 0.3} if kind in {"sim.emit", "sim.send"} else {}

    def _source(self, task: dict[str, Any]) -> None:
        count = self.random.choice(COUNTS_INSIDE if self._depth else COUNTS)
        if task["type"] == "sim.number":
            task["inputs"] = {"value": count}
            self.numbers.append(f"{task['id']}.result")
        elif task["type"] == "sim.swing":
            task["inputs"] = {"count": max(1, count)}
            self._add_snapshot(f"{task['id']}.result")
        else:
            task["inputs"] = {"count": count}
            self.streams.append(f"{task['id']}.numbers")

    def _add_snapshot(self, output: str) -> None:
        """Add an output that is a number, or a stream of numbers, as its reader likes."""
        self.snapshots.add(output)
        (self.numbers if self.random.random() < 0.5 else self.streams).append(output)

    def _of_numbers(self, task: dict[str, Any]) -> None:
        for _ in range(self.random.randint(1, 3)):
            self._flow(self.numbers, task, "values")
        self.numbers.append(f"{task['id']}.result")

    def _relay(self, task: dict[str, Any]) -> None:
        self._flow(self.streams, task, "numbers")
        self.streams.append(f"{task['id']}.numbers")

    def _read(self, task: dict[str, Any]) -> None:
        self._flow(self.streams, task, "numbers")
        self.numbers.append(f"{task['id']}.result")

    def _join(self, task: dict[str, Any]) -> None:
        self._flow(self.streams, task, "left")
        self._flow(self.streams, task, "right")
        self.streams.append(f"{task['id']}.numbers")

    def _flow(self, sources: list[str], task: dict[str, Any], port: str) -> None:
        flow = {"from": self.random.choice(sources), "to": f"{task['id']}.{port}"}
        if flow not in self.flows:
            self.flows.append(flow)

    def _inside(self, *, controls: bool) -> "Drawing":
        return Drawing(
            self.random, failing=self._failing / 2, hopeless=self._hopeless / 4,
            controls=controls, depth=self._depth + 1,
        )  # fmt: skip

    def _add_map(self, task: dict[str, Any]) -> None:
        lists = [each for each in self.streams if each not in self.snapshots]
        if not lists:
            task["type"] = "sim.read"
            task["config"] = self.config("sim.read")
            self._read(task)
            return
        inner = self._inside(controls=False)
        inner.take("item", "int")
        if self.numbers and self.random.random() < 0.5:
            inner.take("bias", "int")
            self._flow(self.numbers, task, "bias")
        inner.grow(self.random.randint(1, 3))
        outputs = [each for each in inner.numbers if not each.startswith("$")][-1:]
        if not outputs:
            inner._add("sim.sum")
            outputs = inner.numbers[-1:]
        task["graph"] = inner.as_json(outputs)
        task["config"] = {
            "over": ["item"],
            "limit": self.random.randint(1, 4),
            "stream": self.random.random() < 0.3,
        }
        self._flow(lists, task, "item")
        # Many items times many chunks says nothing new and takes long.
        self.streams.append(f"{task['id']}.{outputs[0].replace('.', '_')}")

    def _add_graph(self, task: dict[str, Any]) -> None:
        inner = self._inside(controls=self._controls)
        failing = {each["id"] for each in self.tasks if fails_for_ever(each)}
        sources = [*self.streams, *self.numbers]
        sources = [each for each in sources if each.partition(".")[0] not in failing] or sources
        source = self.random.choice(sources)
        single = source in self.numbers or source in self.snapshots
        inner.take("given", "int" if single else "list[int]")
        inner.grow(self.random.randint(1, 4))
        outputs = inner.inner_outputs()
        chosen = [each for each in outputs if self.random.random() < 0.7] or outputs[-1:]
        task["graph"] = inner.as_json(chosen)
        if self.random.random() < 0.3:
            self._add_policy(task)
        self.flows.append({"from": source, "to": f"{task['id']}.given"})
        for each in chosen:
            name = f"{task['id']}.{each.replace('.', '_')}"
            if each in inner.snapshots:
                self._add_snapshot(name)
            else:
                (self.numbers if each in inner.numbers else self.streams).append(name)


SAVING = frozenset({"sim.save", "sim.store", "sim.tally"})
STYLES: dict[str, tuple[str, ...]] = {
    "sim.relay": RELAY_STYLES,
    "sim.read": READ_STYLES,
    "sim.keep": READ_STYLES,
    "sim.join": JOIN_STYLES,
}
_CONNECT = {
    **dict.fromkeys(SOURCES, Drawing._source),
    **dict.fromkeys(OF_NUMBERS, Drawing._of_numbers),
    "sim.relay": Drawing._relay,
    "sim.read": Drawing._read,
    "sim.tally": Drawing._read,
    "sim.keep": Drawing._read,
    "sim.join": Drawing._join,
}


def draw(random: Random, *, controls: bool) -> dict[str, Any]:
    """Draw a definition of 1 to 9 tasks; all their outputs are the run's outputs."""
    failing = random.choice((0.0, 0.0, 0.15))
    hopeless = random.choice((0.0, 0.0, 0.0, 0.1))
    drawing = Drawing(random, failing=failing, hopeless=hopeless, controls=controls)
    drawing.grow(random.randint(1, 9))
    return drawing.as_json(drawing.inner_outputs())


def failures_in(graph: dict[str, Any]) -> int:
    """Count the attempts that fail, items of maps once: how often somebody must resume."""
    total = 0
    for task in graph["tasks"]:
        fails = task.get("config", {}).get("fails", 0)
        total += fails if fails < FOR_EVER else 0
        if "graph" in task:
            total += failures_in(task["graph"])
    return total
