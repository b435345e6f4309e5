"""Images per second of a model without HTTP: the bare embedder, or the pipeline's captioner.

Arguments: the model's directory, the height and width of its input, the seconds to measure. It prints the rate and the
device.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.inputs.models import is_captioner
from benchmarks.rates import BareModel, model_source
from image_pipeline.inference.captioner import Captioner
from image_pipeline.inference.producer import ProducerKind

_ON_GPU, _ON_CPU = 256, 32


def main() -> None:
    """Measure batches of 256 images, or of 32 on a CPU."""
    directory, side, seconds = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    import torch

    count = _ON_GPU if torch.cuda.is_available() else _ON_CPU
    with tempfile.TemporaryDirectory() as home:
        run, device = (
            _captioner(directory, side, count, Path(home)) if is_captioner(directory) else _bare(directory, side, count)
        )
        run()
        run()
        began, done = time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            run()
            done += count
        print(done / (time.perf_counter() - began), device)


def _bare(directory: Path, side: int, count: int) -> tuple[Callable[[], object], str]:
    model = BareModel(directory, count, side)
    return lambda: model.run(count), str(model.device)


def _captioner(directory: Path, side: int, count: int, home: Path) -> tuple[Callable[[], object], str]:
    source = model_source(ProducerKind.CAPTION, directory, home)
    captioner = Captioner(source, source.producer())
    images = np.random.default_rng(5).integers(0, 256, (count, 3, side, side), np.uint8)
    device = captioner.warm_up().device
    return lambda: list(captioner.caption_batches(images)), device


if __name__ == "__main__":
    main()
