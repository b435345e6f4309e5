"""Changes to a library: by their kind."""

from image_pipeline_tests.histories.directory_changes import DIRECTORY_CHANGES
from image_pipeline_tests.histories.file_changes import FILE_CHANGES
from image_pipeline_tests.histories.library import Library
from image_pipeline_tests.histories.operations import Kind, Operation

_CHANGES = {**FILE_CHANGES, **DIRECTORY_CHANGES}


def apply(library: Library, operation: Operation) -> None:
    """Make a change; nothing where there is nothing that it could be made to."""
    told = _CHANGES[operation.kind](library, operation)
    if told is not None:
        library.log.append(f"{operation.kind}: {told}")


def fill(library: Library, count: int) -> None:
    """Add files in a few directories, to begin with."""
    for number in range(count):
        apply(library, Operation(Kind.MAKE_DIRECTORY, number * 7, number * 3, number * 13))
        apply(library, Operation(Kind.ADD, number * 5, number * 11, number))
