"""Draws the demo library. The request: library (a new folder)."""

from pathlib import Path

from benchmarks.exchange import answer, read_request
from image_pipeline.demo.library import make_library


def main() -> None:
    """Report the caption of each scene, by path."""
    answer(captions=make_library(Path(read_request()["library"])).captions)


if __name__ == "__main__":
    main()
