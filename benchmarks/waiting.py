"""`python -m benchmarks.waiting`: searches while an ingestion writes to the same embedded Qdrant, as a trace.

A store gets made points for the demo models, then `image-pipeline ingest` adds the files of a library in many
directories, and `image-pipeline search` is repeated meanwhile, by a filter and by words in turn: the latter loads the
model before it asks Qdrant. Each line of the trace is a search: when it began, how long it took, and what it printed
beside its hits.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from itertools import cycle
from pathlib import Path

from benchmarks.inputs.cache import cache_folder
from benchmarks.inputs.libraries import library
from benchmarks.inputs.photographs import Kind
from benchmarks.inputs.points import make_points
from benchmarks.measuring.process import environment, installed_program
from benchmarks.measuring.sample import Sample
from image_pipeline.collection.edge.address import EdgeAddress
from image_pipeline.settings import DType
from image_pipeline.stages.models import load_inference
from image_pipeline.storage.store import Store

_MODELS, _ALIAS = "demo,none", "images"
_PART = 2_560
_FILES_A_DIRECTORY = 10
_ALONE = 5
"""Searches of each kind before the ingestion, to compare with."""

_SEARCHES = {"filter": ["--camera", "canon", "--sort", "newest"], "words": ["a red circle"]}


def main() -> None:
    """Print the trace, and how long the searches took."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.waiting", description=__doc__)
    parser.add_argument("--points", type=int, default=100_000, help="points in the collection before the ingestion")
    parser.add_argument("--files", type=int, default=1_000, help="files to ingest, 10 in each directory")
    arguments = parser.parse_args()
    photographs = library(Kind.JPEG_SMALL, arguments.files, arguments.files // _FILES_A_DIRECTORY)
    with tempfile.TemporaryDirectory(prefix="work-", dir=cache_folder()) as home:
        _fill(Path(home), arguments.points)
        settings = {"IMAGE_PIPELINE_HOME": home, "IMAGE_PIPELINE_MODELS": _MODELS, "IMAGE_PIPELINE_COLLECTION": _ALIAS}
        alone = [(kind, _search(settings, kind)[0]) for _ in range(_ALONE) for kind in _SEARCHES]
        began = time.monotonic()
        with tempfile.TemporaryFile("w+") as output:
            ingestion = subprocess.Popen(
                installed_program("image-pipeline", "ingest", str(photographs)),
                env=environment(settings),
                stdout=output,
                stderr=output,
            )
            beside = []
            for kind in cycle(_SEARCHES):
                if ingestion.poll() is not None:
                    break
                at = time.monotonic() - began
                seconds, printed = _search(settings, kind)
                beside.append((kind, seconds))
                print(f"{at:7.2f} s: {kind:6} {seconds:5.2f} s {printed}", flush=True)
            output.seek(0)
            print(f"the ingestion took {time.monotonic() - began:.1f} s, and printed:\n{output.read()}")
    for when, searches in (("alone", alone), ("during the ingestion", beside)):
        for kind in _SEARCHES:
            times = [seconds for one, seconds in searches if one == kind]
            if times:
                sample = Sample.of(times, "s")
                most = f", longest {max(times):.2f} s"
                print(f"{len(times)} by {kind} {when}: p50 {sample.estimate}, p95 {sample.quantile(0.95)}{most}")
    sys.exit(ingestion.returncode)


def _fill(home: Path, count: int) -> None:
    version = load_inference(_MODELS, DType.AUTO, home).collection_version(_ALIAS)
    store = Store(home)
    with EdgeAddress(store.edge_directory, store.qdrant_lock_file).connect(_ALIAS) as qdrant:
        collection = qdrant.collection(version)
        collection.ensure()
        for first in range(0, count, _PART):
            points = make_points(first, min(_PART, count - first), version.dimension, version.producer)
            for _ in collection.upsert(points):
                pass
        collection.tidy()  # as an ingestion does


def _search(settings: dict[str, str], kind: str) -> tuple[float, str]:
    """The seconds of a search of this kind, and what it wrote to stderr, in one line."""
    command = installed_program("image-pipeline", "search", *_SEARCHES[kind], "--limit", "5")
    began = time.monotonic()
    ended = subprocess.run(command, env=environment(settings), capture_output=True, text=True, check=False)
    seconds = time.monotonic() - began
    failed = f"exit code {ended.returncode}: " if ended.returncode else ""
    return seconds, failed + " | ".join(ended.stderr.split("\n")).strip(" |")


if __name__ == "__main__":
    main()
