"""The cases of the bench, by their names on the command line."""

from collections.abc import Callable

from benchmarks.bench import Bench
from benchmarks.cases import (
    collection,
    command_line,
    decoding,
    embedding,
    engines,
    fidelity,
    golden,
    growth,
    models,
    rerun,
)
from benchmarks.rows import CaseResult

CASES: dict[str, Callable[[Bench], CaseResult]] = {
    "jpeg": embedding.jpeg_12,
    "dng-full": embedding.dng_full,
    "dng-none": embedding.dng_none,
    "decode": decoding.decode,
    "captions": models.captions,
    "rerun": rerun.unchanged,
    "growth": growth.growth,
    "collection": collection.upload_and_search,
    "golden": golden.golden,
    **engines.cases(),
    "cli": command_line.first_lines,
    "fidelity": fidelity.fidelity,
    "siglip": embedding.siglip,
    "jpeg-24mp": embedding.jpeg_24,
    "dng-1616": embedding.dng_1616,
    "heic": embedding.heic_12,
    "hashing": decoding.hashing,
    "models": models.bare_models,
}
"""In the order of the report."""
