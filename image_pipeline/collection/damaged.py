"""Damaged versions: an embedded Qdrant cannot read the files of one."""

from image_pipeline.errors import CollectionError


class DamagedVersionError(CollectionError):
    """The files of the version `version` cannot be read; `reason` says why."""

    def __init__(self, version: str, reason: str) -> None:
        super().__init__(
            f"The collection {version!r} of the embedded Qdrant is damaged ({reason}): run `image-pipeline repair`, "
            "which makes it again; the models do not have to run again."
        )
        self.version, self.reason = version, reason
