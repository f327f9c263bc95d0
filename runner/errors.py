"""What can go wrong, each with one sentence for the person who reads it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a definition, and where: a task's path and a port, if any."""

    sentence: str
    task: str | None = None
    port: str | None = None


class RunnerError(Exception):
    """The base of every error of this package."""

    def __init__(self, sentence: str = "") -> None:
        """Keep the sentence."""
        super().__init__(sentence)
        self.sentence = sentence


class DefinitionError(RunnerError):
    """A definition that cannot be read, edited so, or planned; `problems` has all of it."""

    def __init__(self, sentence: str, problems: Iterable[Problem] = ()) -> None:
        """Keep the sentence and the problems; a lone sentence is a problem too."""
        super().__init__(sentence)
        self.problems: tuple[Problem, ...] = tuple(problems) or (Problem(sentence),)

    @classmethod
    def of(cls, problems: Sequence[Problem]) -> "DefinitionError":
        """Say the first problem, and how many more there are."""
        more = len(problems) - 1
        rest = f" ({more} more problem{'s' if more > 1 else ''})" if more else ""
        return cls(problems[0].sentence + rest, problems)


class CycleError(DefinitionError):
    """Dataflows that lead back to where they came from."""

    def __init__(self, cycle: Sequence[str]) -> None:
        """Name the tasks of the cycle, the first one again at its end."""
        self.cycle: tuple[str, ...] = tuple(cycle)
        super().__init__(f"The dataflows go in a circle: {' → '.join(self.cycle)}.")


class UnknownTaskType(RunnerError):
    """A task type that nobody registered."""

    def __init__(self, name: str, near: str | None = None) -> None:
        """Name the type, and the registered one that looks most like it."""
        hint = f" Did you mean '{near}'?" if near else ""
        super().__init__(f"There is no task type '{name}'.{hint}")
        self.name = name


class PlanError(DefinitionError, ValueError):
    """A definition and inputs that make no task graph."""


class InputsError(PlanError):
    """Inputs that do not fit a definition's input ports: a sentence by port."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        """Keep the sentences by port."""
        self.faults = dict(faults)
        problems = [Problem(sentence, None, port) for port, sentence in self.faults.items()]
        super().__init__(" ".join(self.faults.values()), problems)


class ValueFault(RunnerError, ValueError):
    """A value that a port does not take, or that cannot be kept."""


class ExpressionError(RunnerError):
    """An expression that cannot be evaluated, or whose value does not fit."""


class CodeError(RunnerError):
    """A person's code that failed, or went beyond its limits."""


class IllegalMove(RunnerError):
    """An event that cannot happen in the state a run is in."""

    def __init__(self, event: str, path: str, status: str) -> None:
        """Name the event, the task's path (or "run"), and its status."""
        super().__init__(f"{event} cannot happen to {path}, which is {status}.")


class StreamFailed(RunnerError):
    """The producer of a stream failed or was lost; its reader cannot go on."""

    def __init__(self, path: str, port: str) -> None:
        """Name the producer and its port."""
        super().__init__(f"The stream of port {port} of {path} broke off: its task failed.")


class StreamClosedError(RunnerError):
    """A chunk was pushed after its stream was closed."""

    def __init__(self, path: str, port: str) -> None:
        """Name the producer and its port."""
        super().__init__(f"Port {port} of {path} is closed; push chunks before closing it.")


class TaskAbandoned(RunnerError):
    """A body spoke after its attempt was over."""

    def __init__(self, path: str, attempt: int) -> None:
        """Name the task and the attempt."""
        super().__init__(f"Attempt {attempt} of {path} is over; what it still says is refused.")


class Fenced(RunnerError):
    """The run has another owner now; nothing of this one is kept any more."""

    def __init__(self, run: str) -> None:
        """Name the run."""
        super().__init__(f"Run {run} has another owner now.")
        self.run = run


class StorageTrouble(RunnerError):
    """The storage cannot keep anything at the moment; trying again may help."""


class UnreadableCheckpoint(RunnerError):
    """A checkpoint that this version cannot read."""


class MissingCredential(RunnerError):
    """The person who started the run has no such credential; once it is there, the task can go on."""

    def __init__(self, name: str) -> None:
        """Name the credential."""
        super().__init__(self._said(name))
        self.name = name

    @staticmethod
    def _said(name: str) -> str:
        return f"The credential '{name}' is missing; add it, and the task can go on."


class ExpiredCredential(MissingCredential):
    """A credential that is not taken any more, as the store or the task itself found out."""

    @staticmethod
    def _said(name: str) -> str:
        return f"The credential '{name}' has expired; renew it, and the task can go on."


class ProcessDied(RunnerError):
    """The process of a body ended without saying how the body ended."""

    def __init__(self, title: str, ending: str) -> None:
        """Name the task, and how its process ended: an exit code or a signal."""
        super().__init__(f"The process of {title} ended without a result ({ending}).")


class BodyLost(RunnerError):
    """A body ended with its worker after it had said something; it has to begin again."""

    def __init__(self, title: str) -> None:
        """Name the task."""
        super().__init__(f"The worker of {title} ended before its job did; the task begins again.")


class SizeLimit(RunnerError):
    """A value or a stream that is larger than what is kept."""


class TaskTimeout(RunnerError):
    """A body took longer than its policy lets it."""


class Refused(RunnerError):
    """The other side, or this one on its behalf, says no: asking once more would change nothing."""


class Unavailable(RunnerError):
    """The other side cannot answer now; `retry_after` has the seconds it asks to be left alone."""

    def __init__(self, sentence: str, retry_after: float | None = None) -> None:
        """Keep the sentence and what was asked for."""
        super().__init__(sentence)
        self.retry_after = retry_after


class RunFault(RunnerError):
    """A run that was called for its outputs failed, or was cancelled."""


class MissingArtifact(RunnerError):
    """The content of an artifact is not where it should be."""

    def __init__(self, digest: str, why: str = "it is not where it was kept") -> None:
        """Name the content by its hash."""
        super().__init__(f"The content {digest[:12]}… cannot be read: {why}.")


class DamagedArtifact(RunnerError):
    """The content of an artifact is not the one that its hash names."""

    def __init__(self, digest: str) -> None:
        """Name the content by its hash."""
        super().__init__(f"The content {digest[:12]}… has changed since it was kept.")
