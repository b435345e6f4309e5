"""When a content that failed is tried again."""

from pathlib import Path

import pytest

from image_pipeline.schema.limits import DecodeLimits
from image_pipeline.schema.outcome import PASSING, Reason
from image_pipeline.schema.rows import Stage
from image_pipeline.storage.failures import Failure, Failures
from image_pipeline.storage.ledger import Ledger
from image_pipeline_tests.storage.conftest import sha256

LIMITS = DecodeLimits(seconds=10, address_space_bytes=1000, pixels=100)
NOW = 1_800_000_000.0


def failure(reason: Reason, tries: int = 1, tried_at: float | None = NOW) -> Failure:
    return Failure(sha256("a"), "decoder 1", reason, "it was", LIMITS, tries, tried_at)


def failures(tmp_path: Path, version: str = "decoder 1", limits: DecodeLimits = LIMITS) -> Failures:
    return Ledger(tmp_path / "ledger.sqlite").failures(Stage.DECODED_TENSORS, version, limits)


@pytest.mark.parametrize(
    ("wider", "helped"),
    [
        (DecodeLimits(11, 1000, 100), {Reason.TIMEOUT}),
        (DecodeLimits(10, 1001, 100), {Reason.OUT_OF_MEMORY, Reason.DECODER_CRASHED}),
        (DecodeLimits(10, 1000, 101), {Reason.TOO_MANY_PIXELS}),
        (DecodeLimits(9, 999, 99), set()),
    ],
)
def test_a_limit_that_was_raised_helps_what_failed_for_it_alone(wider: DecodeLimits, helped: set[Reason]) -> None:
    assert {reason for reason in Reason if not failure(reason).stands(wider, NOW)} == helped


@pytest.mark.parametrize(("tries", "minutes"), [(1, 1), (2, 4), (3, 16), (4, 64), (5, 256), (9, 65_536)])
def test_what_may_pass_is_tried_again_ever_more_rarely(tries: int, minutes: int) -> None:
    assert failure(Reason.TIMEOUT, tries).stands(LIMITS, NOW + 60 * minutes - 1)
    assert not failure(Reason.TIMEOUT, tries).stands(LIMITS, NOW + 60 * minutes)


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason not in PASSING])
def test_what_the_bytes_are_to_blame_for_stands_for_ever(reason: Reason) -> None:
    assert failure(reason).stands(LIMITS, NOW + 1e9)
    assert not failure(reason, tried_at=None).stands(LIMITS, NOW), "unless a person asks"


def test_a_clock_that_was_set_back_puts_nothing_off() -> None:
    assert not failure(Reason.TIMEOUT, tries=8).stands(LIMITS, NOW - 3600)


def test_tries_are_counted_and_forgotten_with_a_success(tmp_path: Path) -> None:
    a, b = sha256("a"), sha256("b")
    for tries in (1, 2):
        failures(tmp_path).record({a: (Reason.TIMEOUT, "slow"), b: (Reason.CORRUPT, "broken")}, [])
        assert {f.tries for f in failures(tmp_path).standing([a, b]).values()} == {tries}
    assert failures(tmp_path, version="decoder 2").standing([a, b]) == {}
    assert failures(tmp_path, limits=DecodeLimits(11, 1000, 100)).standing([a, b]).keys() == {b}
    failures(tmp_path, version="decoder 2").record({b: (Reason.CORRUPT, "broken")}, [a])
    assert failures(tmp_path).standing([a, b]) == {}
    assert failures(tmp_path, version="decoder 2").standing([a, b])[b].tries == 1


def test_tries_that_a_person_asks_for_put_off_none_that_come_by_themselves(tmp_path: Path) -> None:
    ledger, a = Ledger(tmp_path / "ledger.sqlite"), sha256("a")
    failures(tmp_path).record({a: (Reason.TIMEOUT, "slow")}, [])
    for _ in range(4):
        ledger.try_again([a])
        failures(tmp_path).record({a: (Reason.TIMEOUT, "slow")}, [])
    assert failures(tmp_path).standing([a])[a].tries == 1
