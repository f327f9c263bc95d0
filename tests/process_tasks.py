"""Tasks for tests that run in a process of their own; a child loads this module by its name."""

import asyncio
import os
import subprocess
import sys
import time
from typing import Any, ClassVar

from pydantic import BaseModel

from runner.graph.artifact import Artifact
from runner.graph.needs import Need
from runner.graph.ports import Chunks, Ports, Stream
from runner.graph.task import Place, Task, task


def cancel_oneself():
    """Cancel the body from inside."""
    body = asyncio.current_task()
    assert body is not None
    body.cancel()


class Row(BaseModel):
    """A value with a model of its own."""

    name: str
    size: int = 0


class Apart(Task):
    """A task in a process of its own."""

    place: ClassVar[Place] = "process"
    effect = "none"


class Where(Apart):
    """The process that a body runs in."""

    class Outputs(Ports):
        pid: int
        environment: list[str]
        arguments: list[str]

    async def execute(self, inputs, context):
        return {"pid": os.getpid(), "environment": list(os.environ.values()), "arguments": sys.argv}


class Sized(Apart):
    """Rows with sizes, and the setting."""

    class Inputs(Ports):
        rows: list[Row]
        raw: bytes = b""

    class Outputs(Ports):
        rows: list[Row]
        raw: bytes
        factor: int

    class Config(Ports):
        factor: int = 1

    async def execute(self, inputs, context):
        factor = self.config.factor
        rows = [Row(name=row.name, size=len(row.name) * factor) for row in inputs.rows]
        return {"rows": rows, "raw": inputs.raw[::-1], "factor": factor}


class Doubled(Apart):
    """Each number of a stream, doubled, as a stream; and how many."""

    name = "test.doubled-apart"

    class Inputs(Ports):
        numbers: Chunks[int]

    class Outputs(Ports):
        numbers: list[int]
        count: int

    @staticmethod
    def streaming():
        return {"numbers": Stream()}

    async def execute(self, inputs, context):
        count = 0
        async for number in inputs.numbers:
            count += 1
            await context.push_chunk("numbers", 2 * number)
        context.close_stream("numbers")
        context.progress(0.5, "half")
        return {"count": count}


class DoubledBlocking(Doubled):
    """The same, with a plain function."""

    name = "test.doubled-blocking"
    blocking = True

    def execute(self, inputs, context):
        context.attach_stream("numbers", (2 * number for number in inputs.numbers))
        context.progress(0.5, "half")
        return {"count": len(inputs.numbers.final())}


class TotalApart(Apart):
    """The sum of a stream, taken at its end."""

    name = "test.total-apart"

    class Inputs(Ports):
        numbers: Chunks[int]

    class Outputs(Ports):
        result: int

    async def execute(self, inputs, context):
        return sum(await inputs.numbers.final())


class Failing(Apart):
    """Fails in the way that is asked for."""

    class Inputs(Ports):
        way: str

    class Outputs(Ports):
        result: int

    async def execute(self, inputs, context):
        context.log.warning("about to fail: %s", inputs.way)
        ways: dict[str, Any] = {
            "value": lambda: int("no number"),
            "leave": lambda: os._exit(3),
            "exit": lambda: sys.exit("enough"),
            "nonsense": lambda: os.write(int(sys.argv[1]), b"\0\0\0\2[]"),
            "too much": lambda: os.write(int(sys.argv[1]), b"\xff\xff\xff\xff"),
            "abort": os.abort,
            "port": lambda: {"nowhere": 1},
            "unread": lambda: context.close_stream("result"),
            "cancel": cancel_oneself,
        }
        returned = ways[inputs.way]()
        await asyncio.sleep(0)
        return returned


class Impatient(Apart):
    """Asks for something, does not wait for the answer, and asks again."""

    class Outputs(Ports):
        result: int

    async def execute(self, inputs, context):
        asking = asyncio.create_task(context.save_state("first"))
        await asyncio.sleep(0)
        asking.cancel()
        # Only then is the second question asked, whose asking lets the first be answered.
        await asyncio.wait([asking])
        await context.save_state("second")
        return {"result": 1}


class Leaving(Impatient):
    """Asks for something, and is gone."""

    async def execute(self, inputs, context):
        asking = asyncio.create_task(context.save_state("asked"))
        await asyncio.sleep(0)
        os._exit(3 if not asking.done() else 0)


class Stuck(Apart):
    """Says where it is, then holds the interpreter; a child of it sleeps."""

    blocking = True

    class Outputs(Ports):
        result: int

    def execute(self, inputs, context):
        sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        context.progress(0.1, f"{os.getpid()} {sleeper.pid}")
        while True:
            time.monotonic()


class Tidy(Apart):
    """Waits for its cancel, and leaves a mark."""

    class Inputs(Ports):
        mark: str

    async def execute(self, inputs, context):
        context.progress(0.1, str(os.getpid()))
        try:
            await asyncio.Event().wait()
        finally:
            with open(inputs.mark, "w") as mark:  # noqa: ASYNC230, PTH123
                mark.write("tidied up")


class Polite(Apart):
    """Works until it is asked to stop."""

    blocking = True

    class Inputs(Ports):
        mark: str

    def execute(self, inputs, context):
        context.progress(0.1, str(os.getpid()))
        while not context.cancelled:
            time.monotonic()
        with open(inputs.mark, "w") as mark:  # noqa: PTH123
            mark.write("stopped")


class Signed(Apart):
    """Whether its secret is what somebody says it is, and where else the text is to be found."""

    needs: ClassVar = (Need("github", hosts=("api.github.com",)),)

    class Inputs(Ports):
        name: str = "github"

    class Outputs(Ports):
        text: str
        identity: str
        elsewhere: bool

    async def execute(self, inputs, context):
        with open("/proc/self/environ") as kept:  # noqa: ASYNC230, PTH123
            before = kept.read() + " ".join(sys.argv)
        secret = await context.auth.secret(inputs.name)
        text = secret.reveal("api.github.com")
        return {"text": text[::-1], "identity": context.auth.identity, "elsewhere": text in before}


class SignedBlocking(Signed):
    """The same, with a plain function."""

    blocking = True

    def execute(self, inputs, context):
        secret = context.auth.secret(inputs.name)
        text = secret.reveal("api.github.com")
        return {"text": text[::-1], "identity": context.auth.identity, "elsewhere": False}


class Counting(Apart):
    """Goes on from what it saved; streams what it counted."""

    class Outputs(Ports):
        result: int
        numbers: list[int]

    @staticmethod
    def streaming():
        return {"numbers": Stream()}

    async def execute(self, inputs, context):
        context.resume_stream("numbers")
        count = (context.saved_state or 0) + 1
        await context.attach_stream("numbers", counted(count))
        await context.save_state(count)
        return {"result": count}


class CountingBlocking(Counting):
    """The same, with a plain function."""

    blocking = True

    def execute(self, inputs, context):
        context.resume_stream("numbers")
        count = (context.saved_state or 0) + 1
        context.attach_stream("numbers", [count])
        context.save_state(count)
        return {"result": count}


async def counted(number):
    """Give one number."""
    yield number


class Loud(Apart):
    """Prints, reads its standard input, and says something that is no message."""

    class Outputs(Ports):
        result: str

    async def execute(self, inputs, context):
        print("x" * 100_000)  # noqa: T201
        os.write(1, b"\0\0\0\2{}")
        return sys.stdin.read()


@task(name="test.apart", effect="none")
def apart(number: int) -> int | None:
    """A number one higher, but nothing for 13."""
    return None if number == 13 else number + 1


@task(name="test.by-port", effect="none")
def by_port(number: int) -> dict[str, int]:
    """A bare mapping."""
    return {"number": number}


@task(name="test.hungry", effect="none", place="process", memory=256 << 20)
def hungry(mebibytes: int) -> int:
    """Take so much memory at once."""
    return len(bytearray(mebibytes << 20))


for _kind in (apart, by_port):
    _kind.place = "process"


class CopiedApart(Apart):
    """A file, read and kept again under another name."""

    name = "test.copied-apart"

    class Inputs(Ports):
        file: Artifact

    class Outputs(Ports):
        copied: Artifact

    async def execute(self, inputs, context):
        with inputs.file.open() as content:
            return {"copied": await context.save_artifact(content, "copy.bin")}


class CopiedApartBlocking(CopiedApart):
    """The same in a blocking body."""

    name = "test.copied-apart-blocking"
    blocking = True

    def execute(self, inputs, context):
        with inputs.file.open() as content:
            return {"copied": context.save_artifact(content, "copy.bin")}


class CopiedWhole(CopiedApart):
    """The same, read in one go."""

    name = "test.copied-whole"

    async def execute(self, inputs, context):
        with inputs.file.open() as content:
            return {"copied": await context.save_artifact(content.read(), "copy.bin")}


class LeftOpen(CopiedApart):
    """Dies while it reads one file and writes another."""

    name = "test.left-open"

    async def execute(self, inputs, context):
        content = inputs.file.open()
        content.read(1)

        def blocks():
            yield b"half"
            os._exit(3)

        return {"copied": await context.save_artifact(blocks(), "half.txt")}
