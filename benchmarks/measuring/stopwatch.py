"""The time of a part of a program, on the wall and of the processors."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Laps:
    """What several rounds of the same took, in seconds; `cpu_seconds` are of all threads of this process."""

    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)

    @contextmanager
    def lap(self) -> Iterator[None]:
        """A round: what runs within is timed."""
        began, cpu_began = time.perf_counter(), time.process_time()
        yield
        self.seconds.append(time.perf_counter() - began)
        self.cpu_seconds.append(time.process_time() - cpu_began)

    def time(self, run: Callable[[], object]) -> None:
        """A round of `run`."""
        with self.lap():
            run()

    def as_dict(self) -> dict[str, Any]:
        """For an answer."""
        return asdict(self)
