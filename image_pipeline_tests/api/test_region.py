"""Memory that two processes share."""

import mmap
import os
from pathlib import Path

import numpy as np
import pytest

from image_pipeline.api.region import Region, bytes_of, open_memory
from image_pipeline.services.waiting import BusyError

PAGE = mmap.PAGESIZE


def region(length: int = 10 * PAGE) -> tuple[Region, np.ndarray]:
    """A region, and its memory as the other process sees it."""
    descriptor = open_memory(length)
    try:
        return Region(descriptor, length), bytes_of(descriptor, length)
    finally:
        os.close(descriptor)


def test_what_is_received_is_seen_by_the_other_process_without_a_copy() -> None:
    shared, seen = region()
    with shared.holding(5000) as memory:
        assert len(memory) == 5000
        memory[:4] = b"abcd"
        images = np.frombuffer(memory, np.uint8, 24, offset=100).reshape(1, 3, 2, 4)
        images[...] = 7
        part, first = shared.hold(images)
        assert first == part + 100
        assert bytes(seen[part : part + 4]) == b"abcd"
        assert seen[first : first + 24].tolist() == [7] * 24


def test_a_part_stays_until_all_have_let_go_of_it() -> None:
    shared, _ = region()
    with shared.holding(PAGE) as memory:
        images = np.frombuffer(memory, np.uint8).reshape(1, 1, 64, 64)
        part, _ = shared.hold(images)
    with pytest.raises(BusyError), shared.holding(10 * PAGE):  # the models still read it
        pass
    shared.let_go(part)
    with shared.holding(10 * PAGE):
        pass


def test_images_elsewhere_are_copied_into_it() -> None:
    shared, seen = region()
    images = np.arange(48, dtype=np.uint8).reshape(2, 3, 2, 4)
    for given in (images, np.asfortranarray(images)):
        part, first = shared.hold(given)
        assert seen[first : first + 48].tolist() == list(range(48))
        shared.let_go(part)


def test_parts_never_overlap() -> None:
    shared, _ = region(64 * PAGE)
    rng = np.random.default_rng(4)
    held: dict[int, np.ndarray] = {}
    for number in range(500):
        if held and rng.random() < 0.5:
            part = rng.choice(list(held))
            expected = held.pop(part)
            assert np.array_equal(expected, shared_bytes(shared, part, len(expected)))
            shared.let_go(part)
            continue
        content = np.full(int(rng.integers(1, 6 * PAGE)), number % 251, np.uint8)
        try:
            part, _ = shared.hold(content)
        except BusyError:
            continue
        assert part not in held
        held[part] = content
    for part, expected in held.items():
        assert np.array_equal(expected, shared_bytes(shared, part, len(expected)))


def shared_bytes(shared: Region, part: int, length: int) -> np.ndarray:
    found: np.ndarray = shared._bytes[part : part + length]
    return found


def test_memory_is_given_back_once_nothing_is_held() -> None:
    shared, _ = region(1 << 30)

    def shared_kilobytes() -> int:
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("RssShmem")).split()[1])

    before = shared_kilobytes()
    with shared.holding(512 << 20) as memory:
        np.frombuffer(memory, np.uint8)[::PAGE] = 1
        assert shared_kilobytes() > before + 500_000
    assert shared_kilobytes() < before + 140_000


def test_memory_behind_the_last_part_is_given_back_while_others_are_held() -> None:
    shared, seen = region(1 << 30)
    with shared.holding(PAGE) as first:
        first[:] = b"x" * PAGE
        with shared.holding(512 << 20) as memory:
            memory[-1:] = b"y"
        assert seen[PAGE + (512 << 20) - 1] == 0, "it was given back"
        assert bytes(first) == b"x" * PAGE


def test_a_part_without_bytes_takes_no_other_place() -> None:
    shared, seen = region()
    with shared.holding(3 * PAGE) as memory:
        memory[:] = b"a" * len(memory)
        with shared.holding(0) as nothing:
            assert len(nothing) == 0
            part, first = shared.hold(np.full(2 * PAGE, 7, np.uint8))
            assert first >= 3 * PAGE
        assert bytes(seen[: 3 * PAGE]) == b"a" * 3 * PAGE
    shared.let_go(part)
    with shared.holding(10 * PAGE):
        pass
