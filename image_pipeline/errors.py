"""Errors that a person can act on.

Each message is one sentence: what is wrong, which setting or file, and what to do about it. The command line prints it
unchanged; a Dagster step fails with it as its description. Passwords of URLs are removed from it. File names in it can
contain anything, so it is escaped when shown.
"""

from image_pipeline.terminal import escaped, without_passwords


class PipelineError(Exception):
    """Something is wrong that a person can fix.

    `transient` says whether the same call may succeed a little later (for example if a service does not answer), so
    that a retry is worthwhile.
    """

    transient = False

    def __init__(self, message: str) -> None:
        super().__init__(without_passwords(message))

    def __str__(self) -> str:
        return escaped(super().__str__())


class SettingsError(PipelineError):
    """A setting or an argument of a command has an unusable value."""


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
    """A run was ended by Ctrl-C or by a termination signal; its finished work is kept."""
