"""The limit for decoding JPEG: only libjpeg-turbo's scaled decode, on all cores.

It is called through Pillow, which only allocates the picture. The request: files, and scale (1, 2, 4 or 8: the one that
the pipeline uses).
"""

import multiprocessing
import os
import time
from functools import partial

from PIL import Image

from benchmarks.exchange import answer, read_request


def decode(scale: int, file: str) -> int:
    """Decode a file; returns the number of pixels of the scaled picture."""
    with Image.open(file) as image:
        image.draft(None, (image.width // scale, image.height // scale))
        image.load()
        return image.width * image.height


def main() -> None:
    """Decode the files, and report the time, without the start of the processes."""
    request = read_request()
    with multiprocessing.Pool(len(os.sched_getaffinity(0))) as pool:
        pool.map(abs, range(100))
        began = time.perf_counter()
        pixels = sum(pool.imap_unordered(partial(decode, request["scale"]), request["files"], chunksize=4))
        seconds = time.perf_counter() - began
    answer(images=len(request["files"]), seconds=seconds, pixels=pixels)


if __name__ == "__main__":
    main()
