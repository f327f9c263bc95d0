"""Why a task of a run stands where it stands, in a sentence (pure)."""

from workflows.rows import Row

_SENTENCES = {
    "pending": "It has not started: what it needs is not there yet.",
    "queued": "It can start, and waits for a free place",
    "running": "It is running.",
    "streaming": "It is running, and its results arrive as they are made.",
    "awaiting": "It {why}{until}. It holds no place meanwhile.",
    "retrying": "It failed and will be tried again",
    "completed": "It completed.",
    "cached": "It did not need to run: its result is",
    "failed": "It failed.",
    "interrupted": "Its process stopped while it ran; it will run again when the run goes on.",
    "cancelling": "It was asked to stop.",
    "cancelled": "It was cancelled.",
    "skipped": "It was left out",
}


def sentence_of(row: Row, culprit: str = "") -> str:
    """Say why a task stands where it stands."""
    if row.status == "upstream-failed":
        return f"It could not run, because {culprit or 'a task it needs'} failed."
    sentence = _with_reason(row, _SENTENCES.get(row.status, "Its state is unknown."))
    if row.is_handled:
        sentence += " Another task deals with its error."
    if row.stuck:
        sentence += " It ignores that it was stopped, and was abandoned."
    if row.is_group and row.total:
        sentence += f" {row.done} of {row.total} tasks inside are done."
    elif row.message and row.is_moving:
        sentence += f" It says: {row.message}"
    return sentence


def _with_reason(row: Row, sentence: str) -> str:
    """End an open sentence: with its reason, with the time it goes on, or as it is."""
    if row.status == "awaiting":
        until = f", until {row.until:%d %b %H:%M:%S} UTC" if row.until else ""
        # One of the sentences above.
        return sentence.format(why=row.why, until=until)  # nosemgrep
    if sentence.endswith("."):
        return sentence
    if row.status == "cached":
        return f"{sentence} {row.why}."
    if row.why.startswith("Waits"):
        return f"It was posted to the job queue. {row.why}"
    why = f": {row.why}" if row.why else ""
    until = f", at {row.until:%H:%M:%S} UTC" if row.until else ""
    return f"{sentence}{why}{until}."
