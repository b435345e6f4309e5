"""`python -m benchmarks`: measures the cases and writes the report."""

import argparse
import sys
import tempfile
import time
import traceback
from dataclasses import asdict, replace
from pathlib import Path

from benchmarks.bench import running_bench
from benchmarks.cases import CASES
from benchmarks.inputs.cache import cache_folder
from benchmarks.machine import describe, load
from benchmarks.measuring.speed import Speed
from benchmarks.report import lines_of, report
from benchmarks.results_file import ResultsFile
from benchmarks.sizes import DEFAULT, QUICK

_RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """Run the requested cases; returns 1 if one failed. The earlier results of a failed case are kept."""
    arguments = _parser().parse_args()
    unknown = set(arguments.cases) - set(CASES)
    if unknown:
        sys.exit(f"There is no case {', '.join(sorted(unknown))}: choose from {', '.join(CASES)}.")
    sizes = QUICK if arguments.quick else DEFAULT
    folder = arguments.results or (cache_folder() / "quick" if arguments.quick else _RESULTS)
    results, failed = ResultsFile(folder), []
    with (
        tempfile.TemporaryDirectory(prefix="work-", dir=cache_folder()) as work,
        running_bench(sizes, arguments.repeats or sizes.repeats, Path(work), arguments.photographs) as bench,
    ):
        for name in arguments.cases or CASES:
            print(f"{name} …", flush=True)
            began, before = time.monotonic(), load()
            bench.speed = Speed()
            try:
                result = CASES[name](bench)
            except Exception:
                traceback.print_exc()
                failed.append(name)
                continue
            bench.speed.look()
            result = replace(result, rows=[replace(row, crowded=bench.speed.crowded) for row in result.rows])
            seconds = time.monotonic() - began
            measured = {
                "machine": describe(bench.qdrant),
                "seconds": seconds,
                "load": before,
                "speed": asdict(bench.speed.seen),
            }
            results.put(name, result, measured)
            print(*lines_of(result.rows), f"  ({seconds:.0f} s; {bench.speed.seen})", sep="\n", flush=True)
    _write(results, folder)
    print(f"\nThe report: {folder / 'report.md'}")
    if failed:
        print(f"These cases failed: {', '.join(failed)}.")
    return 1 if failed else 0


def _write(results: ResultsFile, folder: Path) -> None:
    from benchmarks.plots import draw

    kept = results.cases(list(CASES))
    if kept:
        (folder / "report.md").write_text(report(kept), encoding="utf-8")
        draw(kept, folder)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "cases", nargs="*", metavar="CASE", help=f"cases to measure; all by default: {', '.join(CASES)}"
    )
    parser.add_argument(
        "--quick", action="store_true", help="run everything once with tiny sizes, to check that it works"
    )
    parser.add_argument("--repeats", type=int, metavar="N", help="minimum number of repeats of each run")
    parser.add_argument("--photographs", type=Path, metavar="DIR", help="further photographs for the fidelity case")
    parser.add_argument("--results", type=Path, metavar="DIR", help="folder of the report")
    return parser


if __name__ == "__main__":
    sys.exit(main())
