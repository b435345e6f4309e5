"""`python -m benchmarks.gpu`: the embedders on a CUDA GPU against the bare models, and captions against R3.

Needs torch, transformers, open_clip and the pipeline's package, but neither Dagster nor Qdrant. Prints a table, and
writes `results/gpu.json`.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.inputs.models import blip_base, siglip2_b16, vit_b32
from benchmarks.inputs.picture import make_picture
from benchmarks.measuring.sample import Sample
from benchmarks.measuring.stopwatch import Laps
from benchmarks.measuring.turns import take_turns
from benchmarks.report import figure_text, target_text
from benchmarks.results_file import write_json
from benchmarks.rows import Processor, Row, Target

_RESULTS = Path(__file__).parent / "results" / "gpu.json"
_BARE_BATCH = 256


def main() -> int:
    """Measure; returns 1 if there is no GPU."""
    arguments = _parser().parse_args()
    import torch

    if not torch.cuda.is_available() and arguments.device_check != "cpu":
        print("There is no CUDA GPU here: nothing was measured.")
        return 1
    with tempfile.TemporaryDirectory(prefix="image-pipeline-bench-") as folder:
        rows = []
        for name, model in (("ViT-B/32", vit_b32()), ("SigLIP 2 B/16", siglip2_b16())):
            rows.append(_embedding(name, model, Path(folder), arguments.images, arguments.repeats))
        rows.append(_captions(blip_base(), Path(folder), arguments.captions, arguments.repeats))
    machine = _machine(torch) | (_limits(torch) if torch.cuda.is_available() else {})
    print(_table(rows, machine))
    if torch.cuda.is_available():
        _RESULTS.parent.mkdir(exist_ok=True)
        write_json(_RESULTS, {"machine": machine, "rows": [row.as_dict() for row in rows]})
    return 0


def _embedding(name: str, model: Path, folder: Path, count: int, repeats: int) -> Row:
    from benchmarks.rates import BareModel, embed_all, make_embedder, write_images

    embedder = make_embedder(model, folder)
    side = embedder.producer.input.height
    images = write_images(folder / f"{model.name}.npy", count, side)
    embed_all(embedder, images)  # determines the batch size
    assert embedder.throughput is not None
    bare = BareModel(model, max(embedder.throughput.batch_size, min(_BARE_BATCH, count)), side)
    bare.run(count)
    laps = _in_turn(lambda: embed_all(embedder, images), lambda: bare.run(count), repeats)
    ours, against = (_rates(each, count) for each in laps)
    work = _arithmetic(lambda: list(embedder.embed_batches(images[:1])), ours.estimate.value)
    return Row(
        title=f"embedding from decoded tensors on disk, {name}",
        ours=ours.estimate,
        against=against.estimate,
        reference="limit: the bare model on tensors on the device",
        figure=ours.over(against),
        processor=_processor(laps, count),
        target=Target(0.85),
        note=f"{embedder.device_text}, batches of {embedder.throughput.batch_size}; {work}",
    )


def _captions(model: Path, folder: Path, count: int, repeats: int) -> Row:
    import torch

    from benchmarks.rates import model_source
    from benchmarks.references.captioning import captions, make_pipeline
    from image_pipeline.inference.captioner import Captioner
    from image_pipeline.inference.producer import ProducerKind

    source = model_source(ProducerKind.CAPTION, model, folder)
    captioner = Captioner(source, source.producer())
    side = captioner.producer.input.height
    pictures = [make_picture(number, side, side) for number in range(count)]
    np.save(folder / "pictures.npy", np.stack([np.asarray(picture).transpose(2, 0, 1) for picture in pictures]))
    images = np.load(folder / "pictures.npy", mmap_mode="r")
    pipeline = make_pipeline(str(model), device=0 if torch.cuda.is_available() else -1)

    def ours() -> list[str]:
        return [one.text for _, batch in captioner.caption_batches(images) for one in batch]

    def against() -> list[str]:
        return captions(pipeline, pictures)

    words = ours(), against()  # also loads and warms up the models
    laps = _in_turn(ours, against, repeats)
    rates = [_rates(each, count) for each in laps]
    same = sum(one == other for one, other in zip(*words, strict=True))
    work = _arithmetic(lambda: list(captioner.caption_batches(images[:1])), rates[0].estimate.value)
    return Row(
        title="captions, BLIP base, from decoded tensors on disk",
        ours=rates[0].estimate,
        against=rates[1].estimate,
        reference="R3 on the same device, pictures in memory",
        figure=rates[0].over(rates[1]),
        processor=_processor(laps, count),
        target=Target(5),
        note=f"{captioner.device_text}; {same} of {count} captions are identical to R3's; {work}",
    )


def _in_turn(ours: Callable[[], object], against: Callable[[], object], repeats: int) -> tuple[Laps, Laps]:
    """Time both alternately, until the repeats of each agree."""
    laps = Laps(), Laps()
    runs = [lambda: laps[0].time(ours), lambda: laps[1].time(against)]
    take_turns(runs, repeats, lambda: all(_rates(each, 1).estimate.agreed for each in laps))
    return laps


def _rates(laps: Laps, count: int) -> Sample:
    return Sample.of([count / seconds for seconds in laps.seconds], "img/s")


def _processor(laps: tuple[Laps, Laps], count: int) -> Processor:
    """The CPU time of the host, which feeds the GPU."""
    ours, against = (Sample.of([1000 * seconds / count for seconds in each.cpu_seconds], "ms") for each in laps)
    return Processor.of_rates(ours, against)


def _arithmetic(run: Callable[[], object], images_per_second: float) -> str:
    """A text with the operations for one image, counted while `run` computes it, and per second at the given rate."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    torch.backends.mha.set_fastpath_enabled(False)  # it is one fused operation, which the counter does not count
    with FlopCounterMode(display=False) as counter:
        run()
    torch.backends.mha.set_fastpath_enabled(True)
    flop = counter.get_total_flops()
    return f"{flop / 1e9:.1f} GFLOP per image, {flop * images_per_second / 1e12:.0f} TFLOP/s"


def _limits(torch: Any) -> dict[str, str]:
    """The limits of the GPU: a product of bf16 matrices, a copy within its memory, and a copy to it."""
    side, count = 8192, 10
    one, other = (torch.randn(side, side, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    source, target = (torch.empty(1 << 32, dtype=torch.uint8, device="cuda") for _ in range(2))
    outside = torch.empty(1 << 30, dtype=torch.uint8, pin_memory=True)
    arrived = source[: outside.numel()]

    def seconds(run: Callable[[], object]) -> float:
        run()
        torch.cuda.synchronize()
        began = time.perf_counter()
        for _ in range(count):
            run()
        torch.cuda.synchronize()
        return (time.perf_counter() - began) / count

    return {
        "bf16 matrix product": f"{2 * side**3 / seconds(lambda: one @ other) / 1e12:.0f} TFLOP/s",
        "copy in memory": f"{2 * source.numel() / seconds(lambda: target.copy_(source)) / 1e12:.1f} TB/s",
        "copy to the card": f"{outside.numel() / seconds(lambda: arrived.copy_(outside)) / 1e9:.0f} GB/s",
    }


def _machine(torch: Any) -> dict[str, str]:
    versions = {name: version(name) for name in ("torch", "open_clip_torch", "transformers")}
    device = (
        torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU: a check of the script, not a result"
    )
    return {"device": device, "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"), **versions}


def _table(rows: list[Row], machine: dict[str, str]) -> str:
    lines = [", ".join(f"{name} {value}" for name, value in machine.items()), ""]
    lines += [
        "| case | ours | against | reference | figure | CPU time of the host | target | reached | |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [row.title, row.ours, row.against, row.reference, figure_text(row)]
        cells += [row.processor.figure if row.processor else "", target_text(row), row.verdict, row.note]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--images", type=int, default=8192, help="images to embed (default: %(default)s)")
    parser.add_argument("--captions", type=int, default=512, help="images to caption (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=3, help="minimum number of repeats (default: %(default)s)")
    parser.add_argument("--device-check", choices=["cpu"], help="run on the CPU, to check that the script works")
    return parser


if __name__ == "__main__":
    sys.exit(main())
