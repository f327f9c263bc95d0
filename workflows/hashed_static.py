"""Static files named by their content, without a step that somebody must remember."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticStorage(CompressedManifestStaticFilesStorage):
    """Hashed names once the files are collected; plain names until then."""

    manifest_strict = False
