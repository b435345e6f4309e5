"""Read-ahead of image batches: each is read while a model computes the previous one."""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np

from image_pipeline.inference.device import Device
from image_pipeline.schema.input_spec import InputSpec

if TYPE_CHECKING:
    import torch

# One thread copies 48,000 images of 224 × 224 per second, hardly more than the 28,000 that a GPU embeds; four threads
# copy 200,000.
_COPIERS = 4


class Images(Protocol):
    """Images, uint8 `[n, 3, height, width]`: an array, a memory map, or rows of one."""

    def __len__(self) -> int:
        """The number of images."""

    def __getitem__(self, part: slice, /) -> np.ndarray:
        """The images of a slice, in order."""


@dataclass(frozen=True)
class Batch:
    """Images in memory; `copied` is the event of their arrival on the device, or None if no copy is in progress."""

    pixels: "torch.Tensor"
    copied: "torch.cuda.Event | None" = None

    def arrived(self) -> "torch.Tensor":
        """The images, uint8 `[n, 3, height, width]`, safe to use in the current CUDA stream."""
        import torch

        if self.copied is not None:
            stream = torch.cuda.current_stream()
            stream.wait_event(self.copied)
            self.pixels.record_stream(stream)
        return self.pixels


def read_at_once(images: Images, spec: InputSpec, device: Device) -> "torch.Tensor":
    """All images on the device, copied by this thread. Raises as the futures of `BatchReader.begin` do."""
    import torch

    pixels = torch.from_numpy(np.array(_checked(images[0 : len(images)], spec), order="C"))
    return pixels.to(device.torch_device)


def _checked(images: np.ndarray, spec: InputSpec) -> np.ndarray:
    if images.dtype != np.uint8 or images.shape[1:] != (3, spec.height, spec.width):
        expected = [3, spec.height, spec.width]
        raise ValueError(f"expected uint8 images [n, {expected}], not {images.dtype} {list(images.shape)}")
    return images


class BatchReader:
    """Reads batches in background threads, from disk if the images are memory-mapped; on CUDA, copies to the device."""

    def __init__(self, images: Images, spec: InputSpec, device: Device) -> None:
        """`images` must match `spec`."""
        import torch

        self._images, self._spec = images, spec
        self._copies = torch.cuda.Stream() if device.kind == "cuda" else None
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
        self._copiers = ThreadPoolExecutor(_COPIERS, thread_name_prefix="copy")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.shutdown()
        self._copiers.shutdown()

    def begin(self, row: int, count: int) -> Future[Batch]:
        """Start to read up to `count` images, beginning with `row`.

        The future raises ValueError if the images do not match the spec, and StoreError if they cannot be read.
        """
        return self._reader.submit(self._read, row, count)

    def _read(self, row: int, count: int) -> Batch:
        import torch

        images = _checked(self._images[row : row + count], self._spec)
        if self._copies is None:
            # A copy, because a page of a memory map is read only when a thread touches it: here, the reading thread.
            return Batch(torch.from_numpy(np.array(images, order="C")))
        pixels = self._pinned(images)
        try:
            with torch.cuda.stream(self._copies):
                return Batch(pixels.to("cuda", non_blocking=True), self._copies.record_event())
        except torch.OutOfMemoryError:
            # The batch that is being computed needs the memory; this one is copied when its turn comes.
            return Batch(pixels)

    def _pinned(self, images: np.ndarray) -> "torch.Tensor":
        """A copy in pinned memory, which the device can read directly, made by several threads."""
        import torch

        pixels = torch.empty(images.shape, dtype=torch.uint8, pin_memory=True)
        here, there = (np.array_split(whole, _COPIERS) for whole in (pixels.numpy(), images))
        list(self._copiers.map(np.copyto, here, there))  # `list` raises the error of any copy
        return pixels
