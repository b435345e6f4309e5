"""The number format is the one that was asked for, or the one that the device is good at."""

import pytest
import torch

from image_pipeline.inference.device import Device, choose_device
from image_pipeline.settings import DType


@pytest.mark.parametrize("dtype", [DType.FP32, DType.BF16])
def test_a_format_that_was_asked_for_is_used(dtype: DType) -> None:
    device = choose_device(dtype)
    assert device.dtype is dtype
    assert device.torch_dtype is (torch.bfloat16 if dtype is DType.BF16 else torch.float32)
    assert torch.zeros(1, device=device.torch_device, dtype=device.torch_dtype).item() == 0


@pytest.mark.skipif(torch.cuda.is_available() or torch.backends.mps.is_available(), reason="of machines without a GPU")
def test_auto_is_bf16_on_a_cpu_that_has_it() -> None:
    with open("/proc/cpuinfo") as file:
        flags = file.read()
    expected = DType.BF16 if "avx512_bf16" in flags or "amx_bf16" in flags else DType.FP32
    assert choose_device(DType.AUTO).dtype is expected


def test_the_text_form_names_make_and_format() -> None:
    assert str(Device("cuda", "NVIDIA H100", DType.BF16)) == "cuda (NVIDIA H100), bf16"
    assert str(Device("cpu", "", DType.FP32)) == "cpu, fp32"
