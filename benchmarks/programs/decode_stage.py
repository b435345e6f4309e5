"""The decode stage: decodes files into the rows of a tensor file, in the pipeline's worker processes.

The request: files, model (whose input is produced), folder (a new folder to write to), thumbnails (whether to make
them).
"""

import time
from pathlib import Path

from benchmarks.exchange import answer, read_request
from image_pipeline.imaging.pool import DecodeFailure, DecodeTask, WorkerPool
from image_pipeline.inference.configuration import read_embedder_configuration
from image_pipeline.storage.tensors import create_tensor_files


def main() -> None:
    """Decode the files, and report the time, including the start of the workers."""
    request = read_request()
    folder, files = Path(request["folder"]), request["files"]
    spec = read_embedder_configuration(Path(request["model"])).input
    began = time.perf_counter()
    outputs = create_tensor_files(folder / "tensors", [spec], len(files))
    tasks = [
        DecodeTask(file, file, row, folder / f"{row}.webp" if request["thumbnails"] else None)
        for row, file in enumerate(files)
    ]
    with WorkerPool() as pool:
        for outcome in pool.decode(tasks, outputs):
            if isinstance(outcome, DecodeFailure):
                raise RuntimeError(f"{outcome.key}: {outcome.message}")
    answer(images=len(files), seconds=time.perf_counter() - began)


if __name__ == "__main__":
    main()
