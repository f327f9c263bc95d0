"""What a dataflow of a run carries so far: how it looks, and the words on it (pure)."""

from collections.abc import Mapping

from workflows.rows import ENDED_WELL, FAILED, Row
from workflows.wires import Wire
from workflows.wording import said_size, said_span

ERROR = "[error]"


def look_of_dataflow(wire: Wire, rows: Mapping[str, Row]) -> tuple[str, str]:
    """Say how a dataflow looks and what is written on it."""
    source = rows.get(wire.producer)
    if source is None:
        target = rows.get(wire.target)
        begun = target is not None and target.status not in {"pending", "queued"}
        return ("final" if begun else "waiting"), ""
    stream = source.streams.get(wire.producer_port)
    label = _carried(stream.chunks, stream.size) if stream and stream.chunks else ""
    if _is_not_taken(source, wire.producer_port):
        return "skipped", label
    if wire.producer_port == ERROR:
        return ("final", "error") if source.status == "failed" else ("waiting", "")
    if source.status in FAILED:
        return "failed", f"× {label}".strip()
    if source.status in {"skipped", "cancelled"}:
        return "skipped", label
    if source.status in ENDED_WELL:
        return "final", label
    return ("streaming" if label else "waiting"), label


def first_chunk(wire: Wire, rows: Mapping[str, Row]) -> str:
    """Say how long the first chunk of a dataflow's source took; empty if it gave none here."""
    source = rows.get(wire.producer)
    if source is None or wire.producer_port not in source.streams:
        return ""
    if source.started_at is None or source.first_chunk_at is None:
        return ""
    return f"first {said_span(source.started_at, source.first_chunk_at, source.first_chunk_at)}"


def _is_not_taken(source: Row, port: str) -> bool:
    """Whether nothing will come from a port: another branch, or another way to end."""
    if source.taken is not None:
        return port not in source.taken
    if port == ERROR:
        return source.status in ENDED_WELL
    return source.is_handled


def _carried(chunks: int, size: int) -> str:
    return f"{chunks} {'chunk' if chunks == 1 else 'chunks'} · {said_size(size)}"
