"""Threads that run models for many callers."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError

import numpy as np
import pytest

from image_pipeline.inference import runner as runner_module
from image_pipeline.inference.joined_images import JoinedImages
from image_pipeline.inference.prefetch import Images
from image_pipeline.inference.runner import ModelRunner


class Model:
    """A model whose result is the first number of each image; batches of `most` images, recorded in `batches`."""

    def __init__(self, most: int = 4) -> None:
        self.most = most
        self.batches: list[list[int]] = []
        self.may_run = threading.Event()
        self.may_run.set()
        self.has_begun = threading.Event()

    def __call__(self, images: Images) -> Iterator[tuple[slice, list[int]]]:
        for start in range(0, len(images), self.most):
            batch = images[start : start + self.most]
            self.has_begun.set()
            assert self.may_run.wait(10)
            self.batches.append(batch[:, 0, 0, 0].tolist())
            if 255 in self.batches[-1]:
                raise ValueError("a bad image")
            yield slice(start, start + len(batch)), self.batches[-1]


def images(*values: int) -> np.ndarray:
    return np.array(values, np.uint8).reshape(-1, 1, 1, 1)


def test_callers_who_wait_share_batches() -> None:
    model = Model()
    model.may_run.clear()
    with ModelRunner("test", model, 4, threading.Lock(), lambda: 100) as runner:
        first = runner.run(images(0))
        assert model.has_begun.wait(10)
        others = [runner.run(images(number)) for number in range(1, 6)]
        model.may_run.set()
        assert [first.result(10), *(one.result(10) for one in others)] == [[0], [1], [2], [3], [4], [5]]
    assert model.batches == [[0], [1, 2, 3, 4], [5]]
    assert (runner.images_run, runner.batches_run) == (6, 3)


def test_nobody_waits_if_nothing_is_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_module, "WAIT_SECONDS", 30.0)
    with ModelRunner("test", Model(), 4, threading.Lock(), lambda: 1) as runner:
        assert runner.run(images(7)).result(5) == [7]


def test_the_first_waits_for_those_that_are_on_their_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_module, "WAIT_SECONDS", 30.0)
    model = Model()
    with ModelRunner("test", model, 4, threading.Lock(), lambda: 2) as runner:
        first = runner.run(images(7))
        time.sleep(0.2)
        assert not model.batches
        assert (runner.run(images(8)).result(10), first.result(10)) == ([8], [7])
    assert model.batches == [[7, 8]]


def test_a_caller_with_a_whole_batch_is_joined_by_nobody() -> None:
    model = Model()
    model.may_run.clear()
    with ModelRunner("test", model, 2, threading.Lock(), lambda: 100) as runner:
        first = runner.run(images(0))
        assert model.has_begun.wait(10)
        found = [runner.run(images(number, number)) for number in range(1, 4)]
        model.may_run.set()
        assert [first.result(10), *(one.result(10) for one in found)] == [[0], [1, 1], [2, 2], [3, 3]]
    assert model.batches == [[0], [1, 1], [2, 2], [3, 3]]


def test_images_that_cannot_be_run_harm_no_other_caller() -> None:
    model = Model()
    model.may_run.clear()
    with ModelRunner("test", model, 4, threading.Lock(), lambda: 100) as runner:
        runner.run(images(0))
        assert model.has_begun.wait(10)
        good, bad = runner.run(images(1)), runner.run(images(255))
        model.may_run.set()
        assert good.result(10) == [1]
        with pytest.raises(ValueError, match="a bad image"):
            bad.result(10)
        assert runner.run(images(2)).result(10) == [2], "the thread goes on"


def test_a_call_is_made_between_two_batches() -> None:
    model = Model(most=1)
    model.may_run.clear()
    with ModelRunner("test", model, 1, threading.Lock(), lambda: 100) as runner:
        found = runner.run(images(0, 1, 2))
        assert model.has_begun.wait(10)
        call = runner.call(lambda: list(model.batches))
        model.may_run.set()
        assert call.result(10) == [[0]]
        assert found.result(10) == [0, 1, 2]


def test_a_call_does_not_wait_for_a_device_that_another_model_uses() -> None:
    device = threading.Lock()
    with ModelRunner("test", Model(), 1, device, lambda: 100) as runner, device:
        waiting = runner.run(images(0))
        assert runner.call(lambda: 7).result(10) == 7
        assert not waiting.done()


def test_what_was_abandoned_is_not_run() -> None:
    model = Model(most=1)
    model.may_run.clear()
    with ModelRunner("test", model, 1, threading.Lock(), lambda: 100) as runner:
        running, waiting = runner.run(images(0, 1, 2, 3)), runner.run(images(9))
        assert model.has_begun.wait(10)
        running.abandon()
        waiting.abandon()
        model.may_run.set()
        with pytest.raises(CancelledError):
            running.result(10)
        with pytest.raises(CancelledError):
            waiting.result(10)
        assert runner.run(images(5)).result(10) == [5]
    assert model.batches[-1] == [5]
    assert len(model.batches) <= 3


def test_the_end_finishes_what_was_taken() -> None:
    model = Model()
    with ModelRunner("test", model, 1, threading.Lock(), lambda: 100) as runner:
        found = [runner.run(images(number)) for number in range(20)]
    assert [one.result(0) for one in found] == [[number] for number in range(20)]


def test_a_call_that_fails_harms_no_other() -> None:
    def fail() -> None:
        raise ValueError("it fails")

    with ModelRunner("test", Model(), 1, threading.Lock(), lambda: 100) as runner:
        with pytest.raises(ValueError, match="it fails"):
            runner.call(fail).result(10)
        assert runner.call(lambda: 1).result(10) == 1


def test_batches_that_wait_are_run_at_once_and_answered_one_after_the_other() -> None:
    calls: list[int] = []
    model = Model(most=2)

    def batches(several: Images) -> Iterator[tuple[slice, list[int]]]:
        calls.append(len(several))
        return model(several)

    model.may_run.clear()
    with ModelRunner("test", batches, 2, threading.Lock(), lambda: 100, at_once=8) as runner:
        first = runner.run(images(0, 1))
        assert model.has_begun.wait(10)
        others = [runner.run(images(number, number + 1, number + 2)) for number in (10, 20, 30)]
        answered: list[int] = []
        for one in others:
            one.add_done_callback(lambda _: answered.append(len(model.batches)))
        model.may_run.set()
        assert [first.result(10), *(one.result(10) for one in others)] == [
            [0, 1],
            [10, 11, 12],
            [20, 21, 22],
            [30, 31, 32],
        ]
    assert calls == [2, 9], "the second call has all that waited"
    assert model.batches == [[0, 1], [10, 11], [12, 20], [21, 22], [30, 31], [32]]
    assert answered == [3, 4, 6], "each is answered once its last image has been run"


@pytest.mark.parametrize(("part", "expected"), [((0, 2), [0, 1]), ((1, 5), [1, 2, 3, 4]), ((3, 9), [3, 4, 5])])
def test_joined_images_are_those_of_their_arrays_in_order(part: tuple[int, int], expected: list[int]) -> None:
    joined = JoinedImages([images(0, 1), images(), images(2), images(3, 4, 5)])
    assert len(joined) == 6
    assert joined[slice(*part)].ravel().tolist() == expected


def test_callers_who_have_left_are_not_computed_for_once_the_others_are_answered() -> None:
    model = Model(most=1)
    model.may_run.clear()
    with ModelRunner("test", model, 1, threading.Lock(), lambda: 100, at_once=8) as runner:
        first = runner.run(images(0))
        assert model.has_begun.wait(10)
        others = [runner.run(images(number)) for number in range(1, 7)]
        others[0].add_done_callback(lambda _: [one.abandon() for one in others[1:]])
        model.may_run.set()
        assert (first.result(10), others[0].result(10)) == ([0], [1])
        for one in others[1:]:
            with pytest.raises(CancelledError):
                one.result(10)
    assert model.batches == [[0], [1]]
