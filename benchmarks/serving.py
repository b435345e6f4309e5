"""`python -m benchmarks.serving`: an inference service with 1, 8 and 64 callers, on the best device of this machine.

The pipeline's service, the same with a single process that receives requests and with no batches across callers,
LitServe if it is installed, and the model in process as the limit. Prints a table, and writes `results/serving.json`
and a plot beside it. Needs neither Dagster nor Qdrant.
"""

import argparse
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
import numpy as np

from benchmarks.inputs.models import blip_base, siglip2_b16, vit_b32
from benchmarks.measuring.process import python_program
from benchmarks.qdrant_server import free_port
from benchmarks.results_file import write_json
from image_pipeline.inference.wire import CAPTION, EMBED, NPY, to_npy

_RESULTS = Path(__file__).parent / "results" / "serving.json"
_CALLERS = (1, 8, 64)
_PROCESSES = max(2, len(os.sched_getaffinity(0)) // 2)
"""Callers are in so many processes: one of Python sends at most some thousand requests per second."""

_WAYS = ("joined", "one", "alone", "litserve")
_BARE_SECONDS = 3.0


@dataclass(frozen=True)
class _Model:
    """A model: its directory, the height and width of its input, the path that serves it."""

    make: Callable[[], Path]
    side: int
    path: str


_MODELS = {
    "ViT-B/32": _Model(vit_b32, 224, EMBED),
    "SigLIP 2 B/16": _Model(siglip2_b16, 224, EMBED),
    "BLIP base": _Model(blip_base, 384, CAPTION),
}


@dataclass(frozen=True)
class Measured:
    """Images per second, and the seconds of a request at the 50th and 95th percentile."""

    model: str
    way: str
    images: int
    callers: int
    rate: float
    p50: float
    p95: float
    requests: int


def main() -> int:
    """Measure, print and write."""
    arguments = _parser().parse_args()
    has_litserve = importlib.util.find_spec("litserve") is not None
    found: list[Measured] = []
    limits: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="image-pipeline-bench-") as folder:
        for name in arguments.models:
            model = _MODELS[name]
            limits[name], device = _limit(model)
            print(f"{name} on {device}: the model in process {limits[name]:,.0f} images/s", flush=True)
            for way in arguments.ways:
                if way == "litserve" and (model.path != EMBED or not has_litserve):
                    continue
                with _service(way, model, Path(folder)) as url:
                    for images in arguments.images:
                        for callers in _CALLERS:
                            one = _measure(name, way, url, images, callers, arguments.seconds)
                            found.append(one)
                            print(_line(one, limits[name]), flush=True)
    if arguments.write:
        write_json(_RESULTS, {"device": device, "limits": limits, "rows": [asdict(one) for one in found]})
        _plot(found, limits)
    return 0


def _line(one: Measured, limit: float) -> str:
    return (
        f"{one.model:<14} {one.way:<9} {one.images:>3} per request, {one.callers:>2} callers: "
        f"{one.rate:>9,.1f} images/s ({one.rate / limit:.2f} of the limit), p50 {one.p50 * 1000:,.1f} ms, "
        f"p95 {one.p95 * 1000:,.1f} ms, {one.requests} requests"
    )


def _limit(model: _Model) -> tuple[float, str]:
    """Images per second in process, and the device: of the bare embedder, or of the pipeline's captioner."""
    program = python_program("benchmarks.programs.model_limit", str(model.make()), str(model.side), str(_BARE_SECONDS))
    told = subprocess.run(program, check=True, capture_output=True, text=True)
    rate, _, device = told.stdout.strip().splitlines()[-1].partition(" ")
    return float(rate), device


@contextmanager
def _service(way: str, model: _Model, folder: Path) -> Iterator[str]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = python_program("benchmarks.programs.serve", way, str(model.make()), str(folder / way), str(port))
    with subprocess.Popen(command, start_new_session=True) as process:
        try:
            content = to_npy(np.zeros((1, 3, model.side, model.side), np.uint8))
            body = {"content": content, "headers": {"content-type": NPY}}
            ends_at = time.monotonic() + 300
            while time.monotonic() < ends_at:
                try:
                    if httpx.post(f"{url}{model.path}", timeout=60, trust_env=False, **body).is_success:
                        break
                except httpx.TransportError:
                    time.sleep(0.5)
                if process.poll() is not None:
                    raise RuntimeError(f"the service {way!r} ended with {process.returncode}")
            yield url
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(30)
            with suppress(ProcessLookupError):  # processes of LitServe may outlive it, and would slow down what follows
                os.killpg(process.pid, signal.SIGKILL)


def _measure(model: str, way: str, url: str, images: int, callers: int, seconds: float) -> Measured:
    processes = min(_PROCESSES, callers)
    of_model = {"path": _MODELS[model].path, "side": _MODELS[model].side}
    request = {"url": url, "callers": callers // processes, "images": images, "seconds": seconds, **of_model}
    command = python_program("benchmarks.programs.callers")
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(processes)
    ]
    for process in running:
        assert process.stdin is not None
        process.stdin.write(json.dumps(request))
        process.stdin.close()
    laps: list[float] = []
    for process in running:
        assert process.stdout is not None
        laps += json.loads(process.stdout.read().splitlines()[-1])["laps"]
        process.wait()
    p50, p95 = np.percentile(laps, [50, 95]) if laps else (float("nan"), float("nan"))
    return Measured(model, way, images, callers, len(laps) * images / seconds, float(p50), float(p95), len(laps))


def _plot(found: list[Measured], limits: dict[str, float]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = list(limits)
    figure, axes = pyplot.subplots(1, len(names), figsize=(5 * len(names), 4), squeeze=False, layout="constrained")
    for axis, name in zip(axes[0], names, strict=True):
        series: dict[tuple[str, int], list[Measured]] = {}
        for one in found:
            if one.model == name:
                series.setdefault((one.way, one.images), []).append(one)
        for (way, images), rows in series.items():
            axis.plot([row.callers for row in rows], [row.rate for row in rows], marker="o", label=f"{way}, {images}")
        axis.axhline(limits[name], color="black", linestyle=":", label="in process")
        axis.set(xscale="log", yscale="log", title=name, xlabel="callers", ylabel="images per second")
        axis.set_xticks(_CALLERS, [str(callers) for callers in _CALLERS])
        axis.legend(fontsize="small", title="service, images per request")
    figure.savefig(_RESULTS.with_suffix(".png"), dpi=120)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("--models", nargs="+", default=list(_MODELS), choices=list(_MODELS))
    parser.add_argument("--ways", nargs="+", default=list(_WAYS), choices=_WAYS)
    parser.add_argument("--images", nargs="+", type=int, default=[1, 32], help="images per request")
    parser.add_argument("--seconds", type=float, default=10.0, help="the time of each measurement")
    parser.add_argument("--write", action="store_true", help="write results/serving.json and the plot")
    return parser


if __name__ == "__main__":
    sys.exit(main())
