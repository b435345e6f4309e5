"""The library that is served: its settings, the search in its collection, and the pages of searches."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from image_pipeline.services.search import Search
from image_pipeline.services.search_pages import SearchPages
from image_pipeline.services.status import LastRun, Status, read_status
from image_pipeline.services.wiring import Wiring

_STATUS_SECONDS = 5.0
"""How long a status is used: to read one takes up to four seconds."""


@dataclass
class ServedLibrary:
    """A library, for all threads of a server; `last_run` reads the last run that Dagster recorded."""

    wiring: Wiring
    search: Search
    last_run: Callable[[], LastRun | None] = lambda: None
    pages: SearchPages = field(init=False)

    def __post_init__(self) -> None:
        self.pages = SearchPages(self.search)
        self._lock = threading.Lock()
        self._status: tuple[float, Status] | None = None

    @property
    def root(self) -> Path | None:
        """The root of the library; None if it is unknown."""
        return self.wiring.settings.library or self.wiring.ledger.library()

    def status(self) -> Status:
        """The status, at most five seconds old. Raises as `read_status` does."""
        with self._lock:
            if self._status is None or time.monotonic() - self._status[0] > _STATUS_SECONDS:
                wiring = self.wiring
                status = read_status(wiring.settings, self.root, wiring.ledger, self.search.address, self.last_run())
                self._status = time.monotonic(), status
            return self._status[1]
