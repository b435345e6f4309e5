"""API keys: who may use the service."""

import hmac
import os
from dataclasses import dataclass
from pathlib import Path

from starlette.datastructures import Headers

from image_pipeline.errors import SettingsError

_SHORTEST = 16
_MOST_BYTES = 64 << 10


@dataclass
class Keys:
    """The keys that are accepted: those in `file`, one per line, or `key`. Without either, everybody is let in.

    The file is read again when it changes, so that keys can be replaced without a restart: add the new key, change the
    clients, remove the old key.
    """

    key: str | None = None
    file: Path | None = None
    _read: "tuple[tuple[int, int, int], list[bytes]] | None" = None

    @property
    def are_required(self) -> bool:
        """Whether a request needs a key."""
        return self.key is not None or self.file is not None

    def check(self) -> None:
        """Raises SettingsError if the file cannot be read or holds no usable key, or a key is too short."""
        for key in self._accepted():
            if len(key) < _SHORTEST:
                raise SettingsError(
                    f"An API key of the inference service has less than {_SHORTEST} characters: make one with "
                    "`openssl rand -hex 32`."
                )

    def accept(self, headers: Headers) -> bool:
        """Whether a request with these headers is let in.

        The key is in `x-api-key`, or in `Authorization` as a bearer token, as scrapers of metrics send it. It is
        compared in constant time.
        """
        if not self.are_required:
            return True
        given = headers.get("x-api-key")
        if given is None:
            scheme, _, token = headers.get("authorization", "").partition(" ")
            given = token.strip() if scheme.lower() == "bearer" else ""
        try:
            accepted = self._accepted()
        except SettingsError:
            return False
        matches = [hmac.compare_digest(given.encode("latin-1", "replace"), key) for key in accepted]
        return any(matches)

    def _accepted(self) -> list[bytes]:
        own = [] if self.key is None else [self.key.encode()]
        if self.file is None:
            return own
        try:
            status = os.stat(self.file)
            stamp = (status.st_ino, status.st_mtime_ns, status.st_size)
            if self._read is None or self._read[0] != stamp:
                with open(self.file, "rb") as file:
                    lines = file.read(_MOST_BYTES).splitlines()
                self._read = stamp, [line.strip() for line in lines if line.strip() and not line.startswith(b"#")]
        except OSError as error:
            raise SettingsError(
                f"The API keys in {self.file} cannot be read ({error.strerror}): correct the path or its permissions."
            ) from error
        if not self._read[1]:
            raise SettingsError(f"{self.file} holds no API key: write one per line.")
        return [*own, *self._read[1]]
