"""The connection to Qdrant: a server over gRPC, or the embedded one in the store; one client for both."""

import errno
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from image_pipeline.errors import CollectionError, ServiceUnavailableError, StoreError
from image_pipeline.storage.locks import StillHeldError, exclusive_lock
from image_pipeline.terminal import without_passwords

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

_TIMEOUT_SECONDS = 60
_NO_ROOM = "No space left"  # as the server passes on the system's message
_DESCRIPTION = "meta.json"  # the embedded Qdrant's own


@dataclass(frozen=True)
class QdrantAddress:
    """The address of Qdrant: a server at `url`, or, if that is None, the embedded one in `directory`.

    Only one process at a time can open the embedded Qdrant: it holds `lock_file` meanwhile, and other processes wait
    for it for up to `lock_seconds`.
    """

    url: str | None = field(repr=False)
    directory: Path
    lock_file: Path
    lock_seconds: float = 120.0
    grpc_port: int = 6334
    api_key: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"embedded in {self.directory}" if self.url is None else without_passwords(self.url)

    @contextmanager
    def connect(self) -> Iterator["QdrantClient"]:
        """A client, for the length of the block; it is closed, and the lock released, at the end.

        Raises ServiceUnavailableError if the server does not answer, or if another process keeps the embedded Qdrant
        open for too long, and CollectionError if the server refuses the key.
        """
        with self.errors_for_people(), ExitStack() as stack:
            if self.url is None:
                stack.enter_context(self._lock())
            yield stack.enter_context(self.client())

    def check(self) -> None:
        """Raises what `connect` does if a server does not answer or refuses the key.

        The embedded Qdrant is not checked: opening it reads all of its points, and keeps other processes waiting.
        """
        if self.url is not None:
            with self.connect() as client:
                client.get_aliases()

    @contextmanager
    def _lock(self) -> Iterator[None]:
        try:
            with exclusive_lock(self.lock_file, f"the embedded Qdrant in {self.directory}", self.lock_seconds):
                yield
        except StillHeldError as error:
            raise ServiceUnavailableError(
                f"{self._embedded} has been in use by another process for {self.lock_seconds:g} s: wait until that one "
                f"ends ({error}), or set QDRANT_URL to a Qdrant server, which serves several processes."
            ) from error

    @property
    def _embedded(self) -> str:
        return f"The embedded Qdrant in {self.directory}"

    def _open_embedded(self) -> "QdrantClient":
        from qdrant_client import QdrantClient

        self._delete_unwritten_description()
        try:
            return QdrantClient(path=str(self.directory))
        except RuntimeError as error:  # opened by a program that ignores our lock
            raise ServiceUnavailableError(
                f"{self._embedded} is in use by another program: stop it, or set QDRANT_URL to a Qdrant server."
            ) from error
        except Exception as error:  # it defines no exceptions: parsing a damaged file can raise anything
            raise CollectionError(
                f"{self._embedded} cannot be opened ({error}): delete that folder and ingest the library again; "
                "the models do not have to run again."
            ) from error

    def write_ahead(self) -> None:
        """From now on, use SQLite's WAL for the embedded Qdrant's collections; does nothing for a server.

        The embedded Qdrant commits each point separately, which takes half as long with WAL, and is as safe.
        """
        for file in self.directory.glob("collection/*/storage.sqlite") if self.url is None else ():
            with closing(sqlite3.connect(file)) as connection:
                connection.execute("PRAGMA journal_mode = WAL")

    def _delete_unwritten_description(self) -> None:
        """Delete an empty description of the embedded Qdrant's collections, with which it would not start.

        A full disk or a kill can leave one: Qdrant writes the description atomically, except for the first one.
        """
        description = self.directory / _DESCRIPTION
        with suppress(FileNotFoundError):
            if description.stat().st_size == 0:
                description.unlink()

    def _open_server(self) -> "QdrantClient":
        from qdrant_client import QdrantClient

        try:
            return QdrantClient(
                url=self.url,
                grpc_port=self.grpc_port,
                prefer_grpc=True,
                api_key=self.api_key,
                timeout=_TIMEOUT_SECONDS,
                # the warning about a different version is not actionable
                check_compatibility=False,
            )
        except ValueError as error:
            raise CollectionError(
                f"{self} is not the address of a Qdrant server ({error}): set QDRANT_URL to one such as "
                "http://localhost:6333."
            ) from error

    @contextmanager
    def client(self) -> Iterator["QdrantClient"]:
        """A client for longer use: whatever is done with it belongs in blocks of `errors_for_people`."""
        with warnings.catch_warnings():
            # the embedded Qdrant warns that it ignores payload indexes, which are created for both kinds alike, and
            # that it is slow with many points, which `status` reports itself
            warnings.filterwarnings("ignore", message="Payload indexes have no effect")
            warnings.filterwarnings("ignore", message="Local mode is not recommended")
            # a server on the same machine, or in a private network, needs no TLS
            warnings.filterwarnings("ignore", message="Api key is used with an insecure connection")
            client = self._open_embedded() if self.url is None else self._open_server()
            try:
                yield client
            finally:
                client.close()

    @contextmanager
    def errors_for_people(self) -> Iterator[None]:
        """Translate Qdrant's errors in the block into those that `connect` raises."""
        import grpc
        from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
        from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

        try:
            yield
        except grpc.RpcError as error:
            code = error.code() if isinstance(error, grpc.Call) else grpc.StatusCode.UNKNOWN
            details = error.details() if isinstance(error, grpc.Call) else str(error)
            if code in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED):
                raise self._refused() from error
            if code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED):
                raise self._unreachable(details) from error
            if _NO_ROOM in str(details):
                raise self._full(details) from error
            raise CollectionError(f"Qdrant at {self} refused a request ({code.name}: {details}).") from error
        except UnexpectedResponse as error:
            if error.status_code in (401, 403):
                raise self._refused() from error
            if _NO_ROOM in str(error):
                raise self._full(error) from error
            raise CollectionError(f"Qdrant at {self} refused a request ({error.status_code}: {error}).") from error
        except (ResponseHandlingException, ResourceExhaustedResponse) as error:
            raise self._unreachable(error) from error
        except (sqlite3.Error, OSError) as error:
            if self.url is not None or not _is_disk_full(error):
                raise
            raise StoreError(f"{self._embedded} cannot write ({error}): make room on its disk.") from error

    def _refused(self) -> CollectionError:
        return CollectionError(f"Qdrant at {self} refuses the key: set QDRANT_API_KEY to one with write access.")

    def _full(self, cause: object) -> ServiceUnavailableError:
        return ServiceUnavailableError(f"Qdrant at {self} cannot write ({cause}): make room on its disk.")

    def _unreachable(self, cause: object) -> ServiceUnavailableError:
        return ServiceUnavailableError(
            f"Qdrant at {self} (gRPC port {self.grpc_port}) does not answer ({cause}): "
            "start it, or correct QDRANT_URL and QDRANT_GRPC_PORT."
        )


def _is_disk_full(error: sqlite3.Error | OSError) -> bool:
    if isinstance(error, sqlite3.Error):
        primary = getattr(error, "sqlite_errorcode", 0) & 0xFF  # a full disk gives several codes of SQLITE_IOERR
        return primary in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
    return error.errno in (errno.ENOSPC, errno.EDQUOT)
