"""Errors that a person can act on.

Each message is one sentence: what is wrong, which setting or file, and what to do about it. The command line prints
it as it stands; a Dagster step fails with it as its description. The passwords of URLs are left out of it, and names of
files in it are anybody's text, so that it is shown escaped.
"""

from image_pipeline.terminal import escaped, without_passwords


class PipelineError(Exception):
    """Something is wrong that a person can put right.

    `transient` says whether the same call may succeed a little later (a service that does not answer), so that it
    is worth a retry.
    """

    transient = False

    def __init__(self, message: str) -> None:
        super().__init__(without_passwords(message))

    def __str__(self) -> str:
        return escaped(super().__str__())


class SettingsError(PipelineError):
    """A setting, or an argument of a command, has a value that cannot be used."""


class LibraryError(PipelineError):
    """The library of photographs, or a directory of it, cannot be read."""


class StoreError(PipelineError):
    """The store, the folder with the pipeline's own files, cannot be used."""


class ModelError(PipelineError):
    """A model is unknown, cannot be fetched or cannot be loaded."""


class CollectionError(PipelineError):
    """Qdrant, or the collection in it, cannot be used as configured."""


class ServiceUnavailableError(CollectionError):
    """Qdrant does not answer, or answers that it cannot serve now."""

    transient = True


class RunInterruptedError(PipelineError):
    """A run was ended by Ctrl-C, or by a termination; what it did is kept."""
