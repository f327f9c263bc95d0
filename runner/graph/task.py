"""Task and @task: declared ports and one async execute(inputs, context)."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, overload

from runner.errors import DefinitionError, ValueFault
from runner.graph.expression import Expression
from runner.graph.policy import Policy, Retry, check_policy
from runner.graph.port_fields import ports_of
from runner.graph.port_types import compare
from runner.graph.ports import Port, Ports, Stream
from runner.graph.signatures import (
    CONTEXT,
    RESULT,
    grown_from,
    hints_of,
    model_of,
    parameters_of,
    results_of,
)
from runner.graph.task_ports import (
    by_port,
    filled,
    outputs_of_model,
    read_config,
    said,
    snake_case,
)

if TYPE_CHECKING:
    from runner.graph.definition import GraphDefinition
    from runner.graph.needs import Need
    from runner.graph.registry import TaskRegistry

Effect = Literal["none", "repeatable", "once"]
Place = Literal["", "loop", "thread", "process"]
_EFFECTS = frozenset({"none", "repeatable", "once"})
_PLACES = frozenset({"", "loop", "thread", "process"})


class Task:
    """A unit of work: a class with Inputs, Outputs and Config, and `execute`.

    One object may run many times at once (each item of a map shares it), so it keeps nothing
    from one execution to the next. A blocking task's `execute` is a plain function that runs in
    a thread of its own, unless `place` says otherwise; in a process of its own it takes up to
    `memory` bytes (0 for any number). `policy` has its defaults for retries,
    times, cache and group; `needs` are the credentials it asks for. Runs that began with a version
    in `compatible_with` go on with this one; else a person decides.

    For graphs that look like a task: `hands_on` names the inputs whose streams go on to inner
    tasks, `passes` the outputs that are an input as it came, and `may_skip` says that an output
    may be not taken although the task completes.
    """

    name: ClassVar[str] = ""
    version: ClassVar[str] = "1"
    compatible_with: ClassVar[tuple[str, ...]] = ()
    title: ClassVar[str] = ""
    help: ClassVar[str] = ""
    effect: ClassVar[Effect] = "repeatable"
    blocking: ClassVar[bool] = False
    place: ClassVar[Place] = ""
    memory: ClassVar[int] = 0
    policy: ClassVar[Policy] = Policy()
    needs: "ClassVar[tuple[Need, ...]]" = ()

    hands_on: frozenset[str] = frozenset()
    passes: frozenset[str] = frozenset()
    may_skip: bool = False

    class Inputs(Ports):
        """No inputs, unless a task says otherwise."""

    class Outputs(Ports):
        """No outputs, unless a task says otherwise."""

    class Config(Ports):
        """No settings, unless a task says otherwise."""

    inputs: Mapping[str, Port]
    outputs: Mapping[str, Port]
    #: The settings that are worked out when the task starts; `config` lacks them until then.
    expressions: Mapping[str, Expression] = MappingProxyType({})

    def __init_subclass__(cls, **extra: Any) -> None:
        """Fill in the name, title and help that the class does not give itself."""
        super().__init_subclass__(**extra)
        own = vars(cls)
        if "name" not in own:
            cls.name = snake_case(cls.__name__)
        if "title" not in own:
            cls.title = cls.name.rpartition(".")[2].replace("_", " ").capitalize()
        if "help" not in own:
            cls.help = (cls.__doc__ or "").strip().partition("\n")[0]

    def __init__(self, config: Mapping[str, Any] | None = None) -> None:
        """Check the settings; raises ValueFault with a sentence."""
        given = config or {}
        self.config: Any = read_config(self.Config, self.title, given)
        worked_out = {n: each for n, each in given.items() if isinstance(each, Expression)}
        if worked_out:
            _refuse_shaping(type(self), next(iter(worked_out)))
            self.expressions, self._given = worked_out, dict(given)
        self.inputs, self.outputs = ports_of_class(type(self))
        needs = self.needs_for(given)
        if needs is not type(self).needs:
            vars(self)["needs"] = needs

    @classmethod
    def build(
        cls,
        config: Mapping[str, Any],
        graph: "GraphDefinition | None",
        registry: "TaskRegistry",
    ) -> Self:
        """Make the task that a definition asks for."""
        if graph is not None:
            raise ValueFault(f"{cls.title} takes no graph of its own.")
        return cls(config)

    def with_settings(self, settings: Mapping[str, Any]) -> Self:
        """Give the task with values for its expressions; raises ValueFault if one does not fit."""
        return type(self)({**self._given, **settings})

    @classmethod
    def needs_for(cls, config: Mapping[str, Any]) -> "tuple[Need, ...]":
        """Say which credentials a task with these settings asks for; raises ValueFault.

        The settings that say so are known before a run, so they are never expressions.
        """
        return cls.needs

    @classmethod
    def config_ports(cls) -> dict[str, Port]:
        """Describe the settings like ports, for forms."""
        return ports_of(cls.Config, cls.title)

    @staticmethod
    def streaming() -> dict[str, Stream]:
        """Say which output ports stream, and how."""
        return {}

    def inner_tasks(self) -> "Mapping[str, Task]":
        """Give the tasks of the graph it holds, by id; none for most tasks."""
        return {}

    def execute(self, inputs: Any, context: Any) -> Any:
        """Do the work; `async def` unless the task is blocking."""
        raise NotImplementedError

    def execute_blocking(self, inputs: Any, context: Any) -> Any:
        """Do the work of a blocking task, in its own thread."""
        return self.execute(inputs, context)

    def bind(self, values: Mapping[str, Any]) -> Any:
        """Give the object that `execute` takes as its inputs, from values checked already."""
        return filled(self.Inputs, values)

    def collect(self, returned: Any) -> dict[str, Any]:
        """Give what `execute` returned by port; raises ValueFault for ports that do not exist."""
        if returned is None:
            return self._collect_none()
        values = by_port(returned)
        if values is None:
            values = self._collect_bare(returned)
        unknown = [port for port in values if port not in self.outputs]
        if unknown:
            raise ValueFault(
                f"{self.title} returned a value for {', '.join(map(repr, unknown))}, "
                f"but its output ports are {said(self.outputs)}."
            )
        return values

    def _collect_none(self) -> dict[str, Any]:
        """A bare None is a value only where the one output port takes it."""
        if len(self.outputs) != 1:
            return {}
        ((name, port),) = self.outputs.items()
        takes_none = not port.streams and compare(type(None), port.type) == "fits"
        return {name: None} if takes_none else {}

    def _collect_bare(self, returned: Any) -> dict[str, Any]:
        if len(self.outputs) == 1:
            return {next(iter(self.outputs)): returned}
        raise ValueFault(
            f"{self.title} returned a {type(returned).__name__}; with the output ports "
            f"{said(self.outputs)} it has to return a dict by port."
        )


_class_ports: dict[type[Task], tuple[dict[str, Port], dict[str, Port]]] = {}


def ports_of_class(kind: type[Task]) -> tuple[dict[str, Port], dict[str, Port]]:
    """Give the input and output ports of a task class, built once and kept."""
    found = _class_ports.get(kind)
    if found is None:
        _check_kind(kind)
        outputs = outputs_of_model(kind.Outputs, kind.title, kind.streaming())
        found = _class_ports[kind] = ports_of(kind.Inputs, kind.title), outputs
    return found


def _refuse_shaping(kind: type[Task], setting: str) -> None:
    if kind.__init__ is not Task.__init__:
        raise ValueFault(
            f"Setting {setting} of {kind.title} says what the task looks like, so it cannot be an "
            "expression; give a constant."
        )


def _check_kind(kind: type[Task]) -> None:
    if kind.effect not in _EFFECTS:
        raise DefinitionError(f"The effect of {kind.title} is none, repeatable or once.")
    if kind.place not in _PLACES:
        raise DefinitionError(f"The place of {kind.title} is loop, thread or process.")
    try:
        check_policy(kind.policy, kind.title, kind.effect, kind.needs)
    except ValueFault as fault:
        raise DefinitionError(fault.sentence) from fault


# ── a plain function as a task ──────────────────────────────────────────────────────────────────


class FunctionTask(Task):
    """A function, called with its inputs by name; `context` is passed if it asks for it."""

    function: ClassVar[Callable[..., Any]]
    wants_context: ClassVar[bool] = False
    returns_bare: ClassVar[bool] = True

    def bind(self, values: Mapping[str, Any]) -> Any:
        """Give the values as they are; they become keyword arguments."""
        return values

    def call(self, inputs: Any, context: Any) -> Any:
        """Call the function."""
        given = inputs if isinstance(inputs, Mapping) else vars(inputs)
        extra = {CONTEXT: context} if self.wants_context else {}
        return type(self).function(**given, **extra)

    def collect(self, returned: Any) -> dict[str, Any]:
        """A bare return is the port `result`, whatever its type."""
        if self.returns_bare and self.outputs and returned is not None:
            return {RESULT: returned}
        return super().collect(returned)


class _Awaited(FunctionTask):
    async def execute(self, inputs: Any, context: Any) -> Any:
        return await self.call(inputs, context)


class _Streamed(FunctionTask):
    async def execute(self, inputs: Any, context: Any) -> None:
        await context.attach_stream(RESULT, self.call(inputs, context))


class _Threaded(FunctionTask):
    blocking = True

    def execute(self, inputs: Any, context: Any) -> Any:
        return self.call(inputs, context)


class _StreamedInThread(FunctionTask):
    blocking = True

    def execute(self, inputs: Any, context: Any) -> None:
        for chunk in self.call(inputs, context):
            context.push_chunk(RESULT, chunk)


class _OnLoop(FunctionTask):
    async def execute(self, inputs: Any, context: Any) -> Any:
        return self.call(inputs, context)


class _StreamedOnLoop(FunctionTask):
    async def execute(self, inputs: Any, context: Any) -> None:
        for chunk in self.call(inputs, context):
            await context.push_chunk(RESULT, chunk)


def _result_streams() -> dict[str, Stream]:
    return {RESULT: Stream()}


@overload
def task(function: Callable[..., Any], /) -> type[FunctionTask]: ...
@overload
def task(
    *,
    name: str = "",
    effect: Effect = "repeatable",
    blocking: bool = True,
    title: str = "",
    version: str = "1",
    compatible_with: tuple[str, ...] = (),
    retry: Retry | int | None = None,
    timeout: float | None = 3600.0,
    idle_timeout: float | None = 600.0,
    cache: bool = False,
    group: str = "",
    needs: "Sequence[Need]" = (),
    place: Place = "",
    memory: int = 0,
) -> Callable[[Callable[..., Any]], type[FunctionTask]]: ...
def task(
    function: Callable[..., Any] | None = None,
    /,
    *,
    blocking: bool = True,
    retry: Retry | int | None = None,
    needs: "Sequence[Need]" = (),
    **own: Any,
) -> Any:
    """Make a task class of a function; `blocking=False` keeps a sync function on the loop.

    `retry` may be the number of attempts. Raises ValueFault for a policy that makes no sense,
    DefinitionError for one that the effect or the needs forbid.
    """
    if unknown := own.keys() - _POLICY_FIELDS - _TASK_FIELDS:
        raise TypeError(f"@task takes no {', '.join(sorted(unknown))}.")
    limits = {key: own[key] for key in _POLICY_FIELDS & own.keys()}
    own = {key: own[key] for key in _TASK_FIELDS if own.get(key)}
    own |= {"policy": Policy(retry=_retry_of(retry), **limits), "needs": tuple(needs)}

    def make(function: Callable[..., Any]) -> type[FunctionTask]:
        made = _task_class(function, _base(function, blocking=blocking), own)
        _check_kind(made)
        return made

    return make if function is None else make(function)


_TASK_FIELDS = frozenset(
    {"name", "effect", "title", "version", "compatible_with", "place", "memory"}
)
_POLICY_FIELDS = frozenset({"timeout", "idle_timeout", "cache", "group"})


def _retry_of(retry: Retry | int | None) -> Retry:
    if retry is None:
        return Retry()
    return retry if isinstance(retry, Retry) else Retry(attempts=retry)


def _base(function: Callable[..., Any], *, blocking: bool) -> type[FunctionTask]:
    if inspect.isasyncgenfunction(function):
        return _Streamed
    if inspect.iscoroutinefunction(function):
        return _Awaited
    if inspect.isgeneratorfunction(function):
        return _StreamedInThread if blocking else _StreamedOnLoop
    return _Threaded if blocking else _OnLoop


def _task_class(
    function: Callable[..., Any], base: type[FunctionTask], own: dict[str, Any]
) -> type[FunctionTask]:
    hints = hints_of(function)
    returned = hints.pop("return", Any)
    streams = base in {_Streamed, _StreamedInThread, _StreamedOnLoop}
    results = {RESULT: grown_from(returned)} if streams else results_of(returned)
    body = {
        "name": function.__name__,
        "__doc__": function.__doc__,
        "__module__": function.__module__,
        "__qualname__": function.__qualname__,
        "function": staticmethod(function),
        "wants_context": CONTEXT in inspect.signature(function).parameters,
        "returns_bare": set(results) == {RESULT},
        "Inputs": model_of("Inputs", parameters_of(function, hints)),
        "Outputs": model_of("Outputs", {port: (kind, ...) for port, kind in results.items()}),
    }
    if streams:
        body["streaming"] = staticmethod(_result_streams)
    return type(function.__name__, (base,), body | own)
