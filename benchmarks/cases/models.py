"""Cases of the models: captions against transformers' pipeline, and embeddings against the bare model."""

import dataclasses
import os

from benchmarks.bench import Bench
from benchmarks.cases.embedding import rate_row
from benchmarks.inputs.libraries import files_of, library
from benchmarks.inputs.models import blip_base, siglip2_b16, vit_b32
from benchmarks.inputs.photographs import Kind
from benchmarks.measuring.process import Measured, python_program
from benchmarks.measuring.sample import Sample
from benchmarks.measuring.turns import in_turn
from benchmarks.rows import CaseResult, Processor, Row, Target


def captions(bench: Bench) -> CaseResult:
    """Measure BLIP base in the whole pipeline on JPEG files of its input size, against R3, and compare the captions."""
    size, model = bench.sizes.captions, blip_base()
    libraries = {count: library(Kind.JPEG_SQUARE, count) for count in (size.few, size.many)}

    written: dict[str, str] = {}

    def ours(count: int) -> Measured:
        ingested = bench.ingest_again(libraries[count], f"bundled:embedder,{model}")
        written.update(bench.captions(ingested))
        bench.discard(ingested)
        return ingested.measured

    def against(count: int) -> Measured:
        request = {"model": str(model), "files": [os.fspath(file) for file in files_of(libraries[count])]}
        return bench.measure(python_program("benchmarks.references.captioning"), request=request)

    first, second = in_turn([ours, against], size.few, size.many, bench.repeats)
    title = "captions, BLIP base, 384×384 JPEG, whole pipeline"
    names = [file.relative_to(libraries[size.many]).as_posix() for file in files_of(libraries[size.many])]
    words = [(written[name], theirs) for name, theirs in zip(names, second.of_many[-1].answer["captions"], strict=True)]
    same = sum(ours == theirs for ours, theirs in words)
    note = f"{same} of {len(words)} captions are identical to R3's, {len({theirs for _, theirs in words})} are distinct"
    row = rate_row(title, first, second, "R3", Target(3))
    row = dataclasses.replace(row, note=f"{row.note}; {note} from each other")
    return CaseResult([row])


def bare_models(bench: Bench) -> CaseResult:
    """Measure the embedder on decoded images on disk, against the bare model on tensors in memory."""
    rows = []
    for name, model in (("ViT-B/32", vit_b32()), ("SigLIP 2 B/16", siglip2_b16())):
        count = bench.sizes.model_images
        request = {"model": str(model), "images": count, "repeats": bench.fewer_repeats}
        answer = bench.measure(python_program("benchmarks.programs.model_rate"), request=request).answer
        ours, against = (
            Sample.of([count / seconds for seconds in answer[who]["seconds"]], "img/s") for who in ("ours", "against")
        )
        cores = [
            Sample.of([1000 * seconds / count for seconds in answer[who]["cpu_seconds"]], "ms")
            for who in ("ours", "against")
        ]
        rows.append(
            Row(
                title=f"embedder over decoded images on disk, {name}",
                ours=ours.estimate,
                against=against.estimate,
                reference=f"limit: the bare model, {answer['device']}",
                figure=ours.over(against),
                processor=Processor.of_rates(*cores),
            )
        )
    return CaseResult(rows)
