"""Streams of numbers, and those who push and read them."""

from runner.execution.stream import Stream
from runner.graph.ports import Port

OUT = Port(name="numbers", type=list[int], readiness="first-chunk", mode="append")
INTO = Port(name="numbers", type=int, reads_stream=True)
SECONDS = 5


def stream_of(*numbers: int, closed: bool = False) -> Stream:
    stream = Stream("emit", OUT, 1)
    for number in numbers:
        stream.append(OUT.chunk(number))
    if closed:
        stream.close()
    return stream


async def push(stream: Stream, count: int, pushed: list[int]) -> None:
    for number in range(count):
        stream.append(OUT.chunk(number))
        pushed.append(number)
        await stream.throttle()


async def everything(reader) -> list[int]:
    return [number async for number in reader]
