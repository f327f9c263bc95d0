"""What a finished task of a run put out."""

from collections.abc import Iterator

from runner.errors import UnreadableCheckpoint
from runner.run.checkpoint import TaskCheckpoint
from workflows.large_values import whole
from workflows.models import Run
from workflows.reading import is_text
from workflows.shown_values import Value, of_text, shown, written
from workflows.streamed import streamed


def outputs_of(run: Run, path: str) -> Iterator[Value]:
    """Give what a finished task put out; what it streamed, as what the chunks add up to."""
    encoded = encoded_outputs(run, path)
    for port, value in encoded.items():
        yield shown(str(run.team_id), port, value)
    kept = run.chunks.filter(path=path, superseded=False).order_by("port")
    for port in kept.values_list("port", flat=True).distinct():
        if port not in encoded:
            yield of_text(port, streamed(run, path, port)[1], is_text=is_text(run, path, port))


def whole_output(run: Run, path: str, port: str) -> str | None:
    """Give a port's value in full, for a download; None when there is none.

    Raises MissingArtifact or DamagedArtifact when it was kept as a file that is not right.
    """
    encoded = encoded_outputs(run, path).get(port)
    if encoded is not None:
        return written(whole(str(run.team_id), encoded))[0]
    batches, text = streamed(run, path, port)
    return text if batches else None


def encoded_outputs(run: Run, path: str) -> dict[str, str]:
    """Give a task's outputs as encoded values by port; empty before its end."""
    kept = run.checkpoints.filter(path=path).first()
    if kept is None:
        return {}
    try:
        return dict(TaskCheckpoint.from_json(kept.value).outputs)
    except UnreadableCheckpoint:
        return {}
