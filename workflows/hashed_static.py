"""Static files named by their content, without a step that somebody must remember."""

from whitenoise.storage import CompressedManifestStaticFilesStorage  # type: ignore[import-untyped]


class HashedStaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Hashed names once the files are collected; plain names until then."""

    manifest_strict = False
    support_js_module_import_aggregation = True

    def stored_name(self, name: str) -> str:
        """Name the file to ask for; WhiteNoise finds an uncollected one in its source folder."""
        try:
            return str(super().stored_name(name))
        except ValueError:
            return name
