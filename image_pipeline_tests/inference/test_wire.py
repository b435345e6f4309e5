"""The protocol of the inference service."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from image_pipeline.inference.producer import Generation, Producer, ProducerKind
from image_pipeline.inference.wire import (
    PROTOCOL,
    Capabilities,
    ServedModel,
    ServiceLimits,
    WireError,
    capabilities_of,
    from_npy,
    to_npy,
)
from image_pipeline.schema.input_spec import InputSpec, Interpolation, ResizeMode
from image_pipeline.settings import DType

SPEC = InputSpec(224, 200, ResizeMode.LONGEST, Interpolation.BILINEAR, 7)
EMBEDDING = Producer(ProducerKind.EMBEDDING, "a/b", "c0ffee", SPEC, DType.AUTO, dimension=512)
CAPTIONS = Producer(ProducerKind.CAPTION, "c/d", "beef", SPEC, DType.FP32, generation=Generation(20, 3))


def capabilities() -> Capabilities:
    served = [ServedModel(one, str(one), f"{one.model}@{one.revision}", 32) for one in (EMBEDDING, CAPTIONS)]
    return Capabilities(PROTOCOL, "0.1.0", "cpu, fp32", served[0], served[1], ["jpeg"], ServiceLimits())


def test_capabilities_survive_the_way() -> None:
    assert capabilities_of(dataclasses.asdict(capabilities())) == capabilities()
    without = dataclasses.replace(capabilities(), captioner=None)
    assert capabilities_of(dataclasses.asdict(without)) == without


@pytest.mark.parametrize(
    "change",
    [
        lambda found: [],
        lambda found: {"status": "alive"},
        lambda found: {**found, "protocol": PROTOCOL + 1},
        lambda found: {**found, "embedder": None},
        lambda found: {**found, "embedder": {**found["embedder"], "producer_text": "another"}},
        lambda found: {**found, "embedder": {**found["embedder"], "batch": 0}},
        lambda found: {**found, "embedder": {**found["embedder"], "producer": {"kind": "embedding"}}},
        lambda found: {**found, "limits": {"images": "many"}},
    ],
)
def test_other_capabilities_are_refused(change: Any) -> None:
    with pytest.raises(WireError):
        capabilities_of(change(dataclasses.asdict(capabilities())))


@given(arrays.arrays(np.uint8, arrays.array_shapes(min_dims=4, max_dims=4, max_side=5)))
def test_arrays_survive_the_way(array: np.ndarray) -> None:
    np.testing.assert_array_equal(from_npy(to_npy(array), np.uint8, 4), array)


@given(st.binary(max_size=300), st.integers(0, 200), st.integers(0, 255))
def test_other_bytes_are_refused(data: bytes, place: int, byte: int) -> None:
    with pytest.raises(WireError):
        from_npy(data, np.uint8, 4)
    array = np.zeros((1, 3, 4, 4), np.uint8)
    mutated = bytearray(to_npy(array))
    mutated[place % len(mutated)] = byte
    try:
        found = from_npy(bytes(mutated), np.uint8, 4)
    except WireError:
        return
    assert found.dtype == np.uint8
    assert found.size == array.size
