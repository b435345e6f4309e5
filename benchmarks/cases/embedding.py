"""Cases of the whole pipeline, from photographs to embeddings in the collection, against the usual loop."""

import os
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.inputs.libraries import files_of, library
from benchmarks.inputs.models import siglip2_b16, vit_b32
from benchmarks.inputs.photographs import Kind, photographs, warm
from benchmarks.measuring.process import Measured, python_program
from benchmarks.measuring.sample import Sample
from benchmarks.measuring.turns import Contestant, in_turn
from benchmarks.rows import CaseResult, Processor, Row, Target
from benchmarks.sizes import Pair
from benchmarks.stages import stage_seconds


def jpeg_12(bench: Bench) -> CaseResult:
    """12-MP JPEG, ViT-B/32, against R1."""
    title = "12-MP JPEG → embedding in the collection, ViT-B/32"
    return _whole_pipeline(bench, title, Kind.JPEG_12, bench.sizes.jpeg_12, vit_b32(), "R1", Target(3.3))


def jpeg_24(bench: Bench) -> CaseResult:
    """24-MP JPEG, ViT-B/32, against R1."""
    title = "24-MP JPEG → embedding in the collection, ViT-B/32"
    return _whole_pipeline(bench, title, Kind.JPEG_24, bench.sizes.jpeg_24, vit_b32(), "R1", None)


def siglip(bench: Bench) -> CaseResult:
    """12-MP JPEG, SigLIP 2 B/16, against R1."""
    title = "12-MP JPEG → embedding in the collection, SigLIP 2 B/16"
    return _whole_pipeline(bench, title, Kind.JPEG_12, bench.sizes.siglip, siglip2_b16(), "R1", None)


def heic_12(bench: Bench) -> CaseResult:
    """12-MP HEIC, ViT-B/32, against R1."""
    title = "12-MP HEIC → embedding in the collection, ViT-B/32"
    return _whole_pipeline(bench, title, Kind.HEIC_12, bench.sizes.heic, vit_b32(), "R1", None)


def dng_full(bench: Bench) -> CaseResult:
    """24-MP DNG with a full-size preview, ViT-B/32, against R2."""
    title = "24-MP DNG with a full-size preview → embedding in the collection, ViT-B/32"
    return _whole_pipeline(bench, title, Kind.DNG_FULL, bench.sizes.raw_full_preview, vit_b32(), "R2", Target(15))


def dng_1616(bench: Bench) -> CaseResult:
    """24-MP DNG with a 1616-pixel preview, ViT-B/32, against R2."""
    title = "24-MP DNG with a 1616-pixel preview → embedding in the collection, ViT-B/32"
    return _whole_pipeline(bench, title, Kind.DNG_1616, bench.sizes.raw, vit_b32(), "R2", None)


def dng_none(bench: Bench) -> CaseResult:
    """24-MP DNG without a preview, ViT-B/32, against R2."""
    title = "24-MP DNG without a preview → embedding in the collection, ViT-B/32"
    return _whole_pipeline(bench, title, Kind.DNG_NONE, bench.sizes.raw, vit_b32(), "R2", Target(2.2))


def _whole_pipeline(
    bench: Bench, title: str, kind: Kind, size: Pair, model: Path, reference: str, target: Target | None
) -> CaseResult:
    libraries = {count: library(kind, count) for count in (size.few, size.many)}
    warm(photographs(kind, size.many))
    stages: dict[int, list[dict[str, float]]] = {size.few: [], size.many: []}

    def ours(count: int) -> Measured:
        ingested = bench.ingest_again(libraries[count], f"{model},none")
        stages[count].append(stage_seconds(ingested.home))
        bench.discard(ingested)
        return ingested.measured

    def against(count: int) -> Measured:
        request = {"model": str(model), "files": [os.fspath(file) for file in files_of(libraries[count])]}
        return bench.measure(python_program("benchmarks.references.common_loop"), request=request)

    repeats = bench.repeats if target else bench.fewer_repeats
    first, second = in_turn([ours, against], size.few, size.many, repeats)
    row = rate_row(title, first, second, reference, target)
    shown = {
        "ours": stages_of_an_image(stages[size.few], stages[size.many], size),
        reference: _stated({"whole loop": second.milliseconds_an_image}),
    }
    return CaseResult([row], _flat(title, shown))


def rate_row(title: str, ours: Contestant, against: Contestant, reference: str, target: Target | None) -> Row:
    """The row of two programs; its figure is the ratio of their times per additional image."""
    return Row(
        title=title,
        ours=ours.milliseconds_an_image.estimate,
        against=against.milliseconds_an_image.estimate,
        reference=reference,
        figure=against.milliseconds_an_image.over(ours.milliseconds_an_image),
        whole=against.whole_seconds.over(ours.whole_seconds),
        target=target,
        note=f"per additional image; whole processes over {ours.many} images: {ours.whole_seconds.estimate} and "
        f"{against.whole_seconds.estimate}",
        processor=Processor.of_rates(ours.core_milliseconds_an_image, against.core_milliseconds_an_image),
        memory=(ours.peak_megabytes.estimate, against.peak_megabytes.estimate),
    )


def stages_of_an_image(of_few: list[dict[str, float]], of_many: list[dict[str, float]], size: Pair) -> dict[str, float]:
    """The time per additional image of each stage, in ms, from the seconds of the stages over few and over many images.

    Stages whose time cannot be reported, because it is too short, are left out.
    """
    scale = 1000 / (size.many - size.few)
    samples = {
        name: Sample.beyond([many[name] for many in of_many], [few.get(name, 0.0) for few in of_few], "ms", scale)
        for name in of_many[0]
    }
    return _stated(samples)


def _stated(samples: dict[str, Sample]) -> dict[str, float]:
    estimates = {name: sample.estimate for name, sample in samples.items()}
    return {name: estimate.value for name, estimate in estimates.items() if not estimate.refusal}


def _flat(title: str, shown: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    return {f"{title}|{who}": parts for who, parts in shown.items()}
