"""Fidelity cases: whether the embeddings and captions of the pipeline agree with those of the slow references."""

import os
from pathlib import Path
from statistics import fmean, median
from typing import Any

from benchmarks.bench import Bench
from benchmarks.inputs.models import blip_base, siglip2_b16, vit_b32
from benchmarks.inputs.photographs import Kind, photographs, pictures
from benchmarks.measuring.estimate import Estimate
from benchmarks.measuring.process import python_program
from benchmarks.rows import CaseResult, Row, Target

_READ_BY_REFERENCE = (
    ".jpg",
    ".jpeg",
    ".heic",
    ".png",
    ".webp",
    ".avif",
    ".dng",
    ".nef",
    ".cr2",
    ".arw",
    ".raf",
    ".rw2",
)
_PREVIEW, _SCALED = "raw_preview", "scaled"
_DTYPES = ("auto", "bf16")


def fidelity(bench: Bench) -> CaseResult:
    """Compare embeddings, by decode path, of the bench's and a user's photographs; and captions with those of fp32."""
    shown = {file: picture for kind in Kind for file, picture in pictures(kind, bench.sizes.fidelity).items()}
    own = set(map(str, shown))
    if bench.photographs is not None:
        found = (file for file in sorted(bench.photographs.rglob("*")) if file.suffix.lower() in _READ_BY_REFERENCE)
        shown |= {file: str(file) for file in found if file.is_file()}
    rows, embedded = [], {}
    for name, model in (("ViT-B/32", vit_b32()), ("SigLIP 2 B/16", siglip2_b16())):
        embedded[name] = _embedded(bench, model, shown)
        rows += _rows(name, embedded[name], own)
    captions = _captioned(bench)
    rows.append(_captions_row(captions))
    return CaseResult(rows, table=_table(embedded, captions, own))


def _embedded(bench: Bench, model: Path, shown: dict[Path, str]) -> dict[str, Any]:
    vectors = bench.new_folder().with_suffix(".npy")
    request = {"model": str(model), "files": list(map(str, shown)), "vectors": str(vectors)}
    readable = bench.measure(python_program("benchmarks.references.full_decode"), request=request).answer["files"]
    names = {str(file): picture for file, picture in shown.items()}
    further = {
        "files": readable,
        "pictures": [names[file] for file in readable],
        "dtypes": _DTYPES,
        "home": str(bench.new_folder()),
    }
    answer: dict[str, Any] = bench.measure(
        python_program("benchmarks.programs.fidelity"), request=request | further
    ).answer
    return answer


def _groups(answer: dict[str, Any], own: set[str], dtype: str) -> dict[tuple[str, str], list[float]]:
    """The cosines by source of the photographs (the bench or the user) and by decode path."""
    groups: dict[tuple[str, str], list[float]] = {}
    for file, path, cosine in zip(answer["files"], answer["decode_paths"], answer["cosines"][dtype], strict=True):
        groups.setdefault(("bench's own" if file in own else "photographs", path), []).append(cosine)
    return groups


def _rows(name: str, answer: dict[str, Any], own: set[str]) -> list[Row]:
    rows = []
    for dtype in answer["cosines"]:
        for (whose, path), cosines in sorted(_groups(answer, own, dtype).items()):
            title = f"cosine to the full decode in fp32, {name}, {dtype}, {path}, {whose}"
            note = f"{answer['devices'][dtype]}; different photographs {answer['different']:.3f}"
            if path in (_PREVIEW, _SCALED):
                least = Target(0.998 if path == _SCALED else 0.97)
                rows.append(_cosine_row(f"{title}, median", cosines, median(cosines), least, note))
            if path == _SCALED:
                rows.append(_cosine_row(f"{title}, minimum", cosines, min(cosines), Target(0.99), note))
    return rows


def _cosine_row(title: str, cosines: list[float], figure: float, target: Target, note: str) -> Row:
    """A row with `figure` as an exact value: cosines vary between photographs, but not between repeats."""
    ours = Estimate(median(cosines), min(cosines), max(cosines), "", len(cosines), noisy=False)
    return Row(title, ours, None, "1", Estimate.exact(figure, "", len(cosines)), target=target, note=note)


def _captioned(bench: Bench) -> dict[str, Any]:
    files = photographs(Kind.JPEG_SMALL, bench.sizes.caption_fidelity)
    request = {"model": str(blip_base()), "files": [os.fspath(file) for file in files], "dtype": "auto"}
    request["home"] = str(bench.new_folder())
    answer: dict[str, Any] = bench.measure(python_program("benchmarks.programs.same_captions"), request=request).answer
    return answer


def _captions_row(answer: dict[str, Any]) -> Row:
    same = [float(ours == expected) for ours, expected in zip(answer["ours"], answer["expected"], strict=True)]
    return Row(
        title="captions identical to those of fp32, from the same tensors",
        ours=Estimate.exact(fmean(same), "", len(same)),
        against=None,
        reference="transformers, fp32",
        figure=Estimate.exact(fmean(same), "", len(same)),
        target=Target(0.95),
        note=f"{len(same)} photographs, {len(set(answer['expected']))} different captions; {answer['device']}",
    )


def _table(embedded: dict[str, dict[str, Any]], captions: dict[str, Any], own: set[str]) -> str:
    lines = ["| model | dtype | photographs | decode path | files | median | minimum | different photographs |"]
    lines.append("|---|---|---|---|---|---|---|---|")
    for name, answer in embedded.items():
        for dtype in answer["cosines"]:
            for (whose, path), cosines in sorted(_groups(answer, own, dtype).items()):
                cells = [name, dtype, whose, path, str(len(cosines)), f"{median(cosines):.5f}", f"{min(cosines):.5f}"]
                lines.append(f"| {' | '.join(cells)} | {answer['different']:.3f} |")
    others = [pair for pair in zip(captions["ours"], captions["expected"], strict=True) if pair[0] != pair[1]]
    lines += ["", f"Captions that differ from those of fp32: {len(others) or 'none'}.", ""]
    lines += [f"- {ours!r} for {expected!r}" for ours, expected in others]
    return "\n".join(lines)
