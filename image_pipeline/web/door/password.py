"""The password of the page: its hash in a file, which people make with `image-pipeline hash-password`."""

import os
import threading
from dataclasses import dataclass, field
from pathlib import Path

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

from image_pipeline.errors import SettingsError
from image_pipeline.settings import variable_of

SHORTEST = 8
"""The least number of characters of a password."""

LONGEST = 1024
"""The most characters of a password."""

_MOST_BYTES = 4096
_VERIFIED_AT_ONCE = 2  # each takes 64 MiB, and 0.1 s of all processors

_hasher = PasswordHasher()
_room = threading.BoundedSemaphore(_VERIFIED_AT_ONCE)


@dataclass
class PasswordFile:
    """The file with the hash of the password. It is read again when it changes; then all sessions end."""

    file: Path
    _read: "tuple[tuple[int, int, int, int], str] | None" = field(default=None, repr=False)

    @property
    def stored(self) -> str:
        """The hash. Raises SettingsError if the file cannot be read, or holds no hash of argon2id."""
        remedy = f"make it with `image-pipeline hash-password`, and set {variable_of('page_password_file')}"
        try:
            status = os.stat(self.file)
            stamp = (status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size)
            if self._read is not None and self._read[0] == stamp:
                return self._read[1]
            with open(self.file, "rb") as opened:
                text = opened.read(_MOST_BYTES).decode("utf-8", "replace").strip()
        except OSError as error:
            raise SettingsError(
                f"The password's hash in {self.file} cannot be read ({error.strerror}): {remedy}."
            ) from error
        try:
            is_hash = extract_parameters(text).type is Type.ID
        except InvalidHashError:
            is_hash = False
        if not is_hash:
            raise SettingsError(f"{self.file} holds no hash of a password: {remedy}.")
        self._read = stamp, text
        return text

    def accepts(self, password: str) -> bool:
        """Whether this is the password. It takes 0.1 s, and waits while others are tried. Raises as `stored` does."""
        stored = self.stored
        if len(password) > LONGEST:
            return False
        with _room:
            try:
                return _hasher.verify(stored, password.encode("utf-8", "surrogatepass"))
            except VerificationError:
                return False


def hash_password(password: str) -> str:
    """The argon2id hash of a password, with a salt, in one line. Raises SettingsError if its length is wrong."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise SettingsError(f"The password has {len(password)} characters: choose one with {SHORTEST} to {LONGEST}.")
    return _hasher.hash(password)
