"""Documents: files that a command writes for a person, at a place that the person names."""

import os
import secrets
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from image_pipeline.errors import PipelineError, SettingsError
from image_pipeline.files.names import to_text
from image_pipeline.files.rules import ending
from image_pipeline.schema.formats import IMAGE_ENDINGS
from image_pipeline.storage.private_files import default_permissions

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_ANY_FILE = 0o666  # less the user's own umask


def check_document(path: Path) -> None:
    """Raises SettingsError if no document can be written to `path`, before the work for it begins.

    A link is replaced, and never followed. A file whose name has a picture's ending is not overwritten.
    """
    shown = to_text(str(path))
    if not path.parent.is_dir():
        raise SettingsError(
            f"The folder {to_text(str(path.parent))} does not exist: create it, or name a different one."
        )
    if path.is_dir():
        raise SettingsError(f"{shown} is a folder: give the name of a file in it.")
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise SettingsError(f"{shown} is not a regular file: give the name of a file, or `-` for stdout.")
    except FileNotFoundError:
        return
    except OSError as error:
        raise SettingsError(f"{shown} cannot be used ({error.strerror}): give the name of another file.") from error
    if ending(path.name) in IMAGE_ENDINGS:
        raise SettingsError(f"{shown} may be a picture, and is not overwritten: give the name of another file.")


def write_file(path: Path, parts: Iterable[str]) -> None:
    """Write a document of UTF-8 text to `path` in one step, replacing a file that exists there.

    A new file has the permissions of the user's umask; a replaced one keeps its own. Raises SettingsError as
    `check_document` does, PipelineError if the file cannot be written.
    """
    check_document(path)
    temporary = path.with_name(f".image-pipeline-{secrets.token_hex(8)}")
    try:
        with default_permissions():
            descriptor = os.open(temporary, _NEW_FILE, _ANY_FILE)
        try:
            with open(descriptor, "w", encoding="utf-8", newline="") as file:
                file.writelines(parts)
                file.flush()
                with suppress(FileNotFoundError):
                    os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode))
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise PipelineError(
            f"{to_text(str(path))} cannot be written ({error.strerror or error}): make room on its disk, or name a "
            "file in a folder that you can write to."
        ) from error
