"""Attempts to guess a password are slowed down, and the owner is never kept out for long."""

import pytest

from image_pipeline.web.door.throttle import (
    ATTEMPTS_A_MINUTE,
    FREE_ATTEMPTS,
    LONGEST_WAIT,
    Throttle,
    caller_of,
)


class Clock:
    """A clock that stands still until it is put forward."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_the_first_attempts_are_free_and_the_next_ones_wait_ever_longer(clock: Clock) -> None:
    throttle = Throttle(clock)
    assert [throttle.begin("a", False) for _ in range(FREE_ATTEMPTS)] == [0] * FREE_ATTEMPTS
    waits = []
    for _ in range(9):
        wait = throttle.begin("a", True)
        waits.append(wait)
        clock.now += wait
        assert throttle.begin("a", True) == 0
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert max(waits) == LONGEST_WAIT


def test_asking_while_waiting_does_not_prolong_it(clock: Clock) -> None:
    throttle = Throttle(clock)
    for _ in range(FREE_ATTEMPTS + 1):
        throttle.begin("a", False)
        clock.now += 1
    clock.now -= 1
    assert [throttle.begin("a", False) for _ in range(50)] == [2] * 50
    clock.now += 2
    assert throttle.begin("a", False) == 0


def test_the_right_password_ends_the_waiting(clock: Clock) -> None:
    throttle = Throttle(clock)
    for _ in range(FREE_ATTEMPTS):
        throttle.begin("a", False)
    throttle.succeeded("a", False)
    assert [throttle.begin("a", False) for _ in range(FREE_ATTEMPTS)] == [0] * FREE_ATTEMPTS


def test_many_callers_together_are_slowed_down_but_not_a_browser_that_is_known(clock: Clock) -> None:
    throttle = Throttle(clock)
    tried = [throttle.begin(f"caller {number}", False) for number in range(1000)]
    assert tried.count(0) == ATTEMPTS_A_MINUTE
    assert throttle.begin("the owner elsewhere", False) == 60
    assert throttle.begin("the owner's browser", True) == 0
    clock.now += 60
    assert throttle.begin("the owner elsewhere", False) == 0


def test_the_right_password_counts_for_nobody(clock: Clock) -> None:
    throttle = Throttle(clock)
    for number in range(1000):
        assert throttle.begin(f"caller {number}", False) == 0
        throttle.succeeded(f"caller {number}", False)


def test_a_caller_is_forgotten_after_an_hour(clock: Clock) -> None:
    throttle = Throttle(clock)
    for _ in range(FREE_ATTEMPTS):
        throttle.begin("a", False)
    clock.now += 3601
    assert [throttle.begin("a", False) for _ in range(FREE_ATTEMPTS)] == [0] * FREE_ATTEMPTS


def test_all_addresses_of_a_household_are_one_caller() -> None:
    assert caller_of("2001:db8:1:2::1") == caller_of("2001:db8:1:2:ffff::9")
    assert caller_of("2001:db8:1:2::1") != caller_of("2001:db8:1:3::1")
    assert caller_of("192.0.2.1") != caller_of("192.0.2.2")
    assert caller_of("::ffff:192.0.2.1") == caller_of("192.0.2.1")
    assert caller_of("") == ""
