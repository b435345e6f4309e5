"""Batched inference: runs images through a model, in batches as large as the device can hold."""

import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from image_pipeline.errors import ModelError
from image_pipeline.inference.device import Device
from image_pipeline.inference.prefetch import Batch, BatchReader, Images, read_at_once
from image_pipeline.schema.input_spec import InputSpec

if TYPE_CHECKING:
    import torch

Result = TypeVar("Result")


@dataclass(frozen=True)
class Throughput:
    """The number of images that a model has processed, and the seconds it took, excluding loading and waiting."""

    device: str
    batch_size: int
    images: int
    seconds: float

    @property
    def images_per_second(self) -> float:
        """The mean speed; 0 if nothing has been processed yet."""
        return self.images / self.seconds if self.seconds > 0 else 0.0


class Batcher(Generic[Result]):
    """Runs `forward` over batches and remembers, from one call to the next, how large a batch may be.

    `forward` takes a uint8 tensor `[n, 3, height, width]` and returns n results. A batch that runs out of memory is
    retried at half the size. On CUDA, the first call determines the largest batch that fits, and each batch is copied
    to the device while the previous one is computed, if there is enough memory. On every device, each batch is read
    (from disk, if `images` is memory-mapped) while the previous one is computed.
    """

    def __init__(
        self,
        model: str,
        spec: InputSpec,
        device: Device,
        forward: "Callable[[torch.Tensor], Result]",
        *,
        first: int,
        most: int,
    ) -> None:
        """`model` is the name for messages; batches start with `first` images and, on CUDA, may grow to `most`."""
        self._model, self._spec, self._device, self._forward = model, spec, device, forward
        self._size, self._most = first, most
        self._probed = device.kind != "cuda"
        self._images, self._seconds = 0, 0.0

    @property
    def throughput(self) -> Throughput:
        """The size of the batches and the speed so far."""
        return Throughput(str(self._device), self._size, self._images, self._seconds)

    def warm_up(self) -> None:
        """Run one image, and determine the size of the batches, so that the first request does not have to wait."""
        import torch

        spec = self._spec
        self._forward(torch.zeros((1, 3, spec.height, spec.width), dtype=torch.uint8, device=self._device.torch_device))
        if not self._probed:
            self._probe()

    def run(self, images: Images) -> Generator[tuple[slice, Result]]:
        """The results, batch by batch, each with the rows of its images.

        Raises ModelError if not even one image fits into memory, and ValueError if the images do not match the model's
        input.
        """
        total, row = len(images), 0
        if total > self._size and not self._probed:
            self._probe()
        if total <= self._size:
            began = time.perf_counter()
            result = self._at_once(images)
            if result is not None:
                self._images += total
                self._seconds += time.perf_counter() - began
                yield slice(0, total), result
                return
            self._halve(total)
        with BatchReader(images, self._spec, self._device) as reader:
            ahead = reader.begin(row, self._size)
            while row < total:
                began = time.perf_counter()
                count = min(self._size, total - row)
                reading = ahead
                if row + count < total:
                    ahead = reader.begin(row + count, self._size)
                result = self._attempt(reading)
                if result is None:
                    self._halve(count)
                    ahead = reader.begin(row, self._size)
                    continue
                self._images += count
                self._seconds += time.perf_counter() - began
                yield slice(row, row + count), result
                row += count

    def _at_once(self, images: Images) -> Result | None:
        """The results of a single batch, which needs no threads to read ahead, or None if memory ran out."""
        try:
            return self._forward(read_at_once(images, self._spec, self._device))
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            return None

    def _attempt(self, reading: Future[Batch]) -> Result | None:
        """The results of a batch, or None if memory ran out; a failed batch's tensors are freed on return."""
        try:
            return self._forward(reading.result().arrived())
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            return None

    def _halve(self, count: int) -> None:
        import torch

        if self._device.kind == "cuda":
            torch.cuda.empty_cache()
        if count == 1:
            raise ModelError(
                f"The model {self._model} ran out of memory on {self._device} with a single image of "
                f"{self._spec.height} by {self._spec.width} pixels; free memory, or name a smaller model in "
                "IMAGE_PIPELINE_MODELS."
            )
        self._size = count // 2

    def _probe(self) -> None:
        import torch

        def peak_of(count: int) -> int:
            torch.cuda.reset_peak_memory_stats()
            before = torch.cuda.memory_allocated()
            self._forward(
                torch.zeros((count, 3, self._spec.height, self._spec.width), dtype=torch.uint8, device="cuda")
            )
            return int(torch.cuda.max_memory_allocated() - before)

        torch.cuda.empty_cache()
        free_bytes, _ = torch.cuda.mem_get_info()
        try:
            self._size = largest_batch(peak_of, free_bytes, self._size, self._most)
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
        self._probed = True


# The allocators of the CPU and of Apple's GPUs raise a plain RuntimeError; only its text identifies the cause. oneDNN,
# which computes on the CPU, does not even name it.
_SIGNS = (
    *("can't allocate memory", "not enough memory", "out of memory", "alloc_failed", "bad_alloc", "bad allocation"),
    *("could not create a primitive", "could not execute a primitive"),
)

# The usable share. The rest is for fragmentation, and for later batches that need more than the measured one.
_USABLE = 0.8


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error of torch, NumPy or Python means that the device or the machine ran out of memory."""
    import torch

    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(sign in text for sign in _SIGNS)


def largest_batch(peak_of: Callable[[int], int], free_bytes: int, first: int, most: int) -> int:
    """The largest batch size that is safe to run: `first` images, doubled any number of times up to `most`.

    `peak_of(n)` runs a batch of n images and returns its peak memory in bytes. After the first, a batch is run only if
    twice the peak of the previous one fits into `free_bytes` with a margin.
    """
    size = first
    while size * 2 <= most and 2 * peak_of(size) <= free_bytes * _USABLE:
        size *= 2
    return size
