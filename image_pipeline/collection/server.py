"""A Qdrant server, reached over gRPC."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from image_pipeline.collection.address import Traits
from image_pipeline.collection.aliases import version_names
from image_pipeline.collection.client_address import ClientAddress
from image_pipeline.errors import CollectionError, ServiceUnavailableError
from image_pipeline.terminal import without_passwords

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

_TIMEOUT_SECONDS = 60
_NO_ROOM = "No space left"  # as the server passes on the system's message


@dataclass(frozen=True)
class ServerAddress(ClientAddress):
    """The address of a server: its URL, and its port for gRPC."""

    url: str = field(repr=False)
    grpc_port: int = 6334
    api_key: str | None = field(default=None, repr=False)

    @property
    def traits(self) -> Traits:
        """Shared, and fast with any number of points; its name is the URL without a password."""
        return Traits(without_passwords(self.url), is_shared=True)

    @property
    def exists(self) -> bool:
        """Always True: without a connection, nothing is known."""
        return True

    def check(self) -> None:
        """Raises as `connect` does if the server does not answer or refuses the key."""
        with self.errors_for_people(), self.engine() as engine:
            engine.aliases()

    def versions(self, alias: str) -> list[str]:
        """The names of the existing versions of the collection `alias`. Raises as `connect` does."""
        with self.errors_for_people(), self.engine() as engine:
            return version_names(engine, alias)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """No lock: a server serves several processes."""
        yield

    def tune(self) -> None:
        """Nothing to set up."""

    @contextmanager
    def client(self) -> Iterator["QdrantClient"]:
        """A client over gRPC. Raises CollectionError if the URL is not one."""
        from qdrant_client import QdrantClient

        with warnings.catch_warnings():
            # a server on the same machine, or in a private network, needs no TLS
            warnings.filterwarnings("ignore", message="Api key is used with an insecure connection")
            try:
                client = QdrantClient(
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
            try:
                yield client
            finally:
                client.close()

    @contextmanager
    def errors_for_people(self) -> Iterator[None]:
        """Translate the server's errors in the block into those that `connect` raises."""
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

    def _refused(self) -> CollectionError:
        return CollectionError(
            f"Qdrant at {self} refuses the key: give one with write access in QDRANT_API_KEY or QDRANT_API_KEY_FILE."
        )

    def _full(self, cause: object) -> ServiceUnavailableError:
        return ServiceUnavailableError(f"Qdrant at {self} cannot write ({cause}): make room on its disk.")

    def _unreachable(self, cause: object) -> ServiceUnavailableError:
        return ServiceUnavailableError(
            f"Qdrant at {self} (gRPC port {self.grpc_port}) does not answer ({cause}): "
            "start it, or correct QDRANT_URL and QDRANT_GRPC_PORT."
        )
