"""The address of Qdrant: one interface to a server and to the embedded Qdrant."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from image_pipeline.collection.engine import Engine
from image_pipeline.collection.qdrant import Qdrant


@dataclass(frozen=True)
class Traits:
    """The properties of a kind of Qdrant that a user should know.

    `name` is shown to the user. If `is_shared`, several processes and several stores can use it at the same time;
    otherwise it is part of the store, and only one process at a time can have it open. If it `gives_way`, that process
    closes it when another one waits. `slow_beyond` is the number of points beyond which it may be slow, None if it has
    no such limit.
    """

    name: str
    is_shared: bool
    slow_beyond: int | None = None
    gives_way: bool = False

    def advice(self, points: int) -> str | None:
        """Advice to a user whose collection holds `points` points; None if it is fast with that many."""
        if self.slow_beyond is None or points <= self.slow_beyond:
            return None
        return (
            f"The embedded Qdrant is meant for up to {self.slow_beyond:,} points. If searches are slow or take too "
            "much memory, start a Qdrant server, set QDRANT_URL, and ingest again; no image goes through a model again."
        )


class QdrantAddress(ABC):
    """The address of Qdrant: `connect` to use it."""

    def __str__(self) -> str:
        return self.traits.name

    @property
    @abstractmethod
    def traits(self) -> Traits:
        """The properties of this Qdrant that a user should know."""

    @property
    @abstractmethod
    def exists(self) -> bool:
        """False if it is known, without a connection, that nothing was ever written there."""

    @abstractmethod
    def check(self) -> None:
        """Raises as `connect` does if this Qdrant is shared and does not answer, or refuses the key.

        One that is not shared is not checked: opening it reads all points, and keeps other processes waiting.
        """

    @abstractmethod
    def versions(self, alias: str) -> list[str]:
        """The names of the existing versions of the collection `alias`, found without reading points.

        Raises CollectionError if Qdrant refuses, ServiceUnavailableError if it does not answer.
        """

    def take_over(self, seconds: float | None = None) -> bool:
        """Take over what this Qdrant replaces, if anything; False if that takes longer than `seconds` (None: no limit).

        The next call, or the next connection, continues. Raises as `connect` does.
        """
        return True

    def settle(self) -> None:  # noqa: B027
        """Delete what this Qdrant has replaced, if anything; called once its points agree with the library."""

    @contextmanager
    def connect(self, alias: str) -> Iterator[Qdrant]:
        """A connection for the collection `alias`, for the length of the block.

        Raises ServiceUnavailableError if Qdrant does not answer, or if another process keeps it for too long, and
        CollectionError if it refuses the key or a request.
        """
        with self.errors_for_people(), self.engine() as engine:
            yield Qdrant(engine, alias)

    @abstractmethod
    def errors_for_people(self) -> AbstractContextManager[None]:
        """Translate Qdrant's errors in the block into those that `connect` raises."""

    @abstractmethod
    def engine(self) -> AbstractContextManager[Engine]:
        """An open engine, to be used in blocks of `errors_for_people`."""
