"""Cases of single stages that read files, against the limits of the machine."""

import os
from pathlib import Path

from PIL import Image

from benchmarks.bench import Bench
from benchmarks.cases.embedding import rate_row
from benchmarks.inputs.libraries import files_of, library
from benchmarks.inputs.models import vit_b32
from benchmarks.inputs.photographs import Kind, photographs, warm
from benchmarks.measuring.process import Measured, python_program
from benchmarks.measuring.sample import Sample
from benchmarks.measuring.turns import in_turn, take_turns
from benchmarks.rows import CaseResult, Processor, Row, Target
from image_pipeline.imaging.jpeg import decode_jpeg
from image_pipeline.inference.configuration import read_embedder_configuration


def decode(bench: Bench) -> CaseResult:
    """Measure the decode stage on 12-MP JPEG, against libjpeg-turbo on all cores at the same scale."""
    size, model = bench.sizes.decode, vit_b32()
    files = [os.fspath(file) for file in photographs(Kind.JPEG_12, size.many)]
    warm(map(Path, files))
    scale = _scale(Path(files[0]), model)

    def ours(thumbnails: bool, count: int) -> Measured:
        request = {"files": files[:count], "model": str(model), "thumbnails": thumbnails}
        folder = bench.new_folder()
        folder.mkdir()
        asked = {**request, "folder": str(folder)}
        return bench.measure(python_program("benchmarks.programs.decode_stage"), request=asked)

    def limit(count: int) -> Measured:
        request = {"files": files[:count], "scale": scale}
        return bench.measure(python_program("benchmarks.references.libjpeg"), request=request)

    runs = [lambda count: ours(True, count), limit, lambda count: ours(False, count)]
    with_thumbnails, against, without = in_turn(runs, size.few, size.many, bench.repeats)
    reference = f"limit: libjpeg-turbo at 1/{scale}, all cores"
    title = "decode stage alone, 12-MP JPEG for ViT-B/32"
    rows = [
        rate_row(title, with_thumbnails, against, reference, Target(0.85)),
        rate_row(f"{title}, without thumbnails", without, against, reference, None),
    ]
    return CaseResult(rows)


def _scale(file: Path, model: Path) -> int:
    """The factor by which the pipeline scales a file down while decoding it."""
    spec = read_embedder_configuration(model).input
    with file.open("rb") as opened:
        raster = decode_jpeg(opened, [spec], 1 << 30)
    with Image.open(file) as image:
        return round(max(image.size) / max(raster.image.size))


def hashing(bench: Bench) -> CaseResult:
    """Measure the hashing of 12-MP JPEG files, against OpenSSL's rate on the same bytes in memory."""
    root = library(Kind.JPEG_12, bench.sizes.hashing.many)
    files = [os.fspath(file) for file in files_of(root)]
    warm(map(Path, files))
    programs = (
        (python_program("benchmarks.programs.hash_stage"), {"library": str(root)}),
        (python_program("benchmarks.references.sha256"), {"files": files}),
    )
    answers: tuple[list[dict[str, float]], list[dict[str, float]]] = [], []

    def run(which: int) -> None:
        command, request = programs[which]
        answers[which].append(bench.measure(command, request=request).answer)

    def rates() -> list[Sample]:
        return [Sample.of([one["bytes"] / one["seconds"] / 1e6 for one in each], "MB/s") for each in answers]

    take_turns([lambda: run(0), lambda: run(1)], bench.repeats, lambda: all(one.estimate.agreed for one in rates()))
    ours, against = rates()
    cores = [Sample.of([1e12 * one["cpu_seconds"] / one["bytes"] for one in each], "ms/GB") for each in answers]
    row = Row(
        title="hashing, files in the page cache",
        ours=ours.estimate,
        against=against.estimate,
        reference="limit: OpenSSL's SHA-256, the same bytes in memory, one thread per core",
        figure=ours.over(against),
        processor=Processor.of_rates(*cores),
    )
    return CaseResult([row])
