"""A plug-in with the name of a task of the library."""

from runner import task


@task(name="clash.innocent")
def innocent(n: int) -> int:
    """Come along with the other."""
    return n


@task(name="text.split")
def split(text: str) -> list[str]:
    """Have the name of another."""
    return text.split()
