"""Which files a browser may draw on a page: by what is in them, whatever they are called."""

from runner.errors import MissingArtifact
from workflows.artifacts import StoredArtifacts

#: A larger picture is a file to be saved.
PICTURE_LIMIT = 16 * 1024 * 1024
#: So many bytes tell what a file is.
BEGINNING = 16
#: Raster types only: an SVG is a program.
KNOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"})
_SIGNS = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftypavis", "image/avif"),
)


def picture_type(beginning: bytes) -> str:
    """Tell the media type of a picture by its first bytes; empty when it is none."""
    if beginning.startswith(b"RIFF") and beginning[8:12] == b"WEBP":
        return "image/webp"
    for at, sign, media_type in _SIGNS:
        if beginning.startswith(sign, at):
            return media_type
    return ""


def picture_type_of(team: str, digest: str) -> str:
    """Tell the media type of kept content that is a picture; empty when it is none, or gone."""
    try:
        with StoredArtifacts().open(team, digest) as content:
            return picture_type(content.read(BEGINNING))
    except MissingArtifact:
        return ""
