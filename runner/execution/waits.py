"""Waits: tasks that wait for a person, a time or a credential, holding no slot meanwhile."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from runner.errors import MissingCredential, RunnerError, TaskAbandoned
from runner.execution.deciding import try_again
from runner.execution.masking import Masker
from runner.execution.secrets import Auth, Secret
from runner.graph.values import decode, encode
from runner.run import events
from runner.run.status import TaskStatus

if TYPE_CHECKING:
    from runner.execution.run_executor import RunExecutor


class Waits:
    """Who waits in one run, for what; an answer reaches the body, a time passes by itself."""

    def __init__(self, executor: "RunExecutor", masker: Masker) -> None:
        self._executor = executor
        self._masker = masker
        self._answers: dict[str, asyncio.Future[Any]] = {}
        self._renewals: dict[str, list[asyncio.Future[None]]] = {}
        #: Tasks whose bodies ended for want of a credential.
        self._parked: set[str] = set()

    # ── people ───────────────────────────────────────────────────────────────────────────────

    async def ask(self, path: str, question: Mapping[str, Any]) -> Any:
        """Give a person's answer, recorded once and for all.

        Raises RunnerError when the question's `deadline` (in seconds) passes without one.
        """
        desk = self._executor.desk
        known, answer = desk.decision(path, "answer")
        if known:
            return answer
        until = await self._deadline(path, question.get("deadline"))
        reason = "approval" if question.get("kind") == "approval" else "input"
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._answers[path] = future
        timer = None if until is None else self._executor.at(until, lambda: _give_up(future))
        try:
            return await self._wait(path, reason, future, dict(question), until)
        finally:
            self._answers.pop(path, None)
            if timer is not None:
                timer.cancel()

    async def _deadline(self, path: str, seconds: float | None) -> datetime | None:
        if seconds is None:
            return None
        known, until = self._executor.desk.decision(path, "deadline")
        if not known:
            until = self._executor.host.now() + timedelta(seconds=seconds)
            until = await self._executor.desk.keep_decision(path, "deadline", until)
        return datetime.fromisoformat(until) if isinstance(until, str) else until

    def answer(self, path: str, value: Any, actor: str) -> bool:
        """Take a person's answer; false when nobody asked, or it was answered already."""
        future = self._answers.get(path)
        if future is None or future.done():
            return False
        text = self._masker.mask_json(encode(value))
        executor = self._executor
        attempt = executor.state.tasks[path].attempt
        decisions = {**executor.records.decisions(path), "answer": text}
        executor.record(
            events.DecisionMade(path, attempt, "answer", text), changes={"decisions": decisions}
        )
        reason = executor.state.tasks[path].reason
        executor.record(events.TaskAnswered(path, attempt, reason, actor))
        future.set_result(decode(text))
        return True

    # ── time ─────────────────────────────────────────────────────────────────────────────────

    async def wait_until(self, path: str, at: datetime) -> None:
        """Wait for a time; one that has passed does not wait at all."""
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        if at <= self._executor.host.now():
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        timer = self._executor.at(at, lambda: wake(future))
        try:
            await self._wait(path, "time", future, {}, at)
        finally:
            timer.cancel()

    # ── credentials ──────────────────────────────────────────────────────────────────────────

    async def secret(self, path: str, name: str) -> Secret:
        """Give a credential; while it is missing or expired, wait for its renewal."""
        executor = self._executor
        needs = executor.state.tasks[path].planned.task.needs
        auth = Auth(executor.stored.identity, needs, executor.host.credentials, self._masker)
        while True:
            try:
                return await auth.secret(name)
            except MissingCredential as fault:
                future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._renewals.setdefault(path, []).append(future)
                detail = {"credential": name, "message": str(fault)}
                await self._wait(path, "token", future, detail, None)

    def renew(self, actor: str) -> None:
        """Credentials have changed: let those who wait for one look again."""
        renewals, self._renewals = self._renewals, {}
        for path, futures in renewals.items():
            attempt = self._executor.state.tasks[path].attempt
            self._executor.record(events.TaskAnswered(path, attempt, "token", actor))
            for future in futures:
                wake(future)
        parked, self._parked = self._parked, set()
        for path in sorted(parked):
            try_again(self._executor, path, "token", actor)

    def park(self, path: str, attempt: int, fault: MissingCredential) -> None:
        """Let a task whose body ended for want of a credential wait for it.

        Whether one that must not start twice does so a person decides.
        """
        detail = {"credential": fault.name, "message": str(fault)}
        if self._executor.state.tasks[path].planned.task.effect == "once":
            self._executor.record(events.TaskAwaiting(path, attempt, "decision", detail))
        else:
            self._parked.add(path)
            self._executor.record(events.TaskAwaiting(path, attempt, "token", detail))

    def forget(self, path: str) -> None:
        """Take note that an attempt is over: it waits for no credential any more."""
        self._renewals.pop(path, None)
        self._parked.discard(path)

    # ── all of them ──────────────────────────────────────────────────────────────────────────

    async def _wait(
        self,
        path: str,
        reason: str,
        future: asyncio.Future[Any],
        detail: dict[str, Any],
        until: datetime | None,
    ) -> Any:
        """Wait with the clocks stopped and the slots given back; then stand in line again."""
        if self._masker.finder is not None:
            detail = decode(self._masker.mask_json(encode(detail)))
        executor = self._executor
        body = executor.bodies.get(path)
        if body is None:
            raise TaskAbandoned(path, 0)
        attempt = body.context.attempt
        said = "" if until is None else until.isoformat()
        executor.record(events.TaskAwaiting(path, attempt, reason, detail, said))
        body.waits()
        ticket, body.ticket = body.ticket, None
        if ticket is not None:
            ticket.release()
        try:
            return await future
        finally:
            body.works()
            if not body.reason:
                self._woke(path, attempt, reason)
                if ticket is not None:
                    await executor.bodies.stand_in_line(path, body)

    def _woke(self, path: str, attempt: int, reason: str) -> None:
        state = self._executor.state.tasks.get(path)
        if state is not None and state.status is TaskStatus.AWAITING:
            self._executor.record(events.TaskAnswered(path, attempt, reason))

    def stop(self) -> None:
        """Forget who waits: the executor lets the run go."""
        self._answers.clear()
        self._renewals.clear()


def wake(future: asyncio.Future[None]) -> None:
    """Let whoever waits go on, unless the wait has just ended in another way."""
    if not future.done():
        future.set_result(None)


def _give_up(future: asyncio.Future[Any]) -> None:
    if not future.done():
        future.set_exception(RunnerError("Nobody answered before the deadline."))
