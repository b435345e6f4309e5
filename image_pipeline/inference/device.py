"""The device on which models compute, and its number format."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from image_pipeline.settings import DType

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Device:
    """A device by torch's name (`cuda`, `mps`, `cpu`), its product name, and the number format: fp32 or bf16."""

    kind: str
    make: str
    dtype: DType

    def __str__(self) -> str:
        """A readable form: `cuda (NVIDIA H100), bf16`."""
        return f"{self.kind} ({self.make}), {self.dtype}" if self.make else f"{self.kind}, {self.dtype}"

    @property
    def torch_device(self) -> "torch.device":
        """The device as torch's type."""
        import torch

        return torch.device(self.kind)

    @property
    def torch_dtype(self) -> "torch.dtype":
        """The number format as torch's type."""
        import torch

        return torch.bfloat16 if self.dtype is DType.BF16 else torch.float32


def choose_device(dtype: DType = DType.AUTO) -> Device:
    """The best device of this machine. `auto` becomes bf16 if the device computes in bf16 without emulation."""
    import torch

    if torch.cuda.is_available():
        kind, make = "cuda", torch.cuda.get_device_name()
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    elif torch.backends.mps.is_available():
        # Apple's first generation emulates bf16, and torch does not report the generation.
        kind, make, native = "mps", "Apple", False
    else:
        capabilities = torch.cpu.get_capabilities()
        kind, make = "cpu", str(capabilities.get("cpu_name", ""))
        native = any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16"))
    if dtype is DType.AUTO:
        dtype = DType.BF16 if native else DType.FP32
    return Device(kind, make, dtype)
