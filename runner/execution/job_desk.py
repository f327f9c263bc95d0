"""JobDesk: what the context of a job's body passes on to: messages for the owner of its run."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NoReturn

from runner.errors import RunnerError
from runner.execution.artifacts import RunArtifacts
from runner.execution.context import Kept
from runner.execution.host import Host
from runner.execution.jobs import Job, JobLine
from runner.execution.mail import Mail
from runner.execution.masking import ChunkMasker, Masker
from runner.execution.network import Network
from runner.execution.programs import Emit, Program, Say
from runner.execution.secrets import Auth, Secret
from runner.execution.stream import Stream
from runner.graph.task import Task
from runner.graph.values import decode, encode


class JobDesk:
    """One job's desk, with the worker's own credentials, artifacts and expressions.

    Credentials are those of the person whose authority the run has, and only what the task type
    declares; what was handed out is masked before anything is written.
    """

    def __init__(self, job: Job, task: Task, host: Host, line: JobLine) -> None:
        self.masker = Masker()
        self._job = job
        self._task = task
        self._host = host
        self._line = line
        self._auth = Auth(job.identity, task.needs, host.credentials, self.masker)
        self._artifacts = RunArtifacts(host.artifacts, job.scope)
        self._streams: dict[str, Stream] = {}
        self._maskers: dict[str, ChunkMasker] = {}
        self._decisions = dict(job.spec["decisions"]) | dict(job.decisions)

    # ── streams ──────────────────────────────────────────────────────────────────────────────

    def open_stream(self, path: str, port: str) -> Stream:
        """Give the stream of an output port, opening it at the first use."""
        if port not in self._streams:
            opened = self._task.outputs.get(port)
            if opened is None or not opened.streams:
                raise RunnerError(
                    f"{self._task.title} cannot push chunks to {port}; "
                    "list that output in streaming()."
                )
            self._streams[port] = Stream(
                path,
                opened,
                self._job.attempt,
                write=opened.writer(),
                most=self._host.stream_bytes,
            )
        return self._streams[port]

    def take(self, stream: Stream, chunk: Any) -> bool:
        """Take one chunk; its body waits while too much is not kept."""
        text = stream.write(chunk)
        if self.masker.finder is None:
            self._say_chunk(stream, text)
            return True
        masker = self._maskers.setdefault(stream.port.name, ChunkMasker(self.masker, stream.port))
        for each in masker.push(text):
            self._say_chunk(stream, each)
        return True

    def _say_chunk(self, stream: Stream, text: str) -> None:
        stream.append(text)
        self._line.say({"port": stream.port.name, "chunks": [text]})

    async def throttle(self, stream: Stream) -> None:
        """Wait while too much of what was said is not kept."""
        await stream.throttle()
        await self._line.room()

    def close_stream(self, stream: Stream) -> None:
        """Say that no further chunk comes."""
        if not stream.closed:
            self.let_out(stream.port.name)
            stream.close()
            self._line.say({"close": stream.port.name})

    def let_out(self, port: str) -> None:
        """Say what was held back because it might have been the beginning of a secret."""
        masker = self._maskers.get(port)
        for text in masker.flush() if masker is not None else ():
            self._say_chunk(self._streams[port], text)

    def let_all_out(self) -> None:
        """Do so for all ports: the body has ended."""
        for port in self._maskers:
            if not self._streams[port].closed:
                self.let_out(port)

    def resume_stream(self, path: str, port: str) -> int:
        """Begin a port with the chunks that were kept with the saved state; give how many."""
        if self.saved_state(path) is None:
            raise RunnerError(f"{path} has no saved state; look at saved_state before resuming.")
        if port in self._streams:
            raise RunnerError(f"Port {port} of {path} has chunks already; resume it first.")
        self.open_stream(path, port)
        self._line.say({"resume": port})
        return int(self._job.spec["kept"].get(port, 0))

    # ── progress and logs ────────────────────────────────────────────────────────────────────

    def progressed(self, _path: str, _attempt: int, fraction: float, message: str) -> None:
        """Say how far the body is."""
        self._line.say({"progress": fraction, "message": self.masker.mask(message)})

    def mask(self, text: str) -> str:
        """Take what was handed out as a secret out of a text."""
        return self.masker.mask(text)

    def logged(self, _path: str, _attempt: int, level: str, message: str) -> None:
        """Say a log line."""
        self._line.say({"log": self.masker.mask(message), "level": level})

    def queued(self, _path: str, _why: str) -> None:
        """Take no note: a job's body waits for no other worker."""

    def taken(self, _path: str, _attempt: int) -> None:
        """Take no note."""

    # ── what is kept ─────────────────────────────────────────────────────────────────────────

    async def save_state(self, _path: str, value: Any) -> None:
        """Say a body's state, after all that it said before, and wait until it is kept."""
        for port in self._maskers:
            self.let_out(port)
        self._line.say({"state": self.masker.mask_json(encode(value))})
        await self._line.kept()

    def saved_state(self, _path: str) -> Any:
        """Give the state that an earlier attempt kept; None if there is none."""
        return decode(self._job.spec["saved_state"])

    def decision(self, _path: str, name: str) -> tuple[bool, Any]:
        """Say whether the task, or an earlier worker of the job, has decided this, and how."""
        decisions = self._decisions
        return (True, decode(decisions[name])) if name in decisions else (False, None)

    async def keep_decision(self, _path: str, name: str, value: Any) -> Any:
        """Keep a decision; give it as it will be read back."""
        text = self._decisions[name] = self.masker.mask_json(encode(value))
        self._line.say({"decide": name, "value": text})
        await self._line.kept()
        return decode(text)

    def kept(self, _path: str) -> Kept:
        """Give what was kept of earlier attempts."""
        return Kept(decisions=self._decisions, chunks=self._job.spec["kept"])

    # ── what only the owner of the run can do ────────────────────────────────────────────────

    async def ask(self, _path: str, _question: Mapping[str, Any]) -> NoReturn:
        """Refuse: people are asked where the run is driven."""
        raise RunnerError(f"{self._task.title} asks a person: take it out of the job queue.")

    async def wait_until(self, _path: str, _at: datetime) -> NoReturn:
        """Refuse: a worker does not stand still for a time."""
        raise RunnerError(f"{self._task.title} waits for a time: take it out of the job queue.")

    # ── the worker's own ─────────────────────────────────────────────────────────────────────

    @property
    def network(self) -> Network:
        """Give what may be reached of other machines."""
        return self._host.network

    async def send_mail(self, mail: Mail) -> str:
        """Send a message; give its id."""
        return await self._host.mailer.send(mail)

    def artifacts(self) -> RunArtifacts:
        """Give what saves and reads the artifacts of the run's team."""
        return self._artifacts

    def identity(self) -> str:
        """Name the person whose authority the run has."""
        return self._job.identity

    async def secret(self, _path: str, name: str) -> Secret:
        """Give a credential; raises MissingCredential, for which the run's owner waits."""
        return await self._auth.secret(name)

    async def evaluate(self, source: str, values: Mapping[str, Any]) -> Any:
        """Give what an expression gives over named values."""
        return await self._host.expressions.evaluate(source, values)

    async def run_program(self, program: Program, emit: Emit, say: Say) -> dict[str, Any]:
        """Give what a person's code gives by name."""
        return await self._host.programs.run(program, emit, say)
