"""Elapsed time and CPU time of a part of a program."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Laps:
    """The times of repeated rounds, in seconds; `cpu_seconds` covers all threads of this process."""

    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)

    @contextmanager
    def lap(self) -> Iterator[None]:
        """Time the block as one round."""
        began, cpu_began = time.perf_counter(), time.process_time()
        yield
        self.seconds.append(time.perf_counter() - began)
        self.cpu_seconds.append(time.process_time() - cpu_began)

    def time(self, run: Callable[[], object]) -> None:
        """Time `run` as one round."""
        with self.lap():
            run()

    def as_dict(self) -> dict[str, Any]:
        """For an answer."""
        return asdict(self)
